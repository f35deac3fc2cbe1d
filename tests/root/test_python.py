# SPDX-License-Identifier: Apache-2.0
"""A Python program with threads and numpy arrays, through ten stops and starts by plain Podman."""
import re

import pytest
from harness import journey
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


def ready_line(container):
    ready = [line for line in container.lines() if line.startswith("READY ")]
    assert len(ready) == 1, f"started cold {len(ready)} times, not once"
    return ready[0]


def sum_after(total, number):
    """What all words add up to after so many rounds."""
    return (total + sum(range(1, number + 1)) * THREADS * WORDS_PER_BLOCK) % 2**64


def assert_every_round_right(container, ready=None, first=1):
    """Computed from the READY line alone: numbers, sums, the token, every thread's rounds."""
    ready = ready or ready_line(container)
    token, at_first = re.fullmatch(r"READY token=(\w+) total=(\d+)", ready).groups()
    found = rounds(container)
    for expected, (number, total, bad, own_token, ticks) in enumerate(found, start=first):
        expected_total = sum_after(int(at_first), expected)
        assert int(number) == expected, f"round {number} came where {expected} was due"
        assert int(total) == expected_total, f"the sum of round {number} is wrong"
        assert int(bad) == 0, f"{bad} pages are wrong in round {number}"
        assert own_token == token, f"another process printed round {number}"
        assert ticks == ",".join([number] * THREADS), f"threads at round {number}: {ticks}"


@pytest.mark.timeout(420)
@pytest.mark.fidelity("Applications", "Python with threads and 200 MB of numpy arrays: every page, ten times")
def test_goes_on_through_ten_stops_and_starts(container, fidelity):
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
    fidelity.survived(journey.STOP_AND_START)
    assert_podman_finds_it_as_any_other(container)
    # What Podman shows is what was in the log, over all lives.
    shown = podman("logs", container.name).stdout.splitlines()
    assert shown == container.lines()[:len(shown)]
    assert len(shown) > 3 * ROUNDS


@pytest.mark.fidelity("Applications", "Python with threads and 200 MB of numpy arrays: every page, ten times")
def test_goes_on_in_a_container_made_again(container, fidelity):
    container.run_workload("pages.py", MEGABYTES)
    ready, before = ready_line(container), last_round(container)

    def goes_on(container):
        wait_for(lambda: len(rounds(container)) >= 3, 60, "three more rounds")
        first = int(rounds(container)[0][0])
        assert before < first, "it was not restored but begun anew"
        assert_every_round_right(container, ready, first)
    wait_for(lambda: last_round(container) >= before + 1, 60, "a round")
    before = last_round(container)
    journey.go(journey.MADE_AGAIN, container, goes_on)
    fidelity.survived(journey.MADE_AGAIN)


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
    wait_for(lambda: used_by_processes() < while_running - 200, 60, "400 MB to be free")
    assert not container.is_alive()


def test_removed_container_leaves_nothing(container):
    container.run_workload("pages.py", 20)
    container.stop()
    container.start()
    podman("rm", "-f", "-t", "20", container.name)
    assert not container.exists()
    assert not container.is_alive()
    assert_nothing_left(container)
