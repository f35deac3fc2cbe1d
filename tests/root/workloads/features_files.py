# SPDX-License-Identifier: Apache-2.0
"""Files: watched, locked, deleted, mapped, and in memory."""
import ctypes
import fcntl
import mmap
import os
import select
import socket
import stat
import subprocess
import time

from feature import LIBC, Feature, check, say

IN_CREATE, IN_MODIFY = 0x100, 0x2


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


class Tmpfs(Feature):
    """Files on the container's tmpfs mounts and in /dev/shm."""
    FILES = ("/run/features-file", "/dev/shm/features-file", "/scratch/features-file")
    ACL = bytes.fromhex("0200000001000600ffffffff020004000700000004000400ffffffff"
                        "10000400ffffffff20000000ffffffff")  # user 7 may read

    def __init__(self):
        self.content = os.urandom(300_000)
        for path in self.FILES:
            with open(path, "wb") as file:
                file.write(self.content)
            os.chmod(path, 0o640)
            os.chown(path, 12, 34)
            os.setxattr(path, "user.feature", b"kept")
            os.setxattr(path, "system.posix_acl_access", self.ACL)
            with socket.socket(socket.AF_UNIX) as idle:
                idle.bind(path + ".socket")  # and nobody listens
            os.utime(path, ns=(1, 1000000000123456789))

    def check(self):
        for path in self.FILES:
            with open(path, "rb") as file:
                check(file.read() == self.content, f"{path} has changed")
            status = os.stat(path)
            check((status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o640, 12, 34),
                  f"owner or mode of {path} has changed")
            check(os.getxattr(path, "user.feature") == b"kept", f"an attribute of {path} has changed")
            check(os.getxattr(path, "system.posix_acl_access") == self.ACL, f"the ACL of {path}")
            check(status.st_mtime_ns == 1000000000123456789, f"the time of {path}")
            check(stat.S_ISSOCK(os.stat(path + ".socket").st_mode), f"the socket beside {path} is gone")
