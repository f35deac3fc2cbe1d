# SPDX-License-Identifier: Apache-2.0
"""A session whose processes were all killed, guard included: whoever comes next settles it."""
import os
import signal

import pytest
from harness.counting import assert_moves_on, assert_resumes, assert_unbroken
from harness.leftovers import assert_nothing_left, our_processes
from harness.waiting import wait_for
from test_promise import (assert_failure_is_told, assert_next_stop_works, assert_promise_kept,
                          dump_process, session_processes)

pytestmark = pytest.mark.requires("root", "criu", "podman")


def wait_until_nobody_is_left(product):
    wait_for(lambda: not our_processes(product), 30, "the session and CRIU to be gone")


# The session is killed at one step, and its guard at one of its own (or at the same step, when it
# does what the session did not come to).
@pytest.mark.parametrize("fault", [
    "session-begin:kill,settle-begin:kill", "post-dump:kill,settle-begin:kill",
    "post-dump:fail,undone-network-locked:kill", "seal-manifest:kill,settle-tools-ended:kill", "post-dump:kill,settle-record:kill"])
def test_settled_by_the_next_command(container, product, fault):
    container.run_workload("counter.py", "--mb", 10, "--loopback")
    product.write_runtime(fault=fault)
    container.kill_through_runtime()
    wait_until_nobody_is_left(product)
    assert_moves_on(container)  # whoever does not come: it is not left standing still
    product.reprise("ps")
    assert_promise_kept(container)
    assert_failure_is_told(container, "guard")
    assert_next_stop_works(container)


def test_settled_by_the_next_stop(container, product):
    container.run_workload("counter.py", "--mb", 10)
    product.write_runtime(fault="post-dump:kill,settle-begin:kill")
    container.kill_through_runtime()
    wait_until_nobody_is_left(product)
    product.write_runtime()
    container.stop()
    assert_nothing_left(container)
    # Nor a lock for each container that there ever was.
    wait_for(lambda: not os.listdir(product.run_dir / "locks"), 30, "the lock to be removed")
    assert len(product.checkpoints()) == 1
    assert_resumes(container)
    container.wait_for_line("GOTTERM")  # of the first stop; it may have been pending at the second
    assert container.lines().count("GOTTERM") == 1


# Nobody is there to say yes, but the checkpoint is sealed: CRIU's hook finds it by itself.
@pytest.mark.parametrize("point", ["seal-renamed", "after-seal"])
def test_sealed_is_sealed_with_nobody_left(container, product, point):
    container.run_workload("counter.py", "--mb", 10)
    product.write_runtime(fault=f"{point}:kill,settle-begin:kill")
    container.kill_through_runtime()
    container.wait_until_stopped()
    wait_until_nobody_is_left(product)
    product.write_runtime()
    assert_resumes(container)  # the start settles it
    assert "GOTTERM" not in container.lines()
    assert len(product.checkpoints()) == 1


def test_criu_hangs_and_nobody_is_left(container, product):
    container.run_workload("counter.py", "--mb", 200)
    container.kill_through_runtime()
    criu = dump_process(product, "criu")
    os.kill(criu, signal.SIGSTOP)
    for pid in session_processes(product):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not session_processes(product), 60, "those that were killed to be gone")
    product.reprise("ps")
    assert_promise_kept(container)
    assert_next_stop_works(container)


def test_only_the_guard_is_killed(container, product):
    """The session goes on without it; nobody takes it for abandoned, then or later."""
    container.run_workload("counter.py", "--mb", 200)
    container.kill_through_runtime()
    dump_process(product, "criu")
    _, guard = session_processes(product)
    os.kill(guard, signal.SIGKILL)
    product.reprise("ps")
    container.wait_until_stopped()
    assert_nothing_left(container)
    assert_resumes(container)
    assert_unbroken(container.lines())
    assert "GOTTERM" not in container.lines()
    assert not list((product.run_dir / "sessions").iterdir())
