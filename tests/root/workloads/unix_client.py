# SPDX-License-Identifier: Apache-2.0
"""Counts, and has UNIX sockets that lead out of the container.

    READY; then `STEP <n>`; ERROR <why> if it cannot send.

usage: unix_client.py datagram|stream|server PATH
datagram: connected once, sends its number with each step. stream: connected, until /tmp/close is
there (CLOSED). server: listens, and says `GONE` when its client has ended the connection.
"""
import os
import socket
import sys
import threading
import time


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def serve(listener):
    while True:
        client, _ = listener.accept()
        say("CLIENT")
        try:
            client.recv(1)
        except OSError:
            pass
        client.close()
        say("GONE")


def main():
    kind, path = sys.argv[1:]
    link = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == "datagram" else socket.SOCK_STREAM)
    if kind == "server":
        link.bind(path)
        link.listen()
        threading.Thread(target=serve, args=(link,), daemon=True).start()
    else:
        link.connect(path)
    say("READY")
    number = 0
    while True:
        if kind == "stream" and os.path.exists("/tmp/close"):
            os.unlink("/tmp/close")
            link.close()
            say("CLOSED")
        try:
            if kind == "datagram":
                link.send(b"%d" % number)
        except OSError as error:
            say("ERROR", error)
        number += 1
        say("STEP", number)
        time.sleep(0.02)


main()
