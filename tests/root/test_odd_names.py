# SPDX-License-Identifier: Apache-2.0
"""Names of files are any bytes: Latin-1, in programs that are older than UTF-8."""
import os
import socket

import pytest
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

SOON = 30
PROGRAM = r"""
import os, socket, time
os.mkdir(b"/tmp/\xe9")
moved, there = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
moved.bind(b"/tmp/\xe9/first")
os.rename(b"/tmp/\xe9/first", b"/tmp/\xe9/renamed\xff")
there.bind(b"/tmp/\xe9/there\xfe")
for listener in moved, there:
    listener.listen()
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.connect(b"/run/service/log\xe9")
log.setblocking(False)
kept = open(b"/tmp/\xe9/file\xfd", "w+b", 0)
print("READY", flush=True)
number = 0
while True:
    number += 1
    kept.write(b"%d\n" % number)
    try:
        log.send(b"%d" % number)
    except BlockingIOError:
        pass  # nobody reads them
    for name in b"renamed\xff", b"there\xfe":
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(b"/tmp/\xe9/" + name)
    for listener in moved, there:
        listener.accept()[0].close()
    print("STEP", number, flush=True)
    time.sleep(0.05)
"""


def steps(container):
    return [int(line.split()[1]) for line in container.lines() if line.startswith("STEP ")]


def test_sockets_and_files_with_them_come_back(container, product):
    """The worker ended by an exception while the tasks stood still, and the container without a checkpoint."""
    place = product.base / "service"
    place.mkdir()
    service = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    service.bind(os.fsencode(place) + b"/log\xe9")
    container.run("python3", "-u", "-c", PROGRAM, options=("-v", f"{place}:/run/service"))
    for _ in range(2):
        container.stop()
        before = len(steps(container))
        container.start()
        wait_for(lambda b=before: len(steps(container)) > b + 3, SOON, "more steps")
        numbers = steps(container)
        assert numbers == list(range(1, len(numbers) + 1)), container.lines()[-5:]
        assert product.events(container.name)[-1] == "restored"
