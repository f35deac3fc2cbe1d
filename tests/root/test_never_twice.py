# SPDX-License-Identifier: Apache-2.0
"""The same memory never runs twice. Restored tasks wait until the claim is consumed: whoever is killed
before that, none of them has run, and the next attempt begins from the same moment; after it, the
container stays. Tasks that are sealed have not run since they were dumped, and never run again. The
workload prints each of its steps, so that one that is taken twice shows.
"""
import os
import signal

import pytest
from harness.container import podman
from harness.counting import assert_memory_is_whole, assert_moves_on, assert_unbroken
from harness.leftovers import assert_nothing_left, our_processes, read, stopped_session
from harness.waiting import wait_for
from test_promise import assert_next_stop_works, assert_promise_kept
from test_restore_failure import once, run_and_stop, tasks

pytestmark = pytest.mark.requires("root", "criu", "podman")


def assert_went_on(container, starts):
    """It runs, from where it was, after `starts` more at most, which are needed if one was cut off."""
    for _ in range(starts):
        if container.state()["Status"] == "running":
            break
        container.start(check=False)
    container.refresh()
    assert_moves_on(container)
    assert_unbroken(container.lines())
    assert_memory_is_whole(container)
    assert_nothing_left(container)


# The worker is killed at each step around the moment at which the tasks are let go, and so is the
# guard in the second half; the wrapper, which lives, tries again where that is needed.
@pytest.mark.parametrize("guard", ["", "settle-begin:kill"], ids=["guard", "nobody"])
@pytest.mark.parametrize("point", ["pre-resume", "claim-held", "claim-consumed", "tasks-let-go"])
def test_worker_killed(container, product, point, guard):
    run_and_stop(container, "--tmpfs", "/t")
    product.write_runtime(fault=once(product, f"{point}:kill", *filter(None, [guard])))
    container.start()
    product.write_runtime()
    assert_went_on(container, starts=0)
    assert product.events(container.name)[-1] == "restored"


def test_runtime_killed_before_the_claim_is_consumed(container, product):
    run_and_stop(container)
    product.write_runtime(fault="runtime-restored:kill")
    assert container.start(check=False).returncode != 0
    assert_nothing_left(container)
    assert tasks(container) == []
    product.write_runtime()
    assert_went_on(container, starts=1)


def names(pids):
    return {read(f"/proc/{pid}/comm").strip() for pid in pids} - {""}


def kill(product, name):
    victims = [pid for pid, comm, _ in our_processes(product) if comm == name]
    assert victims, f"no {name} runs"
    for pid in victims:
        os.kill(pid, signal.SIGKILL)


# CRIU holds the restored tasks, and only it; or runc has not heard yet that they are there.
@pytest.mark.parametrize("victim", ["criu", "criu-hook", "runc"])
def test_tool_killed_while_the_tasks_wait(container, product, victim):
    run_and_stop(container)
    product.write_runtime(fault=once(product, "pre-resume:stop"))
    start = container.begin("start", container.name)
    session = stopped_session(product)
    kill(product, victim)
    if victim == "criu":
        wait_for(lambda: names(tasks(container)) <= {"criu-hook"}, 60, "the tasks to end with CRIU")
    os.kill(session, signal.SIGCONT)
    out, err = start.communicate(timeout=90)
    assert start.returncode == 0, out + err
    product.write_runtime()
    assert_went_on(container, starts=0)


def test_removed_all_the_same(container, product):
    """What was held leaves nothing that keeps the container from being removed."""
    run_and_stop(container)
    product.write_runtime(fault=once(product, "claim-held:kill", "settle-begin:kill",
                                     "runtime-restored:kill"))
    container.start(check=False)
    product.write_runtime()
    podman("rm", "-f", "-t", "0", container.name)
    assert not container.exists()
    assert tasks(container) == []


# --- in a stop


def kill_in_a_stop(container, point, victim):
    """At `point` of the session, which goes on when those are gone who held the tasks with it."""
    product = container.product
    container.run_workload("counter.py", "--mb", 10)
    assert_moves_on(container)
    product.write_runtime(fault=once(product, f"{point}:stop"))
    container.kill_through_runtime()
    session = stopped_session(product)
    kill(product, victim)
    gone = {"criu-hook": "criu"}.get(victim, victim)
    wait_for(lambda: gone not in {comm for _, comm, _ in our_processes(product)}, 60, f"{gone} to end")
    os.kill(session, signal.SIGCONT)
    product.write_runtime()


# CRIU takes a script that was killed for one that said yes.
@pytest.mark.parametrize("victim", ["criu", "criu-hook"])
def test_tool_killed_before_the_tasks_are_held(container, product, victim):
    kill_in_a_stop(container, "files-copied", victim)
    assert_promise_kept(container)
    assert_next_stop_works(container)


@pytest.mark.parametrize("point, victim", [
    ("files-copied", "runc"), ("before-seal", "runc"), ("before-seal", "criu"),
    ("before-seal", "criu-hook"), ("after-seal", "criu"), ("after-seal", "criu-hook")])
def test_tool_killed_at_the_seal(container, product, point, victim):
    kill_in_a_stop(container, point, victim)
    container.wait_until_stopped()
    assert_went_on(container, starts=1)
    assert "GOTTERM" not in container.lines()
