# SPDX-License-Identifier: Apache-2.0
"""An address that a program had is somebody else's when it is to go on: who has it is said."""
import socket
import subprocess
import sys

import pytest
from harness.leftovers import assert_nothing_left

pytestmark = pytest.mark.requires("root", "criu", "podman")

# Any port, and the address that is given; says which one it is.
LISTENER = """
import signal, socket, sys
s = socket.socket(socket.AF_INET, getattr(socket, sys.argv[1]))
s.bind((sys.argv[2], int(sys.argv[3])))
if sys.argv[1] == "SOCK_STREAM":
    s.listen()
print("READY", s.getsockname()[1], flush=True)
signal.pause()
"""


def taken(kind, address, port):
    other = subprocess.Popen([sys.executable, "-u", "-c", LISTENER, kind, address, str(port)],
                             stdout=subprocess.PIPE)
    assert other.stdout.readline().startswith(b"READY")
    return other


@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM"])
def test_who_has_the_address_is_named(container, product, kind):
    """'CRIU gave up for a cause that Reprise does not know', it said."""
    container.run("python3", "-u", "-c", LISTENER, kind, "127.0.0.1", "0",
                  options=("--network", "host"))
    port = int(container.wait_for_line("READY").split()[1])
    container.stop()
    other = taken(kind, "127.0.0.1", port)
    try:
        refused = product.reprise("start", container.name, check=False)
    finally:
        other.kill()
        other.wait()
    assert refused.returncode != 0
    assert f"127.0.0.1, port {port}" in refused.stderr, refused.stderr
    assert f"(pid {other.pid})" in refused.stderr, refused.stderr
    assert "CRIU" not in refused.stderr, refused.stderr
    assert_nothing_left(container)
    # Free again: it goes on from the same moment.
    container.start()
    assert container.lines() == [f"READY {port}"]


def test_an_address_that_the_host_lost_is_named(container, product):
    """Of a container in the host's own network, nobody may give an address back."""
    address = "192.0.2.77"
    subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    try:
        container.run("python3", "-u", "-c", LISTENER, "SOCK_STREAM", address, "0",
                      options=("--network", "host"))
        container.wait_for_line("READY")
        container.stop()
    finally:
        subprocess.run(["ip", "address", "del", f"{address}/32", "dev", "lo"], check=True)
    refused = product.reprise("start", container.name, check=False)
    assert refused.returncode != 0
    assert address in refused.stderr and "does not have" in refused.stderr, refused.stderr
    assert "CRIU" not in refused.stderr, refused.stderr
