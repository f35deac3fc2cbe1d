# SPDX-License-Identifier: Apache-2.0
"""What was restored is never lost because of who was killed: a restored container that Podman does not
know to run, since it was killed in its start, is saved before it is removed or created anew. And a
stop of which nobody takes care ends as a stop does.
"""
import os
import signal

import pytest
from harness.leftovers import assert_nothing_left, our_processes, stopped_session
from harness.waiting import wait_for
from test_restore_failure import once, run_and_stop, tasks

pytestmark = pytest.mark.requires("root", "criu", "podman")


def test_saved_before_the_runtime_forgets_it(container, product):
    """Somebody takes it for a container that has ended long ago."""
    run_and_stop(container)
    product.write_runtime(fault=once(product, "tasks-let-go:stop"))
    start = container.begin("start", container.name)
    session = stopped_session(product)
    os.kill(start.pid, signal.SIGKILL)
    start.communicate(timeout=60)
    os.kill(session, signal.SIGCONT)
    wait_for(lambda: not our_processes(product), 60, "the restore to end")
    product.write_runtime()
    deleted = product.call_runtime("delete", "--force", container.id)
    assert deleted.returncode == 0, deleted.stderr
    assert tasks(container) == []
    assert len(product.checkpoints()) == 2
    assert container.product.events(container.name)[-2:] == ["checkpointed", "ended"]


# --- a stop whose worker does not come to life


def test_worker_killed_before_its_guard_is_there(container, product):
    container.run_workload("counter.py", "--mb", 10)
    product.write_runtime(fault="worker-begin:kill")
    container.kill_through_runtime()
    container.wait_for_line("GOTTERM")
    assert_nothing_left(container)
    assert not list((product.run_dir / "sessions").iterdir())


def test_runtime_and_worker_killed_before_the_guard_is_there(container, product):
    container.run_workload("counter.py", "--mb", 10)
    product.write_runtime(fault="runtime-noted:kill")
    assert product.call_runtime("kill", container.id, 15).returncode != 0
    product.write_runtime()
    product.reprise("ps")
    container.wait_for_line("GOTTERM")
    assert_nothing_left(container)
    assert container.lines().count("GOTTERM") == 1
