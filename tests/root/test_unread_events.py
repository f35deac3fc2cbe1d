# SPDX-License-Identifier: Apache-2.0
"""What the kernel holds for a program that has not read it yet, and that no checkpoint can hold."""
import pytest
from harness import journey
from harness.leftovers import assert_nothing_left

pytestmark = pytest.mark.requires("root", "criu", "podman")


@pytest.mark.parametrize("kind", ["inotify", "netlink", "sockets"])
def test_a_dump_waits_until_it_is_read(container, kind):
    container.run_workload("unread_event.py", kind)
    journey.stop_and_start(container)
    container.wait_for_line("READ")
    assert "LOST" not in container.lines()
    assert_nothing_left(container)


def test_an_event_that_nobody_reads_stops_no_checkpoint(container):
    container.run_workload("unread_event.py", "inotify", "never")
    journey.stop_and_start(container)
    [session] = [life["session"] for life in container.product.lives(container.name)
                 if life["event"] == "checkpointed"]
    assert "unread events of inotify are not in" in container.product.reprise("logs", session).stdout
    assert_nothing_left(container)


def test_an_answer_that_nobody_reads_is_named(container):
    container.run_workload("unread_event.py", "netlink", "never")
    failed = container.product.reprise("checkpoint", "create", container.name, check=False)
    assert failed.returncode != 0 and "has not read what the kernel told it" in failed.stderr, failed.stderr
    assert container.is_alive()
    assert_nothing_left(container)
