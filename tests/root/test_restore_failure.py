# SPDX-License-Identifier: Apache-2.0
"""A restore that fails: the container starts cold and says so, or does not start, as it wishes."""
import pytest
from harness.container import podman
from harness.counting import assert_moves_on, assert_resumes
from harness.leftovers import assert_nothing_left

pytestmark = pytest.mark.requires("root", "criu", "podman")

FAULTS = ("restore-prepare:fail", "restore-prepare:kill", "before-restore:fail",
          "before-restore:kill")
FAIL = ("--annotation", "reprise.dev/on-restore-failure=fail")


def run_and_stop(container, *options):
    container.run_workload("counter.py", "--mb", 10, options=options)
    assert_moves_on(container)
    container.stop()
    [row] = container.product.checkpoints()
    assert row["pending"]
    return row["id"]


def damage(product, checkpoint):
    """One bit of its memory; returns how to mend it."""
    pages = max(product.checkpoint_directory(checkpoint).glob("**/pages-*.img"),
                key=lambda path: path.stat().st_size)
    intact = pages.read_bytes()
    broken = bytearray(intact)
    broken[len(broken) // 2] ^= 1
    pages.write_bytes(broken)
    return lambda: pages.write_bytes(intact)


def assert_started_cold(container, product):
    container.refresh()
    container.wait_for_line("READY", count=2)
    assert_moves_on(container)
    assert container.exec("echo", "usable").strip() == "usable"
    assert_nothing_left(container)
    product.write_runtime()
    events = product.events(container.name)
    assert events[-2:] == ["restore-failed", "started"], events


@pytest.mark.parametrize("fault", FAULTS)
def test_starts_cold_and_says_so(container, product, fault):
    checkpoint = run_and_stop(container)
    product.write_runtime(fault=fault)
    told = product.reprise("start", container.name)
    assert f"{container.name}: started cold: " in told.stdout
    assert_started_cold(container, product)
    # The checkpoint is still there for whoever wants it, but nobody continues from it by itself.
    [row] = product.checkpoints()
    assert row["id"] == checkpoint and not row["pending"]


def test_starts_cold_from_a_damaged_checkpoint(container, product):
    checkpoint = run_and_stop(container)
    damage(product, checkpoint)
    told = product.reprise("start", container.name)
    assert f"{container.name}: started cold: " in told.stdout and "pages-" in told.stdout
    assert_started_cold(container, product)


@pytest.mark.parametrize("fault", FAULTS)
def test_does_not_start_where_the_container_forbids_it(container, product, fault):
    checkpoint = run_and_stop(container, *FAIL)
    product.write_runtime(fault=fault)
    refused = podman("start", container.name, check=False)
    assert refused.returncode != 0
    assert checkpoint in refused.stderr, refused.stderr
    assert container.state()["Status"] != "running"
    assert_nothing_left(container)
    [row] = product.checkpoints()
    assert row["id"] == checkpoint and row["pending"]
    # Still claimable: the next start, without the fault, resumes.
    product.write_runtime()
    assert_resumes(container)


def test_does_not_start_from_a_damaged_checkpoint_until_it_is_mended(container, product):
    checkpoint = run_and_stop(container, *FAIL)
    mend = damage(product, checkpoint)
    refused = podman("start", container.name, check=False)
    assert refused.returncode != 0 and "pages-" in refused.stderr, refused.stderr
    assert container.state()["Status"] != "running"
    mend()
    assert_resumes(container)
