# SPDX-License-Identifier: Apache-2.0
"""Sockets that are bound to the container's own addresses, of both versions, in each way that matters.

    READY <how many> <their names>; then `ROUND <n>` when every one has answered, ERROR <which> <why> if one does not.

With --link-connection: one between link-local addresses, too. /tmp/drop: all are closed (DROPPED), the rounds go on without them.
"""
import json
import os
import socket
import subprocess
import sys
import time

TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def addresses():
    """(name, family, socket address without port) of each way to name an address of eth0."""
    # In short-lived containers IPv6 addresses may still be tried out.
    deadline = time.monotonic() + 10
    while True:
        link = json.loads(subprocess.check_output(["ip", "-json", "address", "show", "dev", "eth0"]))[0]
        if not any(a.get("tentative") for a in link["addr_info"]) or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    for info in link["addr_info"]:
        address = info["local"]
        if info["family"] == "inet":
            yield "ipv4", socket.AF_INET, (address,)
            yield "mapped", socket.AF_INET6, ("::ffff:" + address,)
        elif info["scope"] == "global":
            yield "ipv6", socket.AF_INET6, (address,)
        else:
            yield "link", socket.AF_INET6, (address, 0, socket.if_nametoindex("eth0"))


def place(address, port):
    return (address[0], port, *address[1:])


class Pair:
    """A connection from an address to the same, and its listener."""

    def __init__(self, name, family, address):
        self.name = name
        self.listener = socket.socket(family, TCP)
        self.listener.bind(place(address, 0))
        self.listener.listen()
        self.client = socket.socket(family, TCP)
        self.client.connect(self.listener.getsockname())
        self.server, _ = self.listener.accept()

    def ask(self, number):
        for sender, receiver in ((self.client, self.server), (self.server, self.client)):
            receiver.settimeout(30)
            sender.sendall(b"%8d" % number)
            assert receiver.recv(8) == b"%8d" % number

    def close(self):
        for one in (self.client, self.server, self.listener):
            one.close()


class Listener(Pair):
    """Without a connection: one between link-local addresses cannot be saved."""

    def __init__(self, name, family, address):
        self.name = name
        self.listener = self.client = self.server = socket.socket(family, TCP)
        self.listener.bind(place(address, 0))
        self.listener.listen()

    def ask(self, number):
        assert self.listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1


class Datagrams(Pair):
    def __init__(self, name, family, address):
        self.name = name
        self.listener = socket.socket(family, UDP)
        self.listener.bind(place(address, 0))
        self.server, self.client = self.listener, socket.socket(family, UDP)
        self.client.connect(self.listener.getsockname())
        self.listener.connect(self.client.getsockname())


def main():
    sockets = [kind(f"{name}-{kind.__name__}", family, address)
               for name, family, address in addresses()
               for kind in (Listener if name == "link" else Pair, Datagrams)]
    if "--link-connection" in sys.argv:
        sockets += [Pair(*way) for way in addresses() if way[0] == "link"]
    say("READY", len(sockets), *(one.name for one in sockets))
    number = 0
    while True:
        if os.path.exists("/tmp/drop"):
            os.unlink("/tmp/drop")
            while sockets:
                sockets.pop().close()
            say("DROPPED")
        for one in sockets:
            try:
                one.ask(number)
            except (OSError, AssertionError) as error:
                say("ERROR", one.name, repr(error))
                os._exit(1)
        number += 1
        say("ROUND", number)
        time.sleep(0.1)


main()
