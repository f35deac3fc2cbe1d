# SPDX-License-Identifier: Apache-2.0
"""A Landlock sandbox: /proc does not tell of it, CRIU does not know it, and nobody must lose it."""
import pytest
from harness.leftovers import assert_nothing_left
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

WHAT = "Landlock sandbox, of a process or of one of its threads"


def steps(container):
    return [line.split() for line in container.lines() if line.startswith("STEP ")]


def assert_steps_on(container, sees):
    before = len(steps(container))
    wait_for(lambda: len(steps(container)) >= before + 3, 30, "three more steps")
    assert {step[2] for step in steps(container)[before:]} == {sees}


@pytest.mark.parametrize("kind, sees", [("sandbox", "denied"), ("thread", "all")])
def test_a_sandbox_is_refused_by_name(container, product, fidelity, kind, sees):
    """Was resumed without a word, and read everything."""
    container.run_workload("landlock.py", kind)
    doctor = product.reprise("doctor", container.name, check=False)
    assert doctor.returncode != 0 and "is in a Landlock sandbox" in doctor.stdout, doctor.stdout
    refused = product.reprise("checkpoint", "create", container.name, check=False)
    assert refused.returncode != 0 and "is in a Landlock sandbox" in refused.stderr
    assert_nothing_left(container)
    assert_steps_on(container, sees)
    container.stop()
    assert not product.checkpoints()
    container.start()
    assert_steps_on(container, sees)
    assert len([line for line in container.lines() if line == "READY"]) == 2, "not started cold"
    fidelity.of("What cannot be saved", WHAT, "named by `doctor`")


def test_who_only_gave_up_privileges_is_no_obstacle(container, product):
    container.run_workload("landlock.py", "privileges")
    assert product.reprise("doctor", container.name).returncode == 0
    container.stop()
    container.start()
    assert_steps_on(container, "all")
    numbers = [int(step[1]) for step in steps(container)]
    assert numbers == list(range(1, len(numbers) + 1)), "a step was lost or repeated"
