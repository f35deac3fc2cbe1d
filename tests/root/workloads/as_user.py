# SPDX-License-Identifier: Apache-2.0
"""Stays root and runs `as_user.py UID SOFT HARD PROGRAM…` as a child: of that user, with these
limits for open files."""
import os
import resource
import sys

uid, soft, hard = map(int, sys.argv[1:4])
child = os.fork()
if child == 0:
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 1 << 20))
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    os.execvp(sys.argv[4], sys.argv[4:])
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
