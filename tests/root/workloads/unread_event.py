# SPDX-License-Identifier: Apache-2.0
"""Leaves something unread that CRIU cannot save, until it stands still for a moment, as for a dump.

    READY   it is there
    READ    it was, when it was read at last
    LOST    it was not

usage: unread_event.py KIND [never]     never: does not even read it then

KIND: inotify   an event of a directory that is watched
      netlink   the kernel's answer to who asks for its network interfaces
      sockets   a message with its sender's identity, and a connection that was closed unaccepted
"""
import os
import signal
import socket
import struct
import sys

from feature import LIBC, check, say, timerfd

IN_CREATE = 0x100
RTM_GETLINK, NLM_F_REQUEST, NLM_F_DUMP = 18, 0x1, 0x300
STANDSTILL = 15  # milliseconds


def stand_still():
    """Until so many ticks passed at once, in none of which this process ran."""
    timer = timerfd(0.001)
    while struct.unpack("Q", os.read(timer, 8))[0] < STANDSTILL:
        pass


def inotify():
    os.mkdir("/var/watched")
    events = LIBC.inotify_init1(os.O_NONBLOCK)
    check(LIBC.inotify_add_watch(events, b"/var/watched", IN_CREATE) >= 0, "no watch")
    os.mkdir("/var/watched/new")
    return events


def netlink():
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    opened.bind((0, 0))
    opened.send(struct.pack("=IHHII16x", 32, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0))
    return opened.detach()


def sockets():
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    right.send(b"x")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("\0unaccepted")
    listener.listen()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0unaccepted")

    def read():
        listener.accept()[0].close()
        return left.recv(9) == b"x" and right.fileno() >= 0
    return read


def read_all(opened):
    size = 0
    try:
        while True:  # the kernel says its last word in a message of its own
            size += len(os.read(opened, 1 << 16))
    except BlockingIOError:
        return size


made = {"inotify": inotify, "netlink": netlink, "sockets": sockets}[sys.argv[1]]()
say("READY")
if sys.argv[2:] != ["never"]:
    stand_still()
    say("READ" if (made() if callable(made) else read_all(made)) else "LOST")
while True:
    signal.pause()
