# SPDX-License-Identifier: Apache-2.0
"""Pipes, sockets, terminals, and waiting for them."""
import ctypes
import fcntl
import os
import select
import signal
import socket
import struct

from feature import Feature, check, syscall


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
    """Over lo: a listener, and a connection with unread data and segments as large as they were."""
    ADDRESS = "127.0.0.1"

    def __init__(self):
        family = socket.AF_INET6 if ":" in self.ADDRESS else socket.AF_INET
        self.listener = socket.create_server((self.ADDRESS, 0), family=family)
        self.client = socket.create_connection(self.listener.getsockname()[:2])
        self.server, _ = self.listener.accept()
        self.client.sendall(b"unread")

    def check(self):
        self.server.settimeout(20)
        check(self.server.recv(6) == b"unread", "unread data is lost")
        self.server.sendall(b"back")
        self.client.settimeout(20)
        check(self.client.recv(4) == b"back", "the other direction is lost")
        again = socket.create_connection(self.listener.getsockname()[:2], 20)
        self.listener.settimeout(20)
        self.listener.accept()[0].close()
        again.close()
        for end in (self.client, self.server):
            size = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
            check(size > 8000, f"segments of {size} bytes")
        self.client.sendall(b"unread")


class Tcp6(Tcp):
    ADDRESS = "::1"


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
    """epoll over an eventfd and a signalfd; what was pending stays pending. A handler of SIGTRAP, which
    whoever traces the program uses, too."""

    def __init__(self):
        self.traps = 0
        signal.signal(signal.SIGTRAP, self.count_trap)
        self.event = os.eventfd(7, os.EFD_NONBLOCK)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        mask = struct.pack("Q", 1 << (signal.SIGUSR1 - 1))
        self.signals = syscall(289, -1, ctypes.create_string_buffer(mask, 8), 8, os.O_NONBLOCK)
        self.epoll = select.epoll()
        for fd in (self.event, self.signals):
            self.epoll.register(fd, select.EPOLLIN)
        os.kill(os.getpid(), signal.SIGUSR1)

    def count_trap(self, *_):
        self.traps += 1

    def check(self):
        before = self.traps
        os.kill(os.getpid(), signal.SIGTRAP)
        check(self.traps == before + 1, "the handler of SIGTRAP was not called")
        check(sorted(fd for fd, _ in self.epoll.poll(20)) == sorted((self.event, self.signals)),
              "what was pending is not any more")
        check(os.eventfd_read(self.event) == 7, "the eventfd has another value")
        check(struct.unpack("I", os.read(self.signals, 128)[:4])[0] == signal.SIGUSR1,
              "the pending signal is another")
        os.eventfd_write(self.event, 7)
        os.kill(os.getpid(), signal.SIGUSR1)


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
