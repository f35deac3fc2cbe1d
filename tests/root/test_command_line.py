# SPDX-License-Identifier: Apache-2.0
"""The everyday commands on a real container: run, ps, stop, start, lives, logs, doctor."""
import json
import time

import pytest
from harness import host
from harness.counting import assert_moves_on, assert_unbroken
from harness.leftovers import assert_nothing_left

pytestmark = pytest.mark.requires("root", "criu", "podman")


def row_of(product, container, *options):
    rows = product.json("ps", *options)["containers"]
    return next((row for row in rows if row["name"] == container.name), None)


def test_run_stop_start(container, product):
    ran = product.reprise("run", "--name", container.name, "-v", f"{host.WORKLOADS}:/workloads:ro",
                          host.IMAGE, "python3", "/workloads/counter.py")
    container.refresh()
    assert ran.stdout.strip() == container.id
    container.wait_for_line("READY")
    assert_moves_on(container)
    row = row_of(product, container)
    assert row["state"] == "running" and row["lives"] == 1 and row["last_checkpoint"] is None

    stopped = product.reprise("stop", container.name)
    assert stopped.stdout.startswith(f"{container.name}: checkpointed in ")
    [checkpoint] = product.checkpoints()
    assert checkpoint["id"] in stopped.stdout
    row = row_of(product, container)
    assert row["state"] == "checkpointed" and row["pending"]
    assert row["last_checkpoint"]["id"] == checkpoint["id"]

    started = product.reprise("start", container.name)
    assert f"resumed from checkpoint {checkpoint['id']}" in started.stdout
    container.refresh()
    assert_moves_on(container)
    assert_unbroken(container.lines())
    assert row_of(product, container)["lives"] == 2
    assert_nothing_left(container)


def test_lives_and_logs_tell_what_happened(container, product):
    assert product.json("store", "init") == {"store": str(product.store), "made": True}
    assert not product.json("store", "init")["made"]
    container.run_workload("counter.py", "--mb", 20)
    assert_moves_on(container)
    container.stop()
    container.start()
    assert_moves_on(container)
    lives = product.lives(container.name)
    assert [life["event"] for life in lives] == ["started", "checkpointed", "ended", "restored"]
    checkpointed, restored = lives[1], lives[3]
    assert checkpointed["detail"] == "stop" and checkpointed["freeze_ms"] > 0
    assert checkpointed["bytes"] > 20 << 20
    assert restored["checkpoint"] == checkpointed["checkpoint"] and restored["restore_ms"] > 0
    assert restored["cpu_time_us"] == checkpointed["cpu_time_us"] > 0
    for life in (checkpointed, restored):
        told = product.reprise("logs", life["session"]).stdout
        assert life["session"] in told
        phases = product.json("logs", life["session"])["session"]["phases"]
        assert phases, "no phases were timed"
        assert all(phase in told for phase in phases)


def test_programs_are_told_what_became_of_it(container, product):
    container.run_workload("counter.py", "--mb", 20)
    assert_moves_on(container)
    [stopped] = product.json("stop", container.name)["containers"]
    assert stopped["how"] == "checkpointed" and stopped["name"] == container.name
    checkpoint = stopped["checkpoint"]
    # One figure, wherever it is told.
    [row] = product.checkpoints()
    [life] = [life for life in product.lives(container.name) if life["event"] == "checkpointed"]
    assert 0 < row["freeze_ms"] == life["freeze_ms"] == stopped["freeze_ms"]
    shown = product.json("checkpoint", "show", checkpoint)["checkpoint"]
    assert 20 << 20 < shown["memory_bytes"] < shown["bytes"]
    [verified] = product.json("checkpoint", "verify", checkpoint)["verified"]
    assert verified == {"name": checkpoint, "id": checkpoint, "intact": True, "bytes": row["bytes"]}

    [started] = product.json("start", container.name)["containers"]
    assert started["how"] == "resumed" and started["checkpoint"] == checkpoint
    assert product.json("start", container.name)["containers"][0]["how"] == "ran-already"
    container.refresh()
    assert_moves_on(container)
    [last] = product.json("stop", container.name)["containers"]
    [removed, unknown] = json.loads(product.reprise(
        "checkpoint", "rm", last["checkpoint"], "no-such", "--json", check=False).stdout)["removed"]
    assert removed["id"] == last["checkpoint"] and "no-such" in unknown["error"]
    # Not "it was killed", which all are that were saved.
    [cold] = product.json("start", container.name)["containers"]
    assert cold["how"] == "cold" and last["checkpoint"] in cold["reason"], cold
    assert "was removed" in cold["reason"]
    assert "was removed" in product.lives(container.name)[-1]["detail"]
    assert product.json("store", "repair")["damaged_packs"] == []


def test_start_says_that_it_was_cold(container, product):
    container.run_workload("counter.py", "--on-term", "0", opt_in=False)
    product.reprise("stop", container.name)
    assert "GOTTERM" in container.lines()
    started = product.reprise("start", container.name)
    assert f"{container.name}: started cold" in started.stdout


def test_stop_without_a_session_does_not_wait_for_one(container, product):
    """It waited its 600 s where no session was written down, and refused without a catalog."""
    container.run("sleep", "1000", options=("--stop-timeout", "2"), ready=None)
    product.reprise("checkpoint", "create", container.name)
    key = product.store / "store.key"

    def stop():
        begin = time.monotonic()
        stopped = product.reprise("stop", container.name, check=False)
        assert time.monotonic() - begin < 60
        assert stopped.returncode == 1 and container.state()["Status"] == "exited", stopped
        return stopped.stdout + stopped.stderr

    key.chmod(0o644)  # others may read it: no session can begin
    told = stop()
    key.chmod(0o600)
    assert "stopped without a checkpoint" in told and str(key) in told, told
    assert str(key) in product.reprise("start", container.name).stdout

    product.write_runtime(before=('case "$*" in "kill "*" 15") exit 0;; esac',))
    assert "no session was begun" in stop()
    product.write_runtime()
    product.reprise("start", container.name)

    catalog = product.store / "catalog.db"
    whole = catalog.rename(catalog.with_suffix(".aside"))
    catalog.write_bytes(b"no database" * 1000)
    told = stop()
    whole.rename(catalog)
    assert "not known" in told and "catalog" in told, told


def test_where_there_is_no_store_none_is_made(product):
    """A place whose disk is not mounted would be taken for the store, and its key be made."""
    for words in (("checkpoint", "rm", "x"), ("checkpoint", "verify", "x"), ("store", "verify"),
                  ("store", "repair"), ("store", "rotate-key"), ("store", "gc"), ("lives", "x")):
        refused = product.reprise(*words, check=False)
        assert refused.returncode == 3 and "is its disk mounted?" in refused.stderr, refused
        assert not product.store.exists(), words


def test_what_is_not_there_or_damaged_comes_with_what_to_do(product):
    product.reprise("store", "init")
    for words, remedy in ((("checkpoint", "show", "x"), "reprise checkpoint ls"),
                          (("lives", "rt-no-such"), "reprise ps"), (("logs", "x"), "reprise logs")):
        assert remedy in product.reprise(*words, check=False).stderr, words
    (product.store / "catalog.db").write_bytes(b"no database" * 1000)
    assert "reprise store repair" in product.reprise("checkpoint", "ls", check=False).stderr
    product.reprise("store", "repair")
    assert product.checkpoints() == []


def test_errors_have_their_exit_codes(product):
    unknown = product.reprise("stop", "rt-no-such-container", check=False)
    assert unknown.returncode == 3 and "rt-no-such-container" in unknown.stderr
    usage = product.reprise("stop", check=False)
    assert usage.returncode == 2


def test_doctor_finds_this_host_fit(product):
    told = product.reprise("doctor")
    assert "4.2" in told.stdout  # CRIU's version
