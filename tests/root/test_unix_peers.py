# SPDX-License-Identifier: Apache-2.0
"""UNIX sockets whose other end is outside: a service of the host on a bind mount, `podman exec`."""
import socket
import threading

import pytest
from harness.container import podman
from harness.leftovers import assert_nothing_left
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

SOON = 30
CLIENT = "import socket, time; s = socket.socket(socket.AF_UNIX); s.connect('/tmp/s'); time.sleep(1e6)"


class Service:
    """Of the host: takes datagrams or connections at `path`."""

    def __init__(self, path, kind):
        self.socket = socket.socket(socket.AF_UNIX, kind)
        self.socket.bind(str(path))
        self.got = []
        if kind == socket.SOCK_STREAM:
            self.socket.listen()
        threading.Thread(target=self.serve, args=(kind,), daemon=True).start()

    def serve(self, kind):
        try:
            while True:
                got = self.socket.recv(100) if kind == socket.SOCK_DGRAM else self.socket.accept()
                self.got.append(got)
        except OSError:
            pass

    def last(self):
        return int(self.got[-1]) if self.got else -1


def steps(container):
    return [int(line.split()[1]) for line in container.lines() if line.startswith("STEP ")]


def assert_goes_on(container):
    before = len(steps(container))
    wait_for(lambda: len(steps(container)) > before + 3, SOON, "more steps")
    numbers = steps(container)
    assert numbers == list(range(1, len(numbers) + 1))
    assert not [line for line in container.lines() if line.startswith("ERROR")]


@pytest.fixture
def place(product):
    directory = product.base / "service"
    directory.mkdir()
    return directory


@pytest.mark.parametrize("mount", ["socket", "directory"])
def test_a_datagram_socket_is_connected_again(container, product, place, mount):
    """Programs that log by syslog to the host's /dev/log could not be saved."""
    service = Service(place / "log", socket.SOCK_DGRAM)
    volume, path = (f"{place}/log:/dev/log", "/dev/log") if mount == "socket" else \
        (f"{place}:/run/service", "/run/service/log")
    container.run_workload("unix_client.py", "datagram", path, options=("-v", volume))
    assert product.reprise("doctor", container.name).returncode == 0
    for action in (lambda: product.reprise("checkpoint", "create", container.name),
                   lambda: (container.stop(), container.start())):
        action()
        before = service.last()
        wait_for(lambda: service.last() > before + 3, SOON, "the service to hear from it again")
        assert_goes_on(container)
        assert_nothing_left(container)
    numbers = [int(text) for text in service.got]
    assert numbers == list(range(len(numbers))), "a message was lost or came twice"
    assert product.events(container.name)[-1] == "restored"


def test_a_stream_to_a_service_is_named(container, product, place):
    Service(place / "bus", socket.SOCK_STREAM)
    container.run_workload("unix_client.py", "stream", "/run/service/bus",
                           options=("-v", f"{place}:/run/service"))
    told = product.reprise("doctor", container.name, check=False)
    assert told.returncode != 0
    assert "is connected by a UNIX socket to process " in told.stdout
    assert "outside of the container, at '/run/service/bus'" in told.stdout
    refused = product.reprise("checkpoint", "create", container.name, check=False)
    assert refused.returncode != 0 and "outside of the container" in refused.stderr
    assert_goes_on(container)
    container.ask("close")
    container.wait_for_line("CLOSED")
    product.reprise("checkpoint", "create", container.name)


def test_a_client_of_podman_exec_ends_first(container, product):
    """Somebody who had left a client open cost the server all of its memory."""
    container.run_workload("unix_client.py", "server", "/tmp/s")
    podman("exec", "-d", container.name, "python3", "-c", CLIENT)
    container.wait_for_line("CLIENT")
    assert product.reprise("doctor", container.name).returncode == 0
    refused = product.reprise("checkpoint", "create", container.name, check=False)
    assert refused.returncode != 0 and "which was started by 'podman exec'" in refused.stderr
    assert not container.has_said("GONE")
    container.stop()
    assert len(product.checkpoints()) == 1
    container.start()
    container.wait_for_line("GONE")
    assert_goes_on(container)
    assert_nothing_left(container)
