# SPDX-License-Identifier: Apache-2.0
"""The store under real containers: what is stored once, freed, made anew, and wrapped with another key."""
import contextlib
import json
import shutil
import sqlite3

import pytest
from harness.counting import (assert_memory_is_whole, assert_moves_on, assert_resumes,
                              assert_unbroken)
from harness.leftovers import assert_nothing_left
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

MEGABYTES = 100


def use(product):
    return product.json("store", "stat")


def test_a_second_checkpoint_stores_what_changed(container, product):
    container.run_workload("counter.py", "--mb", MEGABYTES)
    product.reprise("checkpoint", "create", container.name, "--tag", "first")
    first = use(product)
    assert first["stored_bytes"] > MEGABYTES << 20, "the ballast cannot be compressed"
    assert_moves_on(container)
    product.reprise("checkpoint", "create", container.name, "--tag", "second")
    second = use(product)
    assert second["checkpoints"] == 2
    assert second["logical_bytes"] > 1.9 * first["logical_bytes"]
    assert second["stored_bytes"] < 1.08 * first["stored_bytes"]
    # Each of them needs nearly all that is stored.
    assert all(0.8 * first["stored_bytes"] < row["stored_bytes"] <= second["stored_bytes"]
               for row in product.checkpoints())
    # The first goes, with the pages that only it has; the second is whole.
    product.reprise("checkpoint", "rm", "first")
    container.remove()
    product.reprise("restore", "second")
    container.refresh()
    assert_moves_on(container)
    assert_memory_is_whole(container)
    product.reprise("checkpoint", "rm", "second")
    product.reprise("store", "gc")
    assert use(product)["stored_bytes"] == 0
    assert_nothing_left(container)


def test_what_containers_have_in_common_is_stored_once(new_container, product):
    """As a model that each of them loaded. What is its own is stored for each: also the interpreter's
    heap, which is full of addresses, and those are random."""
    stored = [0]
    for _ in range(3):
        container = new_container()
        container.run_workload("counter.py", "--mb", MEGABYTES, "--seed", 7)
        product.reprise("checkpoint", "create", container.name, "--tag", container.name)
        stored.append(use(product)["stored_bytes"])
    first, *more = (after - before for before, after in zip(stored, stored[1:]))
    assert first > MEGABYTES << 20
    assert all(bytes_ < 0.1 * first for bytes_ in more), f"{first} bytes, then {more}"
    container.remove()
    product.reprise("restore", container.name)
    container.refresh()
    assert_moves_on(container)
    assert_memory_is_whole(container)


def test_a_stop_right_after_a_checkpoint_is_not_lost(container, product):
    """Whoever asked for the first goes on as soon as it is told; nothing may be in the way then."""
    container.run_workload("counter.py", "--mb", 300)
    product.reprise("checkpoint", "create", container.name)
    container.stop()
    assert [row["trigger"] for row in product.checkpoints()] == ["stop", "request"]
    assert_resumes(container)


def test_stops_free_what_they_supersede(container, product):
    container.run_workload("counter.py", "--mb", 20)
    for _ in range(4):
        container.stop()
        assert_resumes(container)
    # Two are kept, and what the others alone needed goes when the sessions have ended.
    wait_for(lambda: use(product)["checkpoints"] == 2, 60, "older checkpoints to go")
    product.reprise("store", "gc")
    assert use(product)["stored_bytes"] < 2 * (20 << 20)
    assert_memory_is_whole(container)


def test_what_a_container_writes_again_and_again_is_freed_by_itself(container, product):
    """Each time some of its memory stays for good, in a pack of which nothing else is needed any more."""
    container.run_workload("counter.py", "--mb", 160)
    for stays in range(10, 80, 10):  # writes 160 MB, then 150 and so on to 90: 1000 in all
        container.stop()
        assert_resumes(container)
        container.ask("renew", stays)
        container.wait_for_line("RENEWED", count=stays // 10)
    container.stop()
    # Two checkpoints of 160 MB are there, which have a part in common.
    wait_for(lambda: use(product)["stored_bytes"] < 450 << 20, 60, "space to become free by itself")
    assert product.json("store", "verify")["damages"] == []
    assert_resumes(container)
    assert_memory_is_whole(container)
    assert_nothing_left(container)


def test_pins_and_policies_say_what_is_kept(container, product):
    container.run_workload("counter.py", "--mb", 20)
    for _ in range(3):
        container.stop()
        assert_resumes(container)
        product.reprise("checkpoint", "pin", product.checkpoints()[0]["id"])
    assert [row["pinned"] for row in product.checkpoints()] == [True] * 3
    assert product.json("store", "prune", "--keep-last", 0)["removed"] == []
    newest, middle, oldest = (row["id"] for row in product.checkpoints())
    product.reprise("checkpoint", "unpin", newest, oldest)
    would = product.reprise("store", "prune", "--dry-run", "--json", "--max-size", "1 MB",
                            "--keep-last", 9, check=False)
    assert would.returncode == 1 and "all that is left is needed" in would.stderr
    removed = json.loads(would.stdout)["removed"]
    assert [(row["id"], row["why"]) for row in removed] == [(oldest, "too-large")]
    product.reprise("store", "prune", "--keep-last", 0)
    assert [row["id"] for row in product.checkpoints()] == [middle]
    # What only others needed goes, also from packs that this one needs a part of.
    before = use(product)["stored_bytes"]
    product.reprise("store", "gc")
    assert use(product)["stored_bytes"] <= before
    assert product.json("store", "verify")["damages"] == []
    container.stop()
    assert_resumes(container)
    assert_memory_is_whole(container)
    _, mend = product.damage()
    damaged = product.reprise("store", "verify", check=False)
    assert damaged.returncode == 8 and f"{middle}: pack '" in damaged.stderr
    mend()
    product.reprise("store", "verify")


def test_index_and_catalog_are_made_anew(container, product):
    container.run_workload("counter.py", "--mb", 10)
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    for file in (*product.store.glob("index.db*"), *product.store.glob("catalog.db*")):
        file.unlink()
    repaired = product.reprise("store", "repair").stdout
    assert "index made anew" in repaired and f"{checkpoint}: back in the catalog" in repaired
    assert [row["id"] for row in product.checkpoints()] == [checkpoint]
    before = use(product)["stored_bytes"]
    product.reprise("checkpoint", "create", container.name)
    assert use(product)["stored_bytes"] < 1.2 * before, "the pages were not found again"
    container.stop()
    assert_what_waits_is_told(container, checkpoint)
    assert_resumes(container)


def assert_what_waits_is_told(container, other):
    """A row that cannot be read keeps nothing else from being listed, and is mended; what a session
    put aside is told until it is gone."""
    product = container.product
    newest = product.checkpoints()[0]["id"]
    with contextlib.closing(sqlite3.connect(product.store / "catalog.db")) as db, db:
        db.execute("UPDATE checkpoints SET key = 'a b' WHERE id = ?", (newest,))
    listed = product.reprise("checkpoint", "ls")
    assert other in listed.stdout and newest not in listed.stdout
    assert "'a b'" in listed.stderr and "reprise store repair" in listed.stderr
    aside = product.run_dir / "set-aside"
    aside.mkdir()
    (aside / "sess00000001.undo.json").write_text("{}")
    for command in (("ps",), ("store", "stat"), ("doctor",)):
        told = product.reprise(*command, check=False)
        assert str(aside / "sess00000001.undo.json") in told.stdout + told.stderr, command
    shutil.rmtree(aside)
    repaired = product.reprise("store", "repair")
    assert f"{newest}: its row in the catalog made anew" in repaired.stdout
    silent = product.reprise("ps")
    assert "note: " not in silent.stderr
    assert product.checkpoints()[0]["id"] == newest


def test_key_is_rotated_while_a_container_is_stopped(container, product):
    container.run_workload("counter.py", "--mb", 10)
    container.stop()
    key = product.store / "store.key"
    before = key.read_bytes()
    product.reprise("store", "rotate-key")
    assert key.read_bytes() != before and not key.with_suffix(".key.new").exists()
    product.reprise("checkpoint", "verify", "--all")
    # Elsewhere: then the old one opens nothing any more.
    new = product.store / "new.key"
    assert str(new) in product.reprise("store", "rotate-key", new).stdout
    refused = product.reprise("checkpoint", "verify", "--all", check=False)
    assert refused.returncode != 0 and str(product.store / "keys") in refused.stderr
    assert "hint: " in refused.stderr
    key.unlink()
    new.rename(key)
    product.reprise("checkpoint", "verify", "--all")
    assert_resumes(container)
    assert_unbroken(container.lines())


def test_without_the_key_the_container_runs_on(container, product):
    container.run_workload("counter.py")
    product.reprise("checkpoint", "create", container.name)
    key = product.store / "store.key"
    kept = key.read_bytes()
    key.write_text("0" * 64, encoding="ascii")
    container.kill_through_runtime()
    container.wait_for_line("GOTTERM")
    assert_moves_on(container)
    assert_unbroken(container.lines())
    refused = product.reprise("checkpoint", "create", container.name, check=False)
    assert refused.returncode != 0 and "key" in refused.stderr
    key.write_bytes(kept)
    container.stop()
    assert_resumes(container)
