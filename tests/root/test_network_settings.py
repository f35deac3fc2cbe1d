# SPDX-License-Identifier: Apache-2.0
"""Settings of a container's network namespace (sysctls): given, changed inside, and needed by sockets."""
import pytest
from harness import host
from harness.counting import assert_resumes
from harness.leftovers import assert_nothing_left
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

GIVEN = {"net.core.somaxconn": "333", "net.ipv4.ip_unprivileged_port_start": "7",
         "kernel.msgmax": "9999"}
CHANGED = {"net.ipv4.ip_default_ttl": "77", "net.ipv6.conf.all.hop_limit": "33",
           "net.ipv4.conf.lo.rp_filter": "2", "net.ipv4.ip_local_port_range": "20000\t30000",
           # Given by Podman, and as the kernel would have it.
           "net.core.somaxconn": "334"}
PING = """
import os, socket, threading
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
s.sendto(bytes([8, 0, 0, 0, 0, 0, 0, 1]), ("127.0.0.1", 0))
print("PONG", len(s.recv(99)), flush=True)
while True:
    if os.path.exists("/tmp/ping"):
        os.unlink("/tmp/ping")
        s.sendto(bytes([8, 0, 0, 0, 0, 0, 0, 1]), ("127.0.0.1", 0))
        print("PONG", len(s.recv(99)), flush=True)
    threading.Event().wait(0.05)
"""


def settings(container, names):
    """As seen from the container's namespaces."""
    files = ["/proc/sys/" + name.replace(".", "/") for name in names]
    done = host.run("nsenter", f"--net=/proc/{container.pid}/ns/net", f"--ipc=/proc/{container.pid}/ns/ipc",
                    "cat", *files)
    assert done.returncode == 0, done.stderr
    return dict(zip(names, done.stdout.splitlines()))


def change(container, values):
    for name, value in values.items():
        done = host.run("nsenter", f"--net=/proc/{container.pid}/ns/net", "sh", "-c",
                        f"echo '{value}' >/proc/sys/{name.replace('.', '/')}")
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("network", ["podman", "none"])
def test_are_as_they_were_before_sockets_are_made(container, network):
    """All were those of a new namespace, and a ping socket could not be made in it."""
    container.run("sh", "-c", f"python3 -c '{PING}' & exec python3 -u /workloads/counter.py",
                  options=("--network", network,
                           *(word for item in GIVEN.items() for word in ("--sysctl", "=".join(item)))))
    container.wait_for_line("PONG")
    change(container, CHANGED)
    expected = GIVEN | CHANGED
    for life in range(2, 4):
        container.stop()
        assert_resumes(container)
        assert settings(container, expected) == expected
        container.ask("ping")
        container.wait_for_line("PONG", count=life)
        assert_nothing_left(container)


def test_are_not_changed_by_a_restore_that_failed(container, product):
    """The container starts cold in the network that the restore had set up."""
    container.run_workload("counter.py", options=("--annotation", "reprise.dev/on-restore-failure=cold"))
    usual = settings(container, CHANGED)
    change(container, CHANGED)
    container.stop()
    product.write_runtime(fault="restore-network:fail")
    container.start()
    wait_for(lambda: sum(line.startswith("READY") for line in container.lines()) == 2, 60, "a cold start")
    assert settings(container, CHANGED) == usual
    assert_nothing_left(container)
