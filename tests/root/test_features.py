# SPDX-License-Identifier: Apache-2.0
"""What the kernel keeps for a process, feature by feature, over two stops and starts."""
import re

import pytest
from harness.leftovers import assert_nothing_left
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

ROUNDS = 2
TMPFS = ("--tmpfs", "/scratch:rw,size=16m", "--tmpfs", "/run:rw,size=16m")
FEATURES = ["Threads", "Children", "Stopped", "Hung", "Timers", "Clocks", "Pipes", "UnixSockets",
            "Tcp", "Backlog", "Connecting", "Udp", "Events", "Inotify", "InotifyTmpfs",
            "InotifyShm", "Memfd", "SharedMemory", "Locks", "DeletedFiles", "Terminal", "Tmpfs",
            "Scheduling", "Pidfd", "Limits"]
SAID = re.compile(r"(\w+) (ok \d+|BAD .*)")


def checks(container):
    """Feature to how often it was found as it should be; fails if it ever was not."""
    found = dict.fromkeys(FEATURES, 0)
    bad = []
    for line in container.lines():
        match = SAID.fullmatch(line)
        if match and match[2].startswith("BAD"):
            bad.append(line)
        elif match:
            number = int(match[2].split()[1])
            assert number == found[match[1]] + 1, f"{match[1]} began anew: {line}"
            found[match[1]] = number
    assert not bad, bad[:8]
    return found


def assert_all_go_on(container, by=2):
    before = checks(container)

    def all_went_on():
        now = checks(container)
        behind = [name for name in FEATURES if now[name] < before[name] + by]
        assert not behind, f"standing still: {behind}"
        return True
    wait_for(all_went_on, 60, "every feature to be checked again")


@pytest.mark.parametrize("network", ["bridge", "none"])
def test_every_feature_survives(container, network):
    container.run_workload("features.py", *FEATURES,
                           options=("--network", network, "--shm-size", "64m", *TMPFS))
    assert container.wait_for_line("READY") == f"READY {len(FEATURES)}", container.lines()
    assert_all_go_on(container)
    for _ in range(ROUNDS):
        container.stop()
        assert len(container.product.checkpoints()) > 0, "it was stopped without a checkpoint"
        container.start()
        assert_all_go_on(container)
        assert_nothing_left(container)
