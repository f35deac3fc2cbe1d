# SPDX-License-Identifier: Apache-2.0
"""Starts programs by vfork, and is in the middle of that for about half of the time.

    READY      two were started
    RAN <n>    the n-th has ended

usage: spawning.py [stuck]     stuck: of the third, only the child goes on, and says RAN

The child looks for the program in directories that there are not, which takes it a while; until it
has found it, its parent waits in the kernel.
"""
import os
import signal
import subprocess
import sys
import time

from feature import syscall

DIRECTORIES = [f"/nowhere/{i}" for i in range(20_000)] + ["/bin"]
SYS_CLONE, CLONE_VFORK = 56, 0x4000
PAUSE = 0.05

os.get_exec_path = lambda env=None: DIRECTORIES
number = 0
while True:
    number += 1
    if number > 2 and sys.argv[1:] == ["stuck"]:
        if number == 3:
            syscall(SYS_CLONE, CLONE_VFORK | signal.SIGCHLD, 0, 0, 0, 0)
    else:
        assert subprocess.run(["true"], close_fds=False).returncode == 0
    print("RAN", number, flush=True)
    if number == 2:
        print("READY", flush=True)
    time.sleep(PAUSE)
