# SPDX-License-Identifier: Apache-2.0
"""What the features of features.py stand on."""
import ctypes
import os
import struct
import time

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


def timerfd(period, flags=0):
    """A timer of the monotonic clock that expires every `period` seconds."""
    fd = syscall(283, time.CLOCK_MONOTONIC, flags)
    whole, part = divmod(int(period * 1e9), 10**9)
    value = struct.pack("qqqq", whole, part, whole, part)
    syscall(286, fd, 0, ctypes.create_string_buffer(value, len(value)), None)
    return fd


class Feature:
    """Set up by __init__, checked again and again by check(); both in a process of its own."""

    def check(self):
        raise NotImplementedError
