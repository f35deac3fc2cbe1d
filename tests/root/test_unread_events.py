# SPDX-License-Identifier: Apache-2.0
"""Events of inotify that nobody has read yet, which no checkpoint can hold."""
import pytest
from harness import journey
from harness.leftovers import assert_nothing_left

pytestmark = pytest.mark.requires("root", "criu", "podman")


def test_a_dump_waits_until_an_event_is_read(container):
    container.run_workload("unread_event.py")
    journey.stop_and_start(container)
    container.wait_for_line("READ")
    assert "LOST" not in container.lines()
    assert_nothing_left(container)


def test_an_event_that_nobody_reads_stops_no_checkpoint(container):
    container.run_workload("unread_event.py", "never")
    journey.stop_and_start(container)
    session = container.product.lives(container.name)[1]["session"]
    assert "unread events of inotify are not in" in container.product.reprise("logs", session).stdout
    assert_nothing_left(container)
