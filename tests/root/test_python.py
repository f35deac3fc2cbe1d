# SPDX-License-Identifier: Apache-2.0
"""A Python program with threads and numpy arrays, through ten stops and starts by plain Podman."""
import re

import pytest
from harness.container import podman
from harness.leftovers import assert_nothing_left
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

MEGABYTES = 200
ROUNDS = 10
THREADS, WORDS_PER_BLOCK = 4, 64 * 512  # as in workloads/pages.py
ROUND = re.compile(r"ROUND (\d+) total=(\d+) bad=(\d+) token=(\w+) ticks=([\d,]+)")


def rounds(container):
    return [ROUND.fullmatch(line).groups() for line in container.lines()
            if line.startswith("ROUND ")]


def last_round(container):
    found = rounds(container)
    return int(found[-1][0]) if found else 0


def assert_every_round_right(container):
    """Computed from the first line alone: numbers, sums, the token, every thread's rounds."""
    ready = [line for line in container.lines() if line.startswith("READY ")]
    assert len(ready) == 1, f"started cold {len(ready)} times, not once"
    token, total = re.fullmatch(r"READY token=(\w+) total=(\d+)", ready[0]).groups()
    expected_total = int(total)
    for expected, (number, total, bad, own_token, ticks) in enumerate(rounds(container), start=1):
        expected_total = (expected_total + expected * THREADS * WORDS_PER_BLOCK) % 2**64
        assert int(number) == expected, f"round {number} came where {expected} was due"
        assert int(total) == expected_total, f"the sum of round {number} is wrong"
        assert int(bad) == 0, f"{bad} pages are wrong in round {number}"
        assert own_token == token, f"another process printed round {number}"
        assert ticks == ",".join([number] * THREADS), f"threads at round {number}: {ticks}"


@pytest.mark.timeout(420)
def test_goes_on_through_ten_stops_and_starts(container):
    container.run_workload("pages.py", MEGABYTES)
    for _ in range(ROUNDS):
        before = last_round(container)
        wait_for(lambda: last_round(container) >= before + 3, 60, "three more rounds")
        old_pid = container.pid
        container.stop()
        assert container.state()["Status"] == "exited"
        assert not container.is_alive(), f"process {old_pid} still has the memory"
        assert_nothing_left(container)
        at_stop = last_round(container)
        container.start()
        wait_for(lambda: last_round(container) > at_stop, 60, f"a round after {at_stop}")
        assert_every_round_right(container)
    assert_podman_finds_it_as_any_other(container)
    # What Podman shows is what was in the log, over all lives.
    shown = podman("logs", container.name).stdout.splitlines()
    assert shown == container.lines()[:len(shown)]
    assert len(shown) > 3 * ROUNDS


def assert_podman_finds_it_as_any_other(container):
    """exec, inspect, stats, top, wait, exit code and rm on a restored container."""
    assert container.exec("echo", "inside").strip() == "inside"
    # The same pid inside as before, and all threads: the main one and four more.
    status = container.exec("cat", "/proc/1/status")
    assert f"Threads:\t{THREADS + 1}\n" in status
    state = container.state()
    assert state["Status"] == "running" and state["Pid"] == container.pid
    with open(f"/proc/{container.pid}/stat", encoding="ascii") as file:
        parent = file.read().rpartition(")")[2].split()[1]
    with open(f"/proc/{parent}/comm", encoding="ascii") as file:
        assert file.read().strip() == "conmon"
    stats = podman("stats", "--no-stream", "--format", "{{.MemUsageBytes}} {{.PIDs}}",
                   container.name).stdout
    assert int(stats.split()[-1]) >= THREADS + 1, stats
    assert "pages.py" in podman("top", container.name, "pid", "args").stdout
    waiting = container.begin("wait", container.name)
    podman("kill", container.name)
    assert waiting.communicate(timeout=60)[0].strip() == "137"
    container.wait_until_stopped()


def test_memory_is_free_after_the_stop(container):
    """The point of it all: while it is stopped, somebody else can have the memory."""
    def used_by_processes():
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = dict(line.split(":") for line in file)
        return int(fields["AnonPages"].split()[0]) // 1024

    container.run_workload("counter.py", "--mb", 400)
    while_running = used_by_processes()
    container.stop()
    # Others on this host come and go: half of it must be free, whatever they do.
    wait_for(lambda: used_by_processes() < while_running - 200, 20, "400 MB to be free")
    assert not container.is_alive()


def test_removed_container_leaves_nothing(container):
    container.run_workload("pages.py", 20)
    container.stop()
    container.start()
    podman("rm", "-f", "-t", "20", container.name)
    assert not container.exists()
    assert not container.is_alive()
    assert_nothing_left(container)
