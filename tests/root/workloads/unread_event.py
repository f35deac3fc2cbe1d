# SPDX-License-Identifier: Apache-2.0
"""Leaves an inotify event unread until it stands still for a moment, as for a dump.

    READY   the event is there
    READ    it was, when it was read at last
    LOST    it was not

usage: unread_event.py [never]     never: does not even read it then
"""
import os
import sys
import time

from feature import LIBC, check, say

IN_CREATE = 0x100
STANDSTILL = 0.05


def stand_still():
    before = time.monotonic()
    while (now := time.monotonic()) - before < STANDSTILL:
        before = now
        time.sleep(0.002)


os.mkdir("/var/watched")
events = LIBC.inotify_init1(os.O_NONBLOCK)
check(LIBC.inotify_add_watch(events, b"/var/watched", IN_CREATE) >= 0, "no watch")
os.mkdir("/var/watched/new")
say("READY")
if sys.argv[1:] != ["never"]:
    stand_still()
    try:
        os.read(events, 4096)
        say("READ")
    except BlockingIOError:
        say("LOST")
while True:
    time.sleep(60)
