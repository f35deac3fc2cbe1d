# SPDX-License-Identifier: Apache-2.0
"""What was restored is never lost because of who was killed: a restored container that Podman does not
know to run, since it was killed in its start, is saved before it is removed or created anew. And a
stop of which nobody takes care ends as a stop does.
"""
import os
import signal

import pytest
from harness.container import podman
from harness.counting import assert_memory_is_whole, assert_moves_on, assert_unbroken, seed, steps
from harness.leftovers import assert_nothing_left, our_processes, stopped_session
from harness.waiting import wait_for
from test_restore_failure import once, run_and_stop, tasks

pytestmark = pytest.mark.requires("root", "criu", "podman")


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGHUP], ids=["killed", "hung up"])
@pytest.mark.parametrize("point", ["restore-prepare", "pre-resume", "tasks-let-go"])
def test_podman_killed_in_its_start(container, product, point, sent):
    """The terminal is closed, or the ssh connection is lost, while the container is restored."""
    run_and_stop(container)
    product.write_runtime(fault=once(product, f"{point}:stop"))
    start = container.begin("start", container.name)
    session = stopped_session(product)
    os.kill(start.pid, sent)
    start.communicate(timeout=60)
    os.kill(session, signal.SIGCONT)
    wait_for(lambda: not our_processes(product), 60, "the restore to end")
    product.write_runtime()
    container.start()
    container.refresh()
    assert_moves_on(container)
    assert_unbroken(container.lines())
    assert_memory_is_whole(container)
    assert_nothing_left(container)
    container.stop()
    container.start()
    assert_moves_on(container)
    assert_unbroken(container.lines())


def test_runtime_killed_before_it_could_say_that_it_restored(container, product):
    """conmon then reads what the container says to its stderr, for a reason why it was not made: for
    ever, where it runs and says nothing, and `podman start`, `ps` and all that ask for it with it."""
    run_and_stop(container)
    product.write_runtime(fault=once(product, "runtime-resumed:kill"))
    assert container.start(check=False).returncode != 0
    product.write_runtime()
    wait_for(lambda: not our_processes(product), 60, "it to be saved")
    assert tasks(container) == []
    assert len(product.checkpoints()) == 2
    before = container.lines()
    container.start()
    assert_moves_on(container)
    # conmon ended without reading what was printed in the meantime.
    after = container.lines()[len(before):]
    first = steps(after)[0][0]
    assert first > steps(before)[-1][0]
    assert_unbroken(after, chain=seed(before), first=first)
    assert_memory_is_whole(container)
    assert_nothing_left(container)


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


@pytest.mark.parametrize("one_of", [1, 2], ids=["alone", "beside the task that it makes"])
def test_a_criu_that_stands_still_is_woken(container, product, one_of):
    """Nobody answers for a stopped process; runc would wait for it, and Podman for runc."""
    container.run_workload("counter.py", "--mb", 300)
    container.stop()
    start = container.begin("start", container.name)
    def stopped():
        found = sorted(pid for pid, name, _ in our_processes(product) if name == "criu")
        if len(found) < one_of:
            return False
        os.kill(found[0], signal.SIGSTOP)
        return True
    wait_for(stopped, 30, "CRIU to begin")
    start.communicate(timeout=60)
    assert start.returncode == 0
    container.refresh()
    assert_moves_on(container)
    assert_memory_is_whole(container)
    assert_nothing_left(container)


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


def test_a_restore_that_is_killed_before_the_start(container, product):
    """The container is there, and its start must not be a cold one."""
    container.run_workload("counter.py", "--mb", 10)
    assert_moves_on(container)
    container.stop()
    lines = container.lines()
    podman("rm", container.name)
    killed = product.begin("restore", container.name,
                           environment={**product.environment(), "REPRISE_FAULT": "clone-created:kill"})
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    refused = container.start(check=False)
    assert refused.returncode != 0 and "'reprise restore' was cut off" in refused.stderr, refused
    product.reprise("restore", container.name)
    container.refresh()
    container.wait_for_line(f"STEP {len([line for line in lines if line.startswith('STEP ')]) + 1} ")
    assert not container.has_said("READY")
    container.stop()
    container.start()
    assert_moves_on(container)
    assert not container.has_said("READY")
