# SPDX-License-Identifier: Apache-2.0
"""Programs that are in the middle of starting or stopping others when they are dumped."""
import os
import signal
import time

import pytest
from harness import journey
from harness.leftovers import assert_nothing_left, our_processes, read
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")


def ran(container):
    """How many; 0 if the log of a container that was made again does not say yet."""
    lines = [line for line in container.lines() if line.startswith("RAN")]
    return int(lines[-1].split()[1]) if lines else 0


def assert_starts_more(container):
    before = ran(container)
    wait_for(lambda: ran(container) >= before + 3, 60, "programs to be started")


@pytest.mark.fidelity("Applications", "A program that starts others all the time (vfork, posix_spawn)")
def test_a_program_that_starts_others_all_the_time(container, fidelity):
    container.run_workload("spawning.py")
    # Half of the dumps meet one that is being started: of so many, all but surely one.
    journey.go(journey.STOP_AND_START, container, assert_starts_more)
    assert [line for line in container.lines() if line == "READY"] == ["READY"]
    journey.travel(container, assert_starts_more, fidelity)


def test_one_that_never_gets_there_is_named(container):
    container.run_workload("spawning.py", "stuck")
    assert_starts_more(container)
    failed = container.product.reprise("checkpoint", "create", container.name, check=False)
    assert failed.returncode != 0 and "waits for one that it is starting" in failed.stderr, failed
    assert_starts_more(container)
    assert_nothing_left(container)


def test_a_process_that_is_stopped_when_the_dump_has_begun(container, product):
    """On cgroup v1 CRIU attaches to a frozen process that is stopped for ever."""
    container.run("sh", "-c", "while :; do echo TICK; sleep 0.05; done & echo READY; wait")
    child = int(read(f"/proc/{container.pid}/task/{container.pid}/children"))
    create = product.begin("checkpoint", "create", container.name)
    deadline = time.monotonic() + 60
    while not any(comm == "runc" and "checkpoint" in words for _, comm, words in our_processes(product)):
        assert time.monotonic() < deadline and create.poll() is None, create.communicate()
    os.kill(child, signal.SIGSTOP)
    out, err = create.communicate(timeout=60)
    assert create.returncode == 0, out + err
    os.kill(child, signal.SIGCONT)
    before = container.lines().count("TICK")
    wait_for(lambda: container.lines().count("TICK") > before, 30, "the process to go on")
    assert_nothing_left(container)
