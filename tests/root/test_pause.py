# SPDX-License-Identifier: Apache-2.0
"""A container that was paused stays so, whatever becomes of a session; only who froze it thaws it."""
import os
import signal

import pytest
from harness.container import podman
from harness.counting import assert_moves_on, assert_resumes, assert_unbroken
from harness.leftovers import frozen_cgroups, our_processes, stopped_session
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

ENDED = 60  # seconds


def assert_still_paused(container):
    """To Podman and to the kernel, after all of a session has ended."""
    wait_for(lambda: not our_processes(container.product), ENDED, "the session to end")
    assert frozen_cgroups(container)
    assert container.state()["Status"] == "paused"


def test_paused_stays_paused(container, product):
    """`checkpoint create` thawed what it refused, and Podman could do nothing with it any more."""
    container.run_workload("counter.py")
    podman("pause", container.name)
    refused = product.reprise("checkpoint", "create", container.name, check=False)
    assert refused.returncode != 0
    assert "is paused" in refused.stderr and "podman unpause" in refused.stderr
    assert_still_paused(container)

    # Nor is it thawed by who takes over from a session that was killed, of both kinds.
    for fault in ("session-begin:kill", "session-begin:kill,settle-begin:kill"):
        product.write_runtime(fault=fault)
        container.kill_through_runtime()
        assert_still_paused(container)
    product.write_runtime()
    product.reprise("ps")  # settles what was left
    assert_still_paused(container)

    podman("unpause", container.name)
    assert_moves_on(container)
    container.stop()
    assert_resumes(container)
    assert_unbroken(container.lines())


def test_pause_during_a_session(container, product):
    """It waits for the session's end: a dump that a person pauses, or lets run on, is none."""
    container.run_workload("counter.py", "--mb", 10)
    product.write_runtime(fault="post-dump:stop")
    container.kill_through_runtime()
    session = stopped_session(product)
    pause = container.begin("pause", container.name)
    wait_for(lambda: any("pause" in words for _, _, words in our_processes(product)), ENDED,
             "Podman to call the runtime")
    os.kill(session, signal.SIGCONT)
    pause.communicate(timeout=ENDED)
    assert pause.returncode != 0  # it had ended
    product.write_runtime()
    container.wait_until_stopped()
    assert_resumes(container)
