# SPDX-License-Identifier: Apache-2.0
"""Checkpoints on request: taken while the container runs, restored into it again or into clones."""
import pytest
from harness.container import unique_name
from harness.counting import (assert_memory_is_whole, assert_moves_on, assert_resumes,
                              assert_unbroken, last_step, longest_gap_ms, seed, steps)
from harness.leftovers import assert_nothing_left

pytestmark = pytest.mark.requires("root", "criu", "podman")

CORRUPT = 8  # exit status: ErrorCode::kCorrupt


def checkpoint_of(container, *options):
    """Takes one; returns it with the first step that may come after it, and the last."""
    before = last_step(container)
    made = container.product.json("checkpoint", "create", container.name, *options)
    return made["checkpoint"], range(before + 1, last_step(container) + 2)


def first_step(container):
    assert_moves_on(container)
    return steps(container.lines())[0][0]


def assert_goes_on_from(container, chain, possible):
    """Its log begins in the middle, with the step that was due when the checkpoint was taken."""
    first = first_step(container)
    assert first in possible
    assert_unbroken(container.lines(), chain, first)


def test_create_leaves_it_running(container, product):
    container.run_workload("counter.py", "--mb", 50)
    assert_moves_on(container)
    before = last_step(container)
    made = product.json("checkpoint", "create", container.name)
    assert_moves_on(container)
    assert_nothing_left(container)
    assert_unbroken(container.lines())
    # By the container's own clock; this is no benchmark: 50 MB take 0.3 s on an idle host.
    assert longest_gap_ms(container.lines(), since=before) < 30_000
    assert 0 < made["freeze_ms"] < 30_000
    [row] = product.checkpoints()
    assert row["id"] == made["checkpoint"] and row["name"] == container.name
    assert row["trigger"] == "request" and not row["ended"] and not row["pending"]
    assert row["bytes"] > 50 << 20
    # It was never meant to be continued from: a stop takes a newer one.
    container.stop()
    assert_resumes(container)


def test_restored_after_the_container_was_removed(container, product):
    container.run_workload("counter.py", "--mb", 50)
    assert_moves_on(container)
    checkpoint, possible = checkpoint_of(container)
    chain, old_id = seed(container.lines()), container.id
    assert_moves_on(container)
    container.remove()
    assert not container.exists()
    product.reprise("restore", checkpoint)
    container.refresh()
    assert container.id != old_id
    assert_goes_on_from(container, chain, possible)
    assert_memory_is_whole(container)
    assert_nothing_left(container)
    # It is a container like any other: it stops and starts.
    container.stop()
    container.start()
    assert_moves_on(container)
    assert_unbroken(container.lines(), chain, steps(container.lines())[0][0])


def test_clones_run_beside_the_original(container, new_container, product):
    container.run_workload("counter.py", "--mb", 20)
    assert_moves_on(container)
    checkpoint, possible = checkpoint_of(container)
    chain = seed(container.lines())
    clones = [new_container(unique_name()) for _ in range(2)]
    for clone in clones:
        product.reprise("restore", checkpoint, "--name", clone.name)
        clone.refresh()
    for clone in clones:
        assert_goes_on_from(clone, chain, possible)
        assert_memory_is_whole(clone)
        assert clone.id != container.id
    assert_moves_on(container)
    assert_unbroken(container.lines())
    # One of them stops and starts, and the others do not notice.
    clones[0].stop()
    clones[0].start()
    assert_moves_on(clones[0])
    assert_unbroken(clones[0].lines(), chain, steps(clones[0].lines())[0][0])
    assert_moves_on(clones[1])
    assert_moves_on(container)
    assert_nothing_left(clones[0])


def test_stop_on_request_and_restore_by_container_name(container, product):
    container.run_workload("counter.py")
    assert_moves_on(container)
    made = product.json("checkpoint", "create", container.name, "--stop")
    container.wait_until_stopped()
    [row] = product.checkpoints()
    assert row["id"] == made["checkpoint"] and row["ended"] and row["pending"]
    product.reprise("restore", container.name)
    container.refresh()
    assert_moves_on(container)
    assert_unbroken(container.lines())


def test_a_tag_that_hides_a_container_s_newest_is_ambiguous(container, product):
    container.run_workload("counter.py")
    first, _ = checkpoint_of(container, "--tag", container.name)
    assert product.json("checkpoint", "show", container.name)["checkpoint"]["id"] == first
    second, _ = checkpoint_of(container)
    for command in (["checkpoint", "show"], ["checkpoint", "pin"], ["restore"]):
        refused = product.reprise(*command, container.name, check=False)
        assert refused.returncode != 0
        assert first in refused.stderr and second in refused.stderr and "whole id" in refused.stderr
    assert product.json("checkpoint", "show", second)["checkpoint"]["id"] == second


def test_tags_list_show_verify_and_remove(container, product):
    container.run_workload("counter.py")
    first, _ = checkpoint_of(container, "--tag", "before")
    second, _ = checkpoint_of(container)
    assert [row["id"] for row in product.checkpoints()] == [second, first]
    assert [row["tag"] for row in product.checkpoints()] == ["", "before"]
    listed = product.reprise("checkpoint", "ls", container.name).stdout
    assert first in listed and second in listed and "before" in listed
    shown = product.json("checkpoint", "show", "before")["checkpoint"]
    assert shown["id"] == first and shown["container"] == container.id
    assert sum(file["bytes"] for file in shown["files"]) == shown["bytes"]
    assert f"checkpoint  {first}" in product.reprise("checkpoint", "show", first[:6]).stdout
    product.reprise("checkpoint", "verify", "--all")
    # A container's name means its newest.
    assert product.json("checkpoint", "show", container.name)["checkpoint"]["id"] == second
    assert second in product.reprise("checkpoint", "verify", container.name).stdout
    product.reprise("checkpoint", "pin", container.name)
    assert [row["pinned"] for row in product.checkpoints()] == [True, False]
    product.reprise("checkpoint", "unpin", container.name)
    product.reprise("checkpoint", "rm", "before")
    assert [row["id"] for row in product.checkpoints()] == [second]
    assert not product.checkpoint_file(first).exists()
    assert product.checkpoint_file(second).exists()
    gone = product.reprise("checkpoint", "show", "before", check=False)
    assert gone.returncode == 3 and "before" in gone.stderr  # 3: not found
    # Tagged checkpoints outlive what stops supersede.
    kept, _ = checkpoint_of(container, "--tag", "kept")
    for _ in range(4):
        container.stop()
        container.start()
    assert kept in [row["id"] for row in product.checkpoints()]
    stops = [row for row in product.checkpoints() if row["trigger"] == "stop"]
    assert len(stops) == 2, "the newest and the one before it"


@pytest.mark.parametrize("pattern", ["packs/*.pack", "checkpoints/*"])
def test_damaged_checkpoint_is_refused(container, new_container, product, pattern):
    container.run_workload("counter.py", "--mb", 4)
    container.exec("sh", "-c", "echo new >/etc/new")  # so that the root file system has changes
    checkpoint, _ = checkpoint_of(container)
    intact = product.reprise("checkpoint", "verify", checkpoint)
    assert checkpoint in intact.stdout
    damaged, _ = product.damage(pattern)
    refused = product.reprise("checkpoint", "verify", checkpoint, check=False)
    assert refused.returncode == CORRUPT
    assert damaged.stem in refused.stderr
    clone = new_container(unique_name())
    refused = product.reprise("restore", checkpoint, "--name", clone.name, check=False)
    assert refused.returncode == CORRUPT
    assert damaged.stem in refused.stderr
    assert not clone.exists() or clone.state()["Status"] != "running"
    # The original never noticed.
    assert_moves_on(container)
    assert_unbroken(container.lines())
    assert_nothing_left(container)
