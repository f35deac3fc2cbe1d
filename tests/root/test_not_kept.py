# SPDX-License-Identifier: Apache-2.0
"""What does not come back is said: by `doctor` before, and by `start` after."""
import pytest

pytestmark = pytest.mark.requires("root", "criu", "podman")

UNREAD = """
import ctypes, signal, socket, time
receiver, sender = socket.socket(2, 2), socket.socket(2, 2)
receiver.bind(("127.0.0.1", 0))
sender.sendto(b"x", receiver.getsockname())
libc = ctypes.CDLL(None)
# A child whose end is told by SIGUSR1.
libc.syscall(56, signal.SIGUSR1, 0, 0, 0, 0) or libc.pause()
print("READY", flush=True)
while True:
    time.sleep(1)
"""
LOSS = "Datagrams that nobody has read yet (UDP)"


def test_what_is_lost_is_said_before_and_after(container, product):
    container.run("python3", "-c", UNREAD)
    doctor = product.reprise("doctor", container.name)
    assert f"does not come back: {LOSS}" in doctor.stdout
    assert "does not come back: Another signal than `SIGCHLD`" in doctor.stdout
    container.stop()
    started = product.reprise("start", container.name)
    assert "resumed from checkpoint" in started.stdout
    assert f"note: not given back: {LOSS} are lost" in started.stderr


def test_formats_of_programs_are_named(container, product):
    container.run("sh", "-c", "mkdir /formats && mount -t binfmt_misc none /formats && "
                  f"echo ':{container.name}:E::{container.name}::/bin/sh:' >/formats/register && echo READY && "
                  "exec sleep 1000", options=("--privileged", "--init"))
    told = product.reprise("doctor", container.name, check=False).stdout
    container.exec("sh", "-c", f"echo -1 >/formats/{container.name}")
    assert "does not come back: Formats of programs" in told
    assert "Formats of programs" not in product.reprise("doctor", container.name, check=False).stdout
