# SPDX-License-Identifier: Apache-2.0
"""The promise when the store's file system is full: while CRIU writes, or only at the seal."""
import os
import signal

import pytest
from harness.counting import (assert_memory_is_whole, assert_moves_on, assert_resumes,
                              assert_unbroken)
from harness.leftovers import assert_nothing_left, stopped_session
from harness.small_disk import SmallDisk, SmallTmpfs
from test_promise import assert_failure_is_told

pytestmark = pytest.mark.requires("root", "criu", "podman", "loop")

SIZE, MEMORY, LEFT = 400, 150, 60  # megabytes


@pytest.fixture(params=[SmallDisk, SmallTmpfs], ids=["disk", "tmpfs"])
def disk(request, product):
    small = request.param(SIZE)
    product.store = small.path / "store"
    product.write_runtime()
    yield small
    small.close()


def assert_promise_kept(container, disk, free):
    container.wait_for_line("GOTTERM")
    assert_nothing_left(container)
    assert_moves_on(container)
    assert_unbroken(container.lines())
    assert container.product.checkpoints() == []
    assert not list(container.product.store.glob("checkpoints/*"))
    assert disk.free_megabytes() >= free - 5, "what the failed session wrote is still there"
    assert_memory_is_whole(container)


def assert_stop_works(container):
    container.stop()
    assert len(container.product.checkpoints()) == 1
    assert_nothing_left(container)
    assert_resumes(container)
    assert_memory_is_whole(container)


def test_full_while_criu_writes(disk, product, new_container):
    container = new_container()
    container.run_workload("counter.py", "--mb", MEMORY)
    disk.fill(leave=LEFT)
    free = disk.free_megabytes()
    container.kill_through_runtime()
    assert_promise_kept(container, disk, free)
    disk.empty()
    assert_stop_works(container)


def test_full_at_the_seal(disk, product, new_container):
    """CRIU has written everything, and somebody else takes the rest of the space just then: the
    manifest and the catalog's row find none."""
    container = new_container()
    container.run_workload("counter.py", "--mb", 10)
    free = disk.free_megabytes()
    product.write_runtime(fault="seal-synced:stop")
    container.kill_through_runtime()
    session = stopped_session(product)
    disk.fill_to_the_last_byte()
    os.kill(session, signal.SIGCONT)
    container.wait_for_line("GOTTERM")
    assert_nothing_left(container)
    assert_failure_is_told(container, "No space left on device")
    disk.empty()
    assert_promise_kept(container, disk, free)
    product.write_runtime()
    assert_stop_works(container)
