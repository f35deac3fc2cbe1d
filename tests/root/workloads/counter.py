# SPDX-License-Identifier: Apache-2.0
"""Counts, and would notice a step that is lost, repeated or computed from other memory.

    READY <token>
    STEP <n> <link> <ms>    link: of a chain over all steps before, seeded by the token;
                            ms: since the last step, by the monotonic clock

Files in /tmp ask for more: `verify` (the ballast is checked as a whole: "MEMORY OK"), `renew` (from
the megabyte in it on, the ballast is made anew: "RENEWED"), `release` (what --hold holds is closed: "RELEASED"), `try` (of an io_uring: "IO_URING works" or why not),
`exit` (contains the exit code).
"""
import argparse
import hashlib
import mmap
import os
import random
import secrets
import signal
import socket
import sys
import threading
import time
import zlib

import holding

MEGABYTE = 1 << 20


def say(*words):
    # In one write: a stop in the middle of a line would leave its first half to the next life.
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def link(previous, number):
    return hashlib.sha256(f"{previous} {number}".encode()).hexdigest()[:16]


def asked(what):
    """Whether somebody made /tmp/WHAT; returns its content and removes it."""
    try:
        with open(f"/tmp/{what}", encoding="ascii") as file:
            content = file.read()
        os.unlink(f"/tmp/{what}")
        return content.strip() or what
    except FileNotFoundError:
        return None


class Ballast:
    """Memory that cannot be compressed, with a checksum of each megabyte. With a seed, other
    processes have the same pages; without, nobody has."""

    def __init__(self, megabytes, seed=None):
        self.make = os.urandom if seed is None else random.Random(seed).randbytes
        self.blocks = [self.in_whole_pages(self.make(MEGABYTE)) for _ in range(megabytes)]
        self.sums = [zlib.crc32(block) for block in self.blocks]

    @staticmethod
    def in_whole_pages(content):
        """As bytes of the interpreter it would begin anywhere in the heap, and where differs
        between processes now and then: then they have no page in common."""
        memory = mmap.mmap(-1, len(content), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory[:] = content
        return memory

    def renew(self, first):
        for i in range(first, len(self.blocks)):
            self.blocks[i][:] = self.make(MEGABYTE)
            self.sums[i] = zlib.crc32(self.blocks[i])

    def check(self, which):
        for i in which:
            if zlib.crc32(self.blocks[i]) != self.sums[i]:
                say("MEMORY BAD", i)
                return False
        return True


class Echo:
    """A TCP connection over loopback; every step goes through it and back."""

    def __init__(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.client = socket.create_connection(listener.getsockname())
        self.server, _ = listener.accept()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while data := self.server.recv(64):
            self.server.sendall(data)

    def check(self, number):
        self.client.sendall(b"%8d" % number)
        answer = b""
        while len(answer) < 8:
            got = self.client.recv(8 - len(answer))
            if not got:
                raise ConnectionError("the loopback connection was closed")
            answer += got
        if int(answer) != number:
            raise ConnectionError(f"sent {number}, got {answer!r}")


def install_handler(signal_name, reaction):
    def handler(number, _frame):
        say("GOT" + signal.Signals(number).name.removeprefix("SIG"))
        if reaction != "go-on":
            sys.exit(int(reaction))

    signal.signal(getattr(signal, signal_name), handler)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--period", type=float, default=0.02)
    parser.add_argument("--mb", type=int, default=0)
    parser.add_argument("--seed", type=int, help="of the memory of --mb")
    parser.add_argument("--on-term", default="go-on", help="go-on, or the exit code")
    parser.add_argument("--on-int", default="go-on", help="go-on, or the exit code")
    parser.add_argument("--hold", action="append", default=[], choices=holding.KINDS,
                        help="something that cannot be saved")
    parser.add_argument("--try-io-uring", action="store_true")
    parser.add_argument("--loopback", action="store_true")
    parser.add_argument("--threads", type=int, default=0, help="that do nothing")
    options = parser.parse_args()
    install_handler("SIGTERM", options.on_term)
    install_handler("SIGINT", options.on_int)
    ballast = Ballast(options.mb, options.seed)
    held = [holding.KINDS[kind]() for kind in options.hold]
    echo = Echo() if options.loopback else None
    for _ in range(options.threads):
        threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()
    chain = secrets.token_hex(8)
    say("READY", chain)
    if options.try_io_uring:
        say("IO_URING", holding.io_uring_answer())
    number, last = 0, time.monotonic()
    while True:
        number += 1
        chain = link(chain, number)
        if echo:
            echo.check(number)
        if ballast.blocks:
            ballast.check([number % len(ballast.blocks)])
        now = time.monotonic()
        say("STEP", number, chain, round((now - last) * 1000))
        last = now
        if asked("verify") and ballast.check(range(len(ballast.blocks))):
            say("MEMORY OK")
        if first := asked("renew"):
            ballast.renew(int(first))
            say("RENEWED")
        if held and asked("release"):
            for release in held:
                release()
            held = []
            say("RELEASED")
        if asked("try"):
            say("IO_URING", holding.io_uring_answer())
        if code := asked("exit"):
            sys.exit(int(code))
        time.sleep(options.period)


if __name__ == "__main__":
    main()
