# SPDX-License-Identifier: Apache-2.0
"""One process per kernel feature, each of which notices when its state is not what it was.

    READY <n>                all n features are set up
    <feature> ok <n>         its n-th check
    <feature> BAD <reason>   never said by a feature that survived

usage: features.py FEATURE...
"""
import ctypes
import mmap
import os
import select
import signal
import struct
import subprocess
import sys
import time

from feature import LIBC, Feature, check, say, syscall, timerfd
import features_attributes
import features_files
import features_pipes

PERIOD = 0.1


class Threads(Feature):
    def __init__(self):
        import threading
        self.counts = [0] * 20
        for i in range(20):
            threading.Thread(target=self.run, args=(i,), daemon=True).start()

    def run(self, i):
        while True:
            self.counts[i] += 1
            time.sleep(0.01)

    def check(self):
        before = list(self.counts)
        deadline = time.monotonic() + 20
        while any(now <= then for now, then in zip(self.counts, before)):
            check(time.monotonic() < deadline, "a thread stands still")
            time.sleep(0.01)


class Children(Feature):
    """A child that ended, whose status nobody has asked for yet, and a process group."""

    def __init__(self):
        self.zombie = os.fork()
        if self.zombie == 0:
            os._exit(3)
        os.waitid(os.P_PID, self.zombie, os.WEXITED | os.WNOWAIT)  # ended, and left as it is
        self.group = os.fork()
        if self.group == 0:
            os.setsid()
            while True:
                time.sleep(60)
        while os.getsid(self.group) != self.group:
            time.sleep(0.001)

    def check(self):
        with open(f"/proc/{self.zombie}/stat", encoding="ascii") as file:
            check(file.read().rpartition(")")[2].split()[0] == "Z", "the zombie is gone")
        check(os.getsid(self.group) == os.getpgid(self.group) == self.group,
              "the child's session or process group is another")


class Stopped(Feature):
    """A child stopped by SIGSTOP makes no step until it is told to go on."""

    def __init__(self):
        self.steps = mmap.mmap(-1, 8)
        self.child = os.fork()
        if self.child == 0:
            while True:
                self.steps[:8] = struct.pack("Q", self.count() + 1)
                time.sleep(0.001)
        self.stop()

    def count(self):
        return struct.unpack("Q", self.steps[:8])[0]

    def wait_until(self, condition, what):
        deadline = time.monotonic() + 20
        while not condition():
            check(time.monotonic() < deadline, what)
            time.sleep(0.001)

    def is_stopped(self):
        with open(f"/proc/{self.child}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] == "T"

    def stop(self):
        os.kill(self.child, signal.SIGSTOP)
        self.wait_until(self.is_stopped, "does not stop")
        self.stopped_at = self.count()

    def check(self):
        # Right after a restore the stop is still to be taken, before the next instruction.
        self.wait_until(self.is_stopped, "is not stopped")
        check(self.count() == self.stopped_at, "went on although it was stopped")
        os.kill(self.child, signal.SIGCONT)
        self.wait_until(lambda: self.count() > self.stopped_at, "does not go on")
        self.stop()


class Hung(Stopped):
    """One that nobody ever continues, stopped as by ^Z."""

    def stop(self):
        os.setpgid(self.child, self.child)  # in its parent's group, the signal would be ignored
        os.kill(self.child, signal.SIGTSTP)
        self.wait_until(self.is_stopped, "does not stop")
        self.stopped_at = self.count()

    def check(self):
        self.wait_until(self.is_stopped, "is not stopped")
        check(self.count() == self.stopped_at, "went on although it was stopped")
        told = os.waitid(os.P_PID, self.child, os.WSTOPPED | os.WNOHANG | os.WNOWAIT)
        check(told and told.si_status == signal.SIGTSTP, f"is stopped by another signal: {told}")


class Timers(Feature):
    def __init__(self):
        self.alarms = 0
        signal.signal(signal.SIGALRM, self.alarm)
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        self.timer = timerfd(0.05, os.O_NONBLOCK)
        # A POSIX timer that signals a certain thread, as glibc has them made (SIGEV_THREAD).
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
        wanted = ctypes.create_string_buffer(struct.pack("<qiii", 7, signal.SIGRTMIN, 4, LIBC.gettid()), 64)
        number = ctypes.c_int()
        syscall(222, time.CLOCK_MONOTONIC, wanted, ctypes.byref(number))  # timer_create
        syscall(223, number.value, 0, (ctypes.c_long * 4)(0, 50_000_000, 0, 50_000_000), None)  # timer_settime

    def alarm(self, *_):
        self.alarms += 1

    def check(self):
        before = self.alarms
        check(select.select([self.timer], [], [], 20)[0], "the timerfd does not expire")
        os.read(self.timer, 8)
        check(signal.sigtimedwait([signal.SIGRTMIN], 20), "the POSIX timer does not expire")
        deadline = time.monotonic() + 20
        while self.alarms == before:
            check(time.monotonic() < deadline, "the interval timer does not fire")
            time.sleep(0.01)


class Clocks(Feature):
    """The monotonic clock goes on from where it was: the time of a stop is not in it."""

    def __init__(self):
        self.last = time.monotonic()

    def check(self):
        now = time.monotonic()
        check(0 <= now - self.last < 20, f"the monotonic clock jumped by {now - self.last:.1f} s")
        self.last = now


class Scheduling(Feature):
    """CPU affinity of a thread and of the process, and the nice value."""

    def __init__(self):
        import threading
        self.cpus = sorted(os.sched_getaffinity(0))
        self.tid = 0
        self.enough = threading.Event()
        threading.Thread(target=self.bind_itself, daemon=True).start()
        while not self.tid:
            time.sleep(0.01)
        os.sched_setaffinity(0, {self.cpus[0]})
        self.nice = os.nice(5)  # on top of what the tests run with

    def bind_itself(self):
        os.sched_setaffinity(0, {self.cpus[-1]})
        self.tid = LIBC.gettid()
        self.enough.wait()

    def check(self):
        check(os.sched_getaffinity(0) == {self.cpus[0]},
              f"bound to {self.cpus[0]}, may run on {os.sched_getaffinity(0)}")
        check(os.sched_getaffinity(self.tid) == {self.cpus[-1]},
              f"a thread bound to {self.cpus[-1]} may run on {os.sched_getaffinity(self.tid)}")
        check(os.nice(0) == self.nice, f"the nice value was {self.nice}, is {os.nice(0)}")


class Pidfd(Feature):
    def __init__(self):
        self.child = subprocess.Popen(["sleep", "10000"])
        self.pidfd = os.pidfd_open(self.child.pid)

    def check(self):
        signal.pidfd_send_signal(self.pidfd, 0)
        check(not select.select([self.pidfd], [], [], 0)[0], "its process has ended")


class Limits(Feature):
    def __init__(self):
        import resource
        self.resource = resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, 4000))
        os.umask(0o027)
        os.mkdir("/tmp/features-cwd")
        os.chdir("/tmp/features-cwd")

    def check(self):
        limits = self.resource.getrlimit(self.resource.RLIMIT_NOFILE)
        check(limits == (300, 4000), f"the limit is {limits}")
        old = os.umask(0o027)
        check(old == 0o027, f"the umask is {old:o}")
        check(os.getcwd() == "/tmp/features-cwd", "the working directory is another")


MODULES = (globals(), vars(features_attributes), vars(features_files), vars(features_pipes))
FEATURES = {name: made for module in MODULES
            for name, made in list(module.items())
            if isinstance(made, type) and issubclass(made, Feature) and made is not Feature}


def live(name, ready):
    """One feature's process: never ends."""
    try:
        feature = FEATURES[name]()
    except Exception as error:  # pylint: disable=broad-except
        say(name, "BAD", f"setup: {error!r}")
        os.write(ready, b"0")
        return
    os.write(ready, b"1")
    os.close(ready)
    number = 0
    while True:
        try:
            feature.check()
            number += 1
            say(name, "ok", number)
        except Exception as error:  # pylint: disable=broad-except
            say(name, "BAD", repr(error))
        time.sleep(PERIOD)


def main():
    names = sys.argv[1:] or list(FEATURES)
    read_end, write_end = os.pipe()
    for name in names:
        if os.fork() == 0:
            os.close(read_end)
            live(name, write_end)
            signal.pause()
    answers = b""
    while len(answers) < len(names):
        answers += os.read(read_end, len(names))
    os.close(read_end)
    os.close(write_end)
    say("READY", answers.count(b"1"))
    while True:
        signal.pause()


main()
