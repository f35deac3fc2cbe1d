# SPDX-License-Identifier: Apache-2.0
"""Members of a pod that notice what gets lost between them: `server|client [KIND…]`.

They number what they send on one connection, several numbers under way at a time.
Before each one a member writes it to memory that both share, in /dev/shm (if asked in a file that
loses its name) and if asked in a System V segment: who receives a number and does not find it there
(or a later one) has other memory. Kinds: sysv, nameless, address (of the pod, instead of loopback).
"""
import ctypes
import mmap
import os
import socket
import struct
import sys
import time

PORT = 7100
FILE = "/dev/shm/members"
KEY = 0x72707264
SIZE = 4096
BATCH = 16
NUMBER = struct.Struct("!Q")


def open_file():
    file = os.open(FILE, os.O_RDWR | os.O_CREAT, 0o666)
    os.ftruncate(file, SIZE)
    return mmap.mmap(file, SIZE)


def open_segment():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    segment = libc.shmget(KEY, SIZE, 0o1666)  # IPC_CREAT
    address = libc.shmat(segment, None, 0)
    assert address not in (None, ctypes.c_void_p(-1).value), os.strerror(ctypes.get_errno())
    return (ctypes.c_char * SIZE).from_address(address)


class Shared:
    def __init__(self, role, kinds):
        opened = [open_file()] + ([open_segment()] if "sysv" in kinds else [])
        self.memories = [memoryview(memory).cast("B").cast("Q") for memory in opened]
        self.own, self.other = (0, 1) if role == "server" else (1, 0)

    def write(self, number):
        for memory in self.memories:
            memory[self.own] = number

    def check(self, number):
        for index, memory in enumerate(self.memories):
            assert memory[self.other] >= number, f"memory {index}: {memory[self.other]} < {number}"


class Line:
    """One end of the connection."""

    def __init__(self, connection, shared):
        self.connection, self.shared = connection, shared
        self.sent = self.received = 0

    def send(self):
        self.sent += 1
        self.shared.write(self.sent)
        self.connection.sendall(NUMBER.pack(self.sent))

    def receive(self):
        data = self.connection.recv(NUMBER.size, socket.MSG_WAITALL)
        assert len(data) == NUMBER.size, "the connection was ended"
        self.received += 1
        assert NUMBER.unpack(data)[0] == self.received, "a number was lost or repeated"
        self.shared.check(self.received)


def address(kinds):
    if "address" not in kinds:
        return "127.0.0.1", PORT
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.connect(("192.0.2.1", 9))  # sends nothing, but chooses an address
        return route.getsockname()[0], PORT


def accept(kinds):
    with socket.create_server(address(kinds)) as listener:
        print("READY", flush=True)
        return listener.accept()[0]


def connect(kinds):
    while True:
        try:
            return socket.create_connection(address(kinds))
        except ConnectionRefusedError:
            time.sleep(0.01)


def serve(line):
    while True:
        line.receive()
        line.send()
        if line.received % BATCH == 0:
            print("COUNT", line.received, flush=True)


def ask(line):
    print("READY", flush=True)
    while True:
        for _ in range(BATCH):
            line.send()
        for _ in range(BATCH):
            line.receive()
        print("COUNT", line.received, flush=True)
        time.sleep(0.02)


def main(role, *kinds):
    shared = Shared(role, kinds)
    try:
        if role == "server":
            serve(Line(accept(kinds), shared))
        line = Line(connect(kinds), shared)
        if "nameless" in kinds:
            os.unlink(FILE)
        ask(line)
    except (OSError, AssertionError) as error:
        print("ERROR", repr(error), flush=True)


main(*sys.argv[1:])
