# SPDX-License-Identifier: Apache-2.0
"""What the kernel keeps for a process, feature by feature: a process of its own for each."""
import re

import pytest
from harness import journey
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

TMPFS = ("--tmpfs", "/scratch:rw,size=16m", "--tmpfs", "/run:rw,size=16m")
# Of workloads/features.py, and what each of them checks.
FEATURES = {
    "Threads": "20 threads",
    "Children": "Ended child nobody has waited for; sessions and process groups",
    "Stopped": "Stopped process (SIGSTOP), continued later",
    "Hung": "Stopped process that nobody continues",
    "Timers": "Interval timers, POSIX timers, timerfd",
    "Clocks": "Monotonic and boot time clocks do not jump",
    "Pipes": "Pipes and FIFOs with unread data",
    "UnixSockets": "UNIX sockets: pairs, unread data, descriptors in flight, listeners",
    "Tcp": "TCP inside the container: listeners, connections, unread data",
    "Tcp6": "TCP inside the container over IPv6",
    "Backlog": "TCP connection that nobody has accepted yet: reset, no hang",
    "Connecting": "TCP connection that is still being made",
    "Udp": "UDP sockets (datagrams that nobody has read are lost)",
    "Events": "epoll, eventfd, signalfd, pending signals",
    "Inotify": "inotify in the root file system",
    "InotifyTmpfs": "inotify on a tmpfs",
    "InotifyShm": "inotify in /dev/shm",
    "Memfd": "memfd with seals",
    "SharedMemory": "System V and POSIX shared memory, shared file mappings",
    "Locks": "File locks: flock and fcntl",
    "DeletedFiles": "Deleted files that are open: of 50 MB, with another link, directory, program",
    "Terminal": "Pseudo terminal with its size and unread output",
    "Tmpfs": "Files on tmpfs mounts and in /dev/shm, with attributes, ACLs and idle sockets",
    "Scheduling": "CPU affinity and nice value",
    "Pidfd": "pidfd",
    "Limits": "Resource limits",
    "Attributes": "I/O priority, timer slack, core dump filter, oom_score_adj, personality, NUMA policy, MDWE",
    "SocketOptions": "Socket options, of any kind of socket",
    "Multicast": "Multicast groups, with their sources",
    "NamedOtherwise": "UNIX listeners whose file was linked or renamed",
}
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
            # A log of a container that was made again begins in the middle.
            assert number == found[match[1]] + 1 or not found[match[1]], f"{match[1]} began anew: {line}"
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


class EachFeature:
    """The fixture `fidelity`, for all features at once."""

    def __init__(self, fidelity):
        self.fidelity = fidelity

    def survived(self, way):
        for what in FEATURES.values():
            self.fidelity.of("Kernel features", what, way)


def run_features(container, network):
    container.run_workload("features.py", *FEATURES,
                           options=("--network", network, "--shm-size", "64m", *TMPFS))
    assert container.wait_for_line("READY") == f"READY {len(FEATURES)}", container.lines()
    assert_all_go_on(container)


def test_every_feature_survives(container, fidelity):
    run_features(container, "bridge")
    journey.travel(container, assert_all_go_on, EachFeature(fidelity))


def test_every_feature_survives_without_a_network(container, fidelity):
    run_features(container, "none")
    journey.go(journey.STOP_AND_START, container, assert_all_go_on)
    EachFeature(fidelity).survived(f"{journey.STOP_AND_START} (`--network none`)")
