# SPDX-License-Identifier: Apache-2.0
"""An MPI job of two ranks, with numbers that plain Python can compute as well, bit for bit.

Each rank has an array in which the same few numbers are repeated, of a chaotic map, so that one wrong
bit anywhere changes everything after it. Rank 0 says:

    READY
    ROUND <n> <numbers of rank 0> <of rank 1>     as float.hex() does, after n rounds
    BAD <why>                                     if the repetitions differ, or sum and exchange do
"""
import sys
import time

from mpi4py import MPI
import numpy

NUMBERS, REPEATED = 4, 50_000  # 1.6 MB: more than MPI sends without asking the receiver first
RANKS = 2

world = MPI.COMM_WORLD
mine = numpy.tile([(1 + world.rank + RANKS * i) / 11 for i in range(NUMBERS)], REPEATED)
total, other = numpy.empty_like(mine), numpy.empty_like(mine)


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def bad(why):
    say("BAD", why, "in rank", world.rank)
    world.Abort(1)


def hexadecimal(array):
    if not (array.reshape(-1, NUMBERS) == array[:NUMBERS]).all():
        bad("the numbers are not all the same")
    return [float(number).hex() for number in array[:NUMBERS]]


def main():
    global mine
    if world.size != RANKS:
        bad(f"{world.size} ranks")
    if world.rank == 0:
        say("READY")
    number = 0
    while True:
        number += 1
        world.Allreduce(mine, total)
        mixed = 0.8 * mine + 0.1 * total
        mine = 3.99 * mixed * (1 - mixed)
        world.Allreduce(mine, total)
        world.Sendrecv(mine, 1 - world.rank, recvbuf=other, source=1 - world.rank)
        if not (total == mine + other).all():
            bad("what was reduced is not what was exchanged")
        numbers = hexadecimal(mine), hexadecimal(other)
        if world.rank == 0:
            say("ROUND", number, *numbers[0], *numbers[1])
        time.sleep(0.02)


main()
