# SPDX-License-Identifier: Apache-2.0
"""Threads that compute on numpy arrays and prove every page of them in every round.

In each round every thread adds a number to one block of its quarter and sums each page of the
quarter. What a page must sum to is kept beside it, and the sum over everything is a function of the
first one and the round, so that whoever reads the output can check it without trusting us:

    READY token=<random> total=<sum at round 0>
    ROUND <n> total=<sum> bad=<pages that are wrong> token=<as above> ticks=<rounds of each thread>
"""
import secrets
import sys
import threading
import time

import numpy

THREADS = 4
WORDS_PER_PAGE = 512
PAGES_PER_BLOCK = 64


class Quarter:
    """One thread's part of the array."""

    def __init__(self, pages):
        self.pages = pages  # a view: pages x words
        self.expected = pages.sum(axis=1, dtype=numpy.uint64)
        self.ticks = 0
        self.bad = 0
        self.total = 0

    def work(self, number):
        blocks = len(self.pages) // PAGES_PER_BLOCK
        first = (number % blocks) * PAGES_PER_BLOCK
        block = slice(first, first + PAGES_PER_BLOCK)
        self.pages[block] += numpy.uint64(number)
        self.expected[block] += numpy.uint64(number * WORDS_PER_PAGE)
        sums = self.pages.sum(axis=1, dtype=numpy.uint64)
        self.bad = int((sums != self.expected).sum())
        self.total = int(sums.sum(dtype=numpy.uint64))
        self.ticks += 1


def main():
    megabytes = int(sys.argv[1])
    doubles = numpy.random.default_rng().random(megabytes * 131072)
    pages = doubles.view(numpy.uint64).reshape(-1, WORDS_PER_PAGE)
    share = len(pages) // THREADS
    quarters = [Quarter(pages[i * share:(i + 1) * share]) for i in range(THREADS)]
    begin, end = threading.Barrier(THREADS + 1), threading.Barrier(THREADS + 1)
    number = 0

    def loop(quarter):
        while True:
            begin.wait()
            quarter.work(number)
            end.wait()

    for quarter in quarters:
        threading.Thread(target=loop, args=(quarter,), daemon=True).start()
    token = secrets.token_hex(8)
    total = int(pages[:share * THREADS].sum(dtype=numpy.uint64))
    print(f"READY token={token} total={total}", flush=True)
    while True:
        number += 1
        begin.wait()
        end.wait()
        total = sum(q.total for q in quarters) % 2**64
        ticks = ",".join(str(q.ticks) for q in quarters)
        bad = sum(q.bad for q in quarters)
        print(f"ROUND {number} total={total} bad={bad} token={token} ticks={ticks}", flush=True)
        time.sleep(0.05)


main()
