# SPDX-License-Identifier: Apache-2.0
"""What the features of features.py stand on."""
import ctypes
import os

LIBC = ctypes.CDLL(None, use_errno=True)


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def syscall(*arguments):
    result = LIBC.syscall(*arguments)
    check(result >= 0, os.strerror(ctypes.get_errno()))
    return result


class Feature:
    """Set up by __init__, checked again and again by check(); both in a process of its own."""

    def check(self):
        raise NotImplementedError
