# SPDX-License-Identifier: Apache-2.0
"""Limits that leave no room for a restore. It needs some more processes than the container: that limit is
lifted for it, and put back."""
import pytest
from harness import cgroup
from harness.container import podman
from harness.counting import assert_moves_on, assert_resumes
from harness.leftovers import assert_nothing_left

pytestmark = pytest.mark.requires("root", "criu", "podman")

@pytest.mark.parametrize("limit", [3, 9])
def test_used_to_the_full(container, product, limit):
    """`stop` said "checkpointed", and each start failed: "fork() failed", or the tar of a tmpfs."""
    container.run_workload("counter.py", "--threads", limit - 1,
                           options=("--pids-limit", limit, "--tmpfs", "/scratch"))
    for _ in range(2):
        container.stop()
        assert len(product.checkpoints()) >= 1
        assert_resumes(container)
        assert cgroup.limit(container, "pids") == str(limit)
        assert_nothing_left(container)


def test_put_back_by_who_takes_over(container, product, tmp_path):
    """The session is killed while the limit is lifted: the container that comes of it has it."""
    container.run_workload("counter.py", options=("--pids-limit", 3))
    container.stop()
    once = tmp_path / "once"
    once.touch()
    product.write_runtime(fault=f"post-restore:kill:{once}")
    assert_resumes(container)
    product.write_runtime()
    assert not once.exists()
    assert cgroup.limit(container, "pids") == "3"
    assert_nothing_left(container)


def test_too_low_is_named(container, product):
    """Where there is no room for who lifts it, nothing is touched."""
    container.run_workload("counter.py", options=("--pids-limit", 2))
    for command in (("doctor",), ("checkpoint", "create")):
        refused = product.reprise(*command, container.name, check=False)
        told = refused.stdout + refused.stderr
        assert refused.returncode != 0
        assert "a restore needs room for 3" in told and "--pids-limit 3" in told
    assert_nothing_left(container)
    assert_moves_on(container)


def test_lowered_memory_is_named(container):
    """The kernel would have killed what is restored."""
    container.run_workload("counter.py", "--mb", 60, options=("--memory", "300m", "--memory-swap", "300m"))
    container.stop()
    podman("update", "--memory", "40m", "--memory-swap", "40m", container.name)
    refused = container.start(check=False)
    assert refused.returncode != 0
    assert "the memory limit of 40 MiB is too low" in refused.stderr
    podman("update", "--memory", "300m", "--memory-swap", "300m", container.name)
    assert_resumes(container)
