# SPDX-License-Identifier: Apache-2.0
"""One process per kernel feature, each of which notices when its state is not what it was.

    READY <n>                all n features are set up
    <feature> ok <n>         its n-th check
    <feature> BAD <reason>   never said by a feature that survived

usage: features.py FEATURE...
"""
import ctypes
import fcntl
import mmap
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

PERIOD = 0.1
LIBC = ctypes.CDLL(None, use_errno=True)
IN_CREATE, IN_MODIFY = 0x100, 0x2


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
    """One that nobody ever continues."""

    def check(self):
        self.wait_until(self.is_stopped, "is not stopped")
        check(self.count() == self.stopped_at, "went on although it was stopped")


class Timers(Feature):
    def __init__(self):
        self.alarms = 0
        signal.signal(signal.SIGALRM, self.alarm)
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        self.timer = self.timerfd(1, 0.05)

    def alarm(self, *_):
        self.alarms += 1

    @staticmethod
    def timerfd(clock, period):
        fd = syscall(283, clock, os.O_NONBLOCK)
        whole, part = divmod(int(period * 1e9), 10**9)
        value = struct.pack("qqqq", whole, part, whole, part)
        syscall(286, fd, 0, ctypes.create_string_buffer(value, len(value)), None)
        return fd

    def check(self):
        before = self.alarms
        check(select.select([self.timer], [], [], 20)[0], "the timerfd does not expire")
        os.read(self.timer, 8)
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


class Pipes(Feature):
    def __init__(self):
        self.read_end, self.write_end = os.pipe()
        self.fifo_path = "/tmp/features-fifo"
        os.mkfifo(self.fifo_path)
        self.fifo = os.open(self.fifo_path, os.O_RDWR)
        self.number = 0
        self.put()

    def put(self):
        self.number += 1
        for fd in (self.write_end, self.fifo):
            os.write(fd, b"%08d" % self.number)

    def check(self):
        for fd in (self.read_end, self.fifo):
            check(int(os.read(fd, 8)) == self.number, "what was in the pipe has changed")
        self.put()


class UnixSockets(Feature):
    """A pair with data under way, a descriptor in flight, and a listener that has a name."""

    def __init__(self):
        self.left, self.right = socket.socketpair()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind("/tmp/features.sock")
        self.listener.listen()
        self.dgram, self.dgram_peer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.put()

    def put(self):
        self.read_end, write_end = os.pipe()
        socket.send_fds(self.left, [b"descriptor"], [write_end])
        os.close(write_end)
        self.dgram.send(b"one")
        self.dgram.send(b"two")

    def check(self):
        data, fds, _, _ = socket.recv_fds(self.right, 64, 1)
        check(data == b"descriptor" and len(fds) == 1, "the descriptor in flight is lost")
        os.write(fds[0], b"x")
        check(os.read(self.read_end, 1) == b"x", "the descriptor in flight is another")
        os.close(fds[0])
        os.close(self.read_end)
        check([self.dgram_peer.recv(9), self.dgram_peer.recv(9)] == [b"one", b"two"],
              "datagrams are lost")
        client = socket.socket(socket.AF_UNIX)
        client.connect("/tmp/features.sock")
        self.listener.accept()[0].close()
        client.close()
        self.put()


class Tcp(Feature):
    """Over lo: a listener, and a connection with unread data."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.client = socket.create_connection(self.listener.getsockname())
        self.server, _ = self.listener.accept()
        self.client.sendall(b"unread")

    def check(self):
        self.server.settimeout(20)
        check(self.server.recv(6) == b"unread", "unread data is lost")
        self.server.sendall(b"back")
        self.client.settimeout(20)
        check(self.client.recv(4) == b"back", "the other direction is lost")
        again = socket.create_connection(self.listener.getsockname(), 20)
        self.listener.settimeout(20)
        self.listener.accept()[0].close()
        again.close()
        self.client.sendall(b"unread")


class Backlog(Feature):
    """A connection that nobody has accepted yet cannot be saved: it ends, but nobody waits for ever."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.client = socket.create_connection(self.listener.getsockname())

    def check(self):
        self.client.settimeout(20)
        self.listener.settimeout(0)
        try:
            server, _ = self.listener.accept()
            self.client.sendall(b"accepted")
            check(server.recv(8) == b"accepted", "the connection is another")
            server.close()
        except BlockingIOError:
            try:
                self.client.sendall(b"x")
                check(self.client.recv(1) == b"", "somebody answered")
            except ConnectionError:
                pass
        self.client.close()
        self.client = socket.create_connection(self.listener.getsockname())


class Connecting(Feature):
    """A connection that is still being made, to an address where nobody is."""

    def __init__(self):
        self.begin()

    def begin(self):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.error = self.socket.connect_ex(("198.51.100.7", 9))  # TEST-NET-2, RFC 5737

    def check(self):
        # Without a network the kernel says so at once; else it is tried, or has failed by now.
        if self.error in (0, 115):  # EINPROGRESS
            self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self.socket.close()
        self.begin()


class Udp(Feature):
    def __init__(self):
        self.receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.receiver.bind(("127.0.0.1", 0))
        self.receiver.settimeout(20)
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sender.connect(self.receiver.getsockname())

    def check(self):
        self.sender.send(b"datagram")
        check(self.receiver.recv(64) == b"datagram", "a datagram is lost")


class Events(Feature):
    """epoll over an eventfd and a signalfd; what was pending stays pending."""

    def __init__(self):
        self.event = os.eventfd(7, os.EFD_NONBLOCK)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        mask = struct.pack("Q", 1 << (signal.SIGUSR1 - 1))
        self.signals = syscall(289, -1, ctypes.create_string_buffer(mask, 8), 8, os.O_NONBLOCK)
        self.epoll = select.epoll()
        for fd in (self.event, self.signals):
            self.epoll.register(fd, select.EPOLLIN)
        os.kill(os.getpid(), signal.SIGUSR1)

    def check(self):
        check(sorted(fd for fd, _ in self.epoll.poll(20)) == sorted((self.event, self.signals)),
              "what was pending is not any more")
        check(os.eventfd_read(self.event) == 7, "the eventfd has another value")
        check(struct.unpack("I", os.read(self.signals, 128)[:4])[0] == signal.SIGUSR1,
              "the pending signal is another")
        os.eventfd_write(self.event, 7)
        os.kill(os.getpid(), signal.SIGUSR1)


class Inotify(Feature):
    """Watches a directory and a file that it made, in the file system of DIRECTORY."""
    DIRECTORY = "/var/features-watched"

    def __init__(self):
        self.directory = self.DIRECTORY + "/deep/in/it"
        os.makedirs(self.directory)
        self.file = self.DIRECTORY + "/file"
        self.touch(self.file)
        self.fd = LIBC.inotify_init1(os.O_NONBLOCK)
        for path, mask in ((self.directory, IN_CREATE), (self.file, IN_MODIFY)):
            check(LIBC.inotify_add_watch(self.fd, path.encode(), mask) >= 0, "no watch")
        self.number = 0

    @staticmethod
    def touch(path):
        with open(path, "a", encoding="ascii") as file:
            file.write("x")

    def check(self):
        self.number += 1
        for path in (f"{self.directory}/{self.number}", self.file):
            self.touch(path)
            check(select.select([self.fd], [], [], 20)[0], f"no event for {path}")
            os.read(self.fd, 4096)


class InotifyTmpfs(Inotify):
    DIRECTORY = "/run/features-watched"


class InotifyShm(Inotify):
    DIRECTORY = "/dev/shm/features-watched"


class Memfd(Feature):
    def __init__(self):
        self.fd = os.memfd_create("features", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.write(self.fd, b"sealed")
        fcntl.fcntl(self.fd, 1033, 0xe)  # F_ADD_SEALS: no shrink, grow, write

    def check(self):
        check(os.pread(self.fd, 9, 0) == b"sealed", "its content has changed")
        check(fcntl.fcntl(self.fd, 1034) == 0xe, "its seals have changed")


class SharedMemory(Feature):
    """System V and POSIX, shared with a child; and a shared mapping of a file."""

    def __init__(self):
        self.shmid = LIBC.shmget(0x5245, 1 << 20, 0o1600)
        LIBC.shmat.restype = ctypes.c_void_p
        self.address = LIBC.shmat(self.shmid, None, 0)
        self.semid = LIBC.semget(0x5246, 1, 0o1600)
        LIBC.semctl(self.semid, 0, 16, 7)  # SETVAL
        with open("/dev/shm/features", "w+b") as file:
            file.truncate(8 << 20)
            self.posix = mmap.mmap(file.fileno(), 8 << 20)
        os.unlink("/dev/shm/features")
        with open("/var/features-mapped", "w+b") as file:
            file.truncate(4 << 20)
            self.mapped = mmap.mmap(file.fileno(), 4 << 20)
        self.number = 0
        if os.fork() == 0:
            while True:
                self.posix[4096:4104] = self.posix[:8]
                time.sleep(0.005)

    def check(self):
        if self.number:
            check(ctypes.string_at(self.address, 8) == b"%08d" % self.number, "System V memory")
            check(self.mapped[-8:] == b"%08d" % self.number, "the mapped file")
        check(LIBC.semctl(self.semid, 0, 12) == 7, "the semaphore's value")  # GETVAL
        check(LIBC.shmget(0x5245, 0, 0) == self.shmid, "the segment's id")
        self.number += 1
        ctypes.memmove(self.address, b"%08d" % self.number, 8)
        self.posix[:8] = self.mapped[-8:] = b"%08d" % self.number
        deadline = time.monotonic() + 20
        while self.posix[4096:4104] != b"%08d" % self.number:
            check(time.monotonic() < deadline, "the child maps other memory")
            time.sleep(0.005)


class SharedFile(Feature):
    """Eight bytes that it counts up in, and eight that others write; tells when those change."""

    def __init__(self):
        with open("/dev/shm/features-shared", "w+b") as file:
            file.write(b"0" * 16)
            file.flush()
            self.mapped = mmap.mmap(file.fileno(), 16)
        self.number, self.seen = 0, self.mapped[8:16]

    def check(self):
        check(self.mapped[:8] == b"%08d" % self.number, "somebody else has written here")
        self.number += 1
        self.mapped[:8] = b"%08d" % self.number
        if self.mapped[8:16] != self.seen:
            self.seen = self.mapped[8:16]
            say("SharedFile sees", self.seen.decode())


class Locks(Feature):
    def __init__(self):
        self.flock = os.open("/var/features-flock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(self.flock, fcntl.LOCK_EX)
        self.posix = os.open("/var/features-posix", os.O_RDWR | os.O_CREAT)
        fcntl.lockf(self.posix, fcntl.LOCK_EX, 10, 5)

    def check(self):
        pid = os.fork()
        if pid == 0:
            refused = 0
            try:
                fcntl.flock(os.open("/var/features-flock", os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                refused += 1
            try:
                fcntl.lockf(os.open("/var/features-posix", os.O_RDWR),
                            fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 5)
            except BlockingIOError:
                refused += 1
            os._exit(refused)
        check(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 2, "a lock is not held any more")


class DeletedFiles(Feature):
    """Open and deleted: a big file, one with another hard link, a directory, a program."""

    def __init__(self):
        self.big = open("/var/features-big", "w+b")
        self.block = os.urandom(1 << 20)
        for _ in range(20):
            self.big.write(self.block)
        self.big.flush()
        os.unlink("/var/features-big")
        self.linked = open("/var/features-link", "w+", encoding="ascii")
        self.linked.write("linked")
        self.linked.flush()
        os.link("/var/features-link", "/var/features-other-link")
        os.unlink("/var/features-link")
        os.mkdir("/var/features-cwd")
        os.chdir("/var/features-cwd")
        os.rmdir("/var/features-cwd")
        subprocess.run(["cp", "/bin/sleep", "/var/features-sleep"], check=True, cwd="/")
        self.program = subprocess.Popen(["/var/features-sleep", "10000"], cwd="/")
        os.unlink("/var/features-sleep")

    def check(self):
        for position in (0, 13 << 20, 19 << 20):
            self.big.seek(position)
            check(self.big.read(1 << 20) == self.block, "the deleted file has changed")
        self.linked.seek(0)
        check(self.linked.read() == "linked", "the unlinked file has changed")
        check(os.path.samestat(os.fstat(self.linked.fileno()), os.stat("/var/features-other-link")),
              "the unlinked file is not its other link any more")
        check(self.program.poll() is None, "the program whose file was deleted has ended")


class Terminal(Feature):
    """A pseudo terminal with unread output.

    Without a newline in it: CRIU puts output back by writing it once more, and the terminal then
    translates \\n to \\r\\n once more.
    """

    def __init__(self):
        self.master, self.slave = os.openpty()
        fcntl.ioctl(self.slave, 0x5414, struct.pack("HHHH", 33, 77, 0, 0))  # TIOCSWINSZ
        os.write(self.slave, b"unread")

    def check(self):
        check(select.select([self.master], [], [], 20)[0], "unread output is lost")
        check(os.read(self.master, 64) == b"unread", "unread output has changed")
        size = struct.unpack("HHHH", fcntl.ioctl(self.slave, 0x5413, bytes(8)))  # TIOCGWINSZ
        check(size[:2] == (33, 77), f"the window's size is {size[:2]}")
        os.write(self.slave, b"unread")


class Tmpfs(Feature):
    """Files on the container's tmpfs mounts and in /dev/shm."""
    FILES = ("/run/features-file", "/dev/shm/features-file", "/scratch/features-file")

    def __init__(self):
        self.content = os.urandom(300_000)
        for path in self.FILES:
            with open(path, "wb") as file:
                file.write(self.content)
            os.chmod(path, 0o640)
            os.chown(path, 12, 34)

    def check(self):
        for path in self.FILES:
            with open(path, "rb") as file:
                check(file.read() == self.content, f"{path} has changed")
            status = os.stat(path)
            check((status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o640, 12, 34),
                  f"owner or mode of {path} has changed")


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
        os.nice(5)

    def bind_itself(self):
        os.sched_setaffinity(0, {self.cpus[-1]})
        self.tid = LIBC.gettid()
        self.enough.wait()

    def check(self):
        check(os.sched_getaffinity(0) == {self.cpus[0]},
              f"bound to {self.cpus[0]}, may run on {os.sched_getaffinity(0)}")
        check(os.sched_getaffinity(self.tid) == {self.cpus[-1]},
              f"a thread bound to {self.cpus[-1]} may run on {os.sched_getaffinity(self.tid)}")
        check(os.nice(0) == 5, "the nice value has changed")


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


FEATURES = {name: made for name, made in list(globals().items())
            if isinstance(made, type) and issubclass(made, Feature) and made is not Feature}


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


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
