# SPDX-License-Identifier: Apache-2.0
"""Programs that ended without a checkpoint though they need not, all in one container."""
import pytest
from harness.leftovers import assert_nothing_left
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

PROGRAMS = {"shared_code": "Compiled code in shared memory that lies before the program (PHP 8.4's JIT)",
            "watched": "fanotify: files in the root file system",
            "memory_as_file": "Shared memory that was opened as a file",
            "file_elsewhere": "A file on a mount of another process",
            "ends_on_their_way": "Both ends of a UNIX connection in flight, with descriptors in flight over it",
            "own_network": "A network namespace of its own",
            "own_mounts": "A mount namespace of its own (PrivateTmp, bubblewrap)"}
COUNTS_ON = 30  # seconds


def last_tick(container, program):
    ticks = [line.split()[2] for line in container.lines() if line.startswith(f"TICK {program} ")]
    assert ticks and "broken" not in ticks
    assert [int(tick) for tick in ticks] == list(range(1, len(ticks) + 1)), "began again"
    return len(ticks)


def test_they_go_on(container, product, fidelity):
    container.run_workload("odd_programs.py", *PROGRAMS, options=("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN"))
    for _ in range(2):
        assert product.reprise("doctor", container.name).returncode == 0
        container.stop()
        before = {program: last_tick(container, program) for program in PROGRAMS}
        container.start()
        for program, ticks in before.items():
            wait_for(lambda p=program, t=ticks: last_tick(container, p) >= t + 3, COUNTS_ON,
                     f"{program} to count on")
    for what in PROGRAMS.values():
        fidelity.of("Kernel features", what, "stop and start")


def test_a_network_in_none_is_named(container, product):
    """The one around is made by runc here, which has CRIU leave out what is in it: then it saves none."""
    container.run("unshare", "--net", "sh", "-c", "echo READY; exec sleep 1000", ready=None,
                  options=("--network", "none", "--cap-add", "SYS_ADMIN", "--init"))
    container.wait_for_line("READY")
    told = product.reprise("doctor", container.name, check=False)
    assert told.returncode != 0 and "lives in a network namespace of its own" in told.stdout


LONE_SOCKET = """
import socket, time
sender, receiver = socket.socketpair()
ends = socket.socketpair()
socket.send_fds(sender, [b"x"], [ends[0].fileno()])
[end.close() for end in ends]
print("READY", flush=True)
while True: time.sleep(1)
"""


def test_a_socket_that_cannot_be_passed_again_is_refused(container, product):
    """It was sealed, and no start could restore it."""
    container.run("python3", "-c", LONE_SOCKET)
    refused = product.reprise("checkpoint", "create", container.name, check=False)
    assert refused.returncode != 0 and "is on its way in a message" in refused.stderr
    assert product.checkpoints() == []
    assert container.is_alive()
    assert_nothing_left(container)
