# SPDX-License-Identifier: Apache-2.0
"""Steps as counting.py wants them, in a sandbox or not.

    READY
    STEP <n> <what it can read of /etc/passwd: "denied" or "all">

usage: landlock.py sandbox|privileges|thread
    sandbox      in a Landlock sandbox
    thread       one of its threads is, and the others are not
    privileges   has given up new privileges, as who goes into one does, and nothing else
"""
import ctypes
import os
import struct
import sys
import threading
import time

LIBC = ctypes.CDLL(None, use_errno=True)
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
READ_FILE, BENEATH = 1 << 2, 1


def give_up_privileges():
    assert LIBC.prctl(38, 1, 0, 0, 0) == 0


def enter_sandbox():
    rules = LIBC.syscall(CREATE_RULESET, struct.pack("Q", READ_FILE), 8, 0)
    assert rules >= 0, os.strerror(ctypes.get_errno())
    for directory in ("/proc", "/usr", "/workloads", "/sys"):
        parent = os.open(directory, os.O_PATH)
        rule = struct.pack("=Qi", READ_FILE, parent)
        assert LIBC.syscall(ADD_RULE, rules, BENEATH, rule, 0) == 0
        os.close(parent)
    give_up_privileges()
    assert LIBC.syscall(RESTRICT_SELF, rules, 0) == 0, os.strerror(ctypes.get_errno())
    os.close(rules)


def look():
    try:
        with open("/etc/passwd", "rb"):
            return "all"
    except PermissionError:
        return "denied"


def enter_and_wait(entered):
    enter_sandbox()
    entered.set()
    while True:
        time.sleep(60)


def main():
    if sys.argv[1] == "sandbox":
        enter_sandbox()
    elif sys.argv[1] == "privileges":
        give_up_privileges()
    else:
        entered = threading.Event()
        threading.Thread(target=enter_and_wait, args=(entered,), daemon=True).start()
        entered.wait()
    print("READY", flush=True)
    number = 0
    while True:
        number += 1
        print("STEP", number, look(), flush=True)
        time.sleep(0.05)


main()
