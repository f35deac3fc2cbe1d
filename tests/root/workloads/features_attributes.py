# SPDX-License-Identifier: Apache-2.0
"""What programs set on themselves and on their sockets."""
import ctypes
import os
import socket
import struct
import time

from feature import LIBC, Feature, check, syscall

IP, IPV6, TCP, UDP, NETLINK = 0, 41, 6, 17, 270
# Level, option, value as getsockopt must return it: what CRIU does not know, of each kind of socket.
ANY = [(1, 29, 1), (1, 40, 1)]  # SO_TIMESTAMP, SO_RXQ_OVFL
BY_IP = [(IP, 10, 2), (IP, 11, 1), (IP, 12, 1), (IP, 13, 1), (IP, 21, 3), (IP, 24, 1)]
BY_IPV6 = [(IPV6, 16, 9), (IPV6, 23, 2), (IPV6, 25, 1), (IPV6, 51, 1), (IPV6, 66, 1), (IPV6, 67, 16)]
BY_UDP = [(IP, 33, 7), (IP, 34, 1), (IP, 49, 0), (UDP, 104, 1)]
BY_TCP = [(1, 74, 0),  # SO_TXREHASH
          (TCP, 7, 3), (TCP, 8, 5), (TCP, 18, 4321), (TCP, 25, 16384), (TCP, 36, 1)]
SOCKETS = {
    "udp": (socket.AF_INET, socket.SOCK_DGRAM, 0, ANY + BY_IP + BY_UDP),
    "udp6": (socket.AF_INET6, socket.SOCK_DGRAM, 0, ANY + BY_IPV6),
    "tcp": (socket.AF_INET, socket.SOCK_STREAM, 0, ANY + BY_IP + BY_TCP),
    "tcp6": (socket.AF_INET6, socket.SOCK_STREAM, 0, BY_IPV6 + BY_TCP),
    "unix": (socket.AF_UNIX, socket.SOCK_DGRAM, 0, [(1, 29, 1), (1, 42, 0)]),  # SO_PEEK_OFF
    "netlink": (socket.AF_NETLINK, socket.SOCK_RAW, 0, [(NETLINK, 5, 1), (NETLINK, 11, 1)]),
}


class SocketOptions(Feature):
    """Of new sockets, of a listener and of both ends of a connection; and where a socket for ICMP echo
    is bound and connected to."""

    def __init__(self):
        self.echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        self.echo.bind(("127.0.0.1", 4711))
        self.echo.connect(("127.0.0.1", 7))
        self.sockets = {}
        for name, (family, kind, protocol, options) in SOCKETS.items():
            self.add(name, socket.socket(family, kind, protocol), options)
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        self.add("listener", listener, BY_TCP + [(TCP, 9, 7), (TCP, 23, 5)])
        client = socket.create_connection(listener.getsockname())
        client.send(b"x")  # which TCP_DEFER_ACCEPT waits for
        self.add("client", client, ANY + BY_IP + BY_TCP)
        self.add("server", listener.accept()[0], [(TCP, 18, 1234)])

    def add(self, name, of, options):
        self.sockets[name] = of, options
        for level, option, value in options:
            of.setsockopt(level, option, value)
            check(of.getsockopt(level, option) == value, f"{name}: {level}/{option} cannot be set")

    def check(self):
        for name, (of, options) in self.sockets.items():
            lost = [f"{level}/{option}" for level, option, value in options
                    if of.getsockopt(level, option) != value]
            check(not lost, f"options of {name} were lost: {lost}")
        check(self.echo.getsockname() == ("127.0.0.1", 4711), f"bound to {self.echo.getsockname()}")
        check(self.echo.getpeername()[0] == "127.0.0.1", "not connected")


class Multicast(Feature):
    """Hears what is sent to its group; of another, only what comes from one source."""
    GROUP, FILTERED = "239.7.7.7", "232.7.7.7"
    LOOPBACK = 1

    def __init__(self):
        self.receiver = self.join(self.GROUP)
        self.picky = self.join(self.FILTERED)
        self.picky.setsockopt(IP, 39, struct.pack(  # IP_ADD_SOURCE_MEMBERSHIP
            "4s4s4s", *map(socket.inet_aton, (self.FILTERED, "127.0.0.1", "127.0.0.1"))))
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sender.bind(("127.0.0.1", 0))
        self.sender.setsockopt(IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        self.joiner6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.joiner6.setsockopt(IPV6, 20, socket.inet_pton(socket.AF_INET6, "ff12::7") +
                                struct.pack("i", self.LOOPBACK))
        self.number = 0

    def join(self, group):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind((group, 0))
        receiver.settimeout(20)
        if group == self.GROUP:
            receiver.setsockopt(IP, socket.IP_ADD_MEMBERSHIP, struct.pack(
                "4s4si", socket.inet_aton(group), bytes(4), self.LOOPBACK))
        return receiver

    def check(self):
        self.number += 1
        for receiver in (self.receiver, self.picky):
            self.sender.sendto(b"%d" % self.number, receiver.getsockname())
            check(receiver.recv(99) == b"%d" % self.number, "another message")
        with open("/proc/net/igmp6", encoding="ascii") as file:
            check("ff120000000000000000000000000007" in file.read(), "the IPv6 group is not joined")


class Attributes(Feature):
    """Of the process."""

    def __init__(self):
        # ioprio_set: best effort, a level that does not follow from the nice value of the tests.
        syscall(251, 1, 0, 2 << 13 | (5 if (os.nice(0) + 20) // 5 == 6 else 6))
        LIBC.prctl(29, 123456)  # PR_SET_TIMERSLACK
        LIBC.personality(0x0040000)  # ADDR_NO_RANDOMIZE
        # Refused by default profiles of seccomp without CAP_SYS_NICE.
        LIBC.syscall(238, 3, ctypes.byref(ctypes.c_ulong(1)), 64)  # set_mempolicy: interleave
        for name, value in (("coredump_filter", "0x7f"), ("oom_score_adj", "77")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(value)
        LIBC.prctl(65, 1, 0, 0, 0)  # PR_SET_MDWE, of Linux 6.3
        self.before = self.now()

    @staticmethod
    def now():
        policy = ctypes.c_int()
        LIBC.syscall(239, ctypes.byref(policy), None, 0, None, 0)  # get_mempolicy
        told = {"io priority": syscall(252, 1, 0), "timer slack": LIBC.prctl(30),
                "no writable code": LIBC.prctl(66, 0, 0, 0, 0), "personality": LIBC.personality(0xffffffff), "numa policy": policy.value}
        for name in ("coredump_filter", "oom_score_adj"):
            with open(f"/proc/self/{name}", encoding="ascii") as file:
                told[name] = file.read().strip()
        return told

    def check(self):
        # What only we ourselves can set comes a moment after we go on.
        deadline = time.monotonic() + 5
        while self.now() != self.before and time.monotonic() < deadline:
            time.sleep(0.01)
        now = self.now()
        check(now == self.before, f"{now} where {self.before} was")


class NamedOtherwise(Feature):
    """Listeners whose file was linked or renamed after they were bound, as ssh and supervisord do."""

    def __init__(self):
        self.listeners = {}
        for directory in ("/run/features-named", "/var/features-named"):
            os.mkdir(directory)
            for how in (self.linked, os.rename, os.link):
                bound, name = (f"{directory}/{how.__name__}{end}" for end in (".tmp", ""))
                listener = socket.socket(socket.AF_UNIX)
                listener.bind(bound)
                listener.listen()
                os.chmod(bound, 0o640)
                how(bound, name)
                self.listeners[name] = listener
                if how is os.link:
                    self.listeners[bound] = listener
                else:
                    check(not os.path.exists(bound), "the first name is still there")

    @staticmethod
    def linked(bound, name):
        os.link(bound, name)
        os.unlink(bound)

    def check(self):
        for name, listener in self.listeners.items():
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(name)
                listener.accept()[0].close()
            check(os.stat(name).st_mode & 0o7777 == 0o640, f"the mode of {name} has changed")
        for directory in ("/run/features-named", "/var/features-named"):
            check(sorted(os.listdir(directory)) == ["link", "link.tmp", "linked", "rename"],
                  f"{directory} has {os.listdir(directory)}")
