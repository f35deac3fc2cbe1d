# SPDX-License-Identifier: Apache-2.0
"""Counts into a file on a bind mount, which no checkpoint takes back: memory that ran twice writes a
number twice, memory that was lost begins a new line of READY. Also checks its own memory.

    READY <token>
    STEP <n> <link>      as counter.py's
    GOTTERM              SIGTERM, which the program survives
    BAD memory <n>
"""
import os
import secrets
import signal
import sys
import time
import zlib

from counter import link

BALLAST = 8  # megabytes

ledger = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def write(*words):
    os.write(ledger, (" ".join(map(str, words)) + "\n").encode())


signal.signal(signal.SIGTERM, lambda *_: write("GOTTERM"))
token = secrets.token_hex(8)
blocks = [os.urandom(1 << 20) for _ in range(BALLAST)]
sums = [zlib.crc32(block) for block in blocks]
write("READY", token)
number, chain = 0, token
while True:
    number += 1
    chain = link(chain, number)
    i = number % BALLAST
    if zlib.crc32(blocks[i]) != sums[i]:
        write("BAD", "memory", i)
    write("STEP", number, chain)
    time.sleep(0.02)
