# SPDX-License-Identifier: Apache-2.0
"""Containers that run before their memory is there (reprise.dev/restore=lazy).

The workloads check themselves: a page that is missing, zero or another's breaks a chain or a sum.
The memory that nobody touches comes slowly here, so that there is time to look.
"""
import os
import signal

import pytest
from harness import host
from harness.container import unique_name
from harness.counting import (assert_memory_is_whole, assert_moves_on, assert_resumes,
                              assert_unbroken)
from harness.leftovers import assert_nothing_left, our_processes
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

LAZY = ("--annotation", "reprise.dev/restore=lazy")
MB = 96
FILLED = 120  # seconds


@pytest.fixture
def slowly(product):
    """How fast memory comes that nobody waits for, until the function is called with another rate."""
    def fill(rate):
        file = product.base / "reprise.toml"
        file.write_text(f'[restore]\nfill_rate = "{rate}"\n' if rate else "", encoding="ascii")
        product.write_runtime(before=[f"export REPRISE_CONFIG={file}"])
    fill("1MB")
    return fill


@pytest.fixture
def filling(container, slowly):  # pylint: disable=unused-argument
    """A container that runs again, and misses most of its memory."""
    container.run_workload("counter.py", "--mb", MB, "--loopback", options=LAZY)
    container.stop()
    assert_resumes(container)
    assert state_of(container) == "filling"
    return container


def row_of(container):
    rows = container.product.json("ps")["containers"]
    return next(row for row in rows if row["name"] == container.name)


def state_of(container):
    return row_of(container)["state"]


def crew(container, name):
    """Pids of those that fill it: reprise-pager, or reprise-keeper (two of them)."""
    return [pid for pid, comm, words in our_processes(container.product)
            if comm == name and "page" in words]


def kill_one(container, name):
    """Kills one, and waits until another has its place."""
    before = crew(container, name)
    os.kill(before[0], signal.SIGKILL)
    wait_for(lambda: len(crew(container, name)) == len(before) and
             before[0] not in crew(container, name), FILLED, f"another {name}")


def await_full(container):
    wait_for(lambda: state_of(container) == "running", FILLED, "all memory to be there")
    assert_nothing_left(container)


# --- it runs, and its memory comes


def test_it_runs_while_most_of_its_memory_is_missing(filling):
    row = row_of(filling)
    assert "MiB are missing" in row["note"], row
    assert row["filling"]["missing_bytes"] > MB << 19, row
    newest = filling.product.checkpoints()[0]["id"]
    for told in (filling.product.json("lives", filling.name)["filling"],
                 filling.product.json("checkpoint", "show", newest)["checkpoint"]["filling"]):
        assert [one["container"] for one in told] == [filling.id], told
        assert told[0]["checkpoint"] == newest and told[0]["missing_bytes"] > 0, told
    assert "memory" in filling.product.reprise("doctor", filling.name, check=False).stdout
    assert_memory_is_whole(filling)  # all of it is touched, and comes
    await_full(filling)
    assert_moves_on(filling)
    assert_unbroken(filling.lines())


def test_what_nobody_touches_comes_as_well(container, slowly):
    slowly("")
    container.run_workload("counter.py", "--mb", MB, options=LAZY)
    container.stop()
    assert_resumes(container)
    await_full(container)
    assert_memory_is_whole(container)


def test_threads_that_compute_on_all_of_it(container, slowly):  # pylint: disable=unused-argument
    container.run_workload("pages.py", MB, options=LAZY)
    container.stop()
    container.start()
    rounds = len([line for line in container.lines() if line.startswith("ROUND")])
    wait_for(lambda: len([line for line in container.lines() if line.startswith("ROUND")]) >
             rounds + 3, FILLED, "rounds after the restore")
    for line in container.lines():
        if line.startswith("ROUND"):
            assert " bad=0 " in line, line


def test_what_is_filled_in_counts_in_the_containers_cgroup(filling):
    assert_memory_is_whole(filling)
    for line in open(f"/proc/{filling.pid}/cgroup", encoding="ascii"):
        _, controllers, path = line.strip().split(":", 2)
        if "memory" in controllers.split(","):
            usage = f"/sys/fs/cgroup/memory{path}/memory.usage_in_bytes"
            break
        if controllers == "":
            usage = f"/sys/fs/cgroup{path}/memory.current"
    assert int(open(usage, encoding="ascii").read()) > MB << 20


@pytest.mark.parametrize("fault", ["pager:fail", "pager:kill"])
def test_where_it_fails_all_memory_is_restored_first(container, product, fault):
    """Whoever asks for lazy restores is not to lose one that would succeed otherwise."""
    container.run_workload("counter.py", "--mb", MB, "--loopback", options=LAZY)
    container.stop()
    product.write_runtime(fault=fault)
    assert_resumes(container)
    assert state_of(container) == "running"
    assert "an earlier attempt failed" in product.reprise("logs", container.name).stdout
    assert_memory_is_whole(container)
    assert product.events(container.name).count("restored") == 1
    assert not crew(container, "reprise-keeper")


def test_what_was_imported_comes_lazily_as_well(container, new_container, product, slowly):  # pylint: disable=unused-argument
    """What others had in hands is compared with its container first, which needs no memory."""
    container.run_workload("counter.py", "--mb", MB)
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    product.reprise("checkpoint", "export", checkpoint, product.base / "archive.tar")
    container.remove()
    imported = product.json("checkpoint", "import", product.base / "archive.tar")["checkpoint"]
    clone = new_container(unique_name())
    product.reprise("restore", imported, "--name", clone.name, "--", "--volume",
                    f"{host.WORKLOADS}:/workloads:ro", *LAZY)
    clone.refresh()
    assert state_of(clone) == "filling"
    assert_moves_on(clone)
    assert_memory_is_whole(clone)
    await_full(clone)


# --- checkpoints wait for it


def test_a_stop_in_the_middle_hurries_and_keeps_all_memory(filling):
    filling.stop(timeout=60)
    assert_resumes(filling)
    assert_memory_is_whole(filling)


def test_a_checkpoint_past_us_waits_for_it(container, product, slowly):  # pylint: disable=unused-argument
    """As `podman container checkpoint` has it made; CRIU calls one with holes a success."""
    config = product.base / "criu.conf"
    config.write_text("network-lock nftables\n", encoding="ascii")
    options = (*LAZY, "--annotation", f"org.criu.config={config}")
    container.run_workload("counter.py", "--mb", MB, options=options)
    container.stop()
    assert_resumes(container)
    images = product.base / "images"
    answer = host.run(product.runtime, "checkpoint", "--leave-running", "--image-path", images,
                      "--work-path", product.base, container.id, timeout=60)
    assert answer.returncode == 0, answer.stderr
    assert sum(file.stat().st_size for file in images.glob("pages-*.img")) > MB << 20
    assert state_of(container) == "running"


# --- whoever is killed


@pytest.mark.parametrize("victim", ["reprise-pager", "reprise-keeper"])
def test_one_that_is_killed_is_followed_by_another(filling, victim):
    for _ in range(3):
        kill_one(filling, victim)
        assert_moves_on(filling)
    assert_memory_is_whole(filling)
    await_full(filling)
    assert_unbroken(filling.lines())


def kill_all(container, *names):
    """Kills all of these names. They are stopped first, so that none puts another in a dead one's
    place while the others are found and killed."""
    stopped = []
    while new := [pid for pid, comm, _ in our_processes(container.product)
                  if comm in names and pid not in stopped]:
        for pid in new:
            os.kill(pid, signal.SIGSTOP)
        stopped += new
    for pid in stopped:
        os.kill(pid, signal.SIGKILL)


def assert_ended_with_its_reason(container):
    product = container.product
    wait_for(lambda: product.events(container.name).count("restore-failed") == 1, FILLED,
             "it to be ended")
    assert not container.is_alive()
    lives = product.lives(container.name)
    told = [life["detail"] for life in lives if life["event"] == "restore-failed"]
    assert "memory could be filled in" in told[0], lives
    assert_nothing_left(container)


def test_without_any_of_them_it_is_ended_with_its_reason(filling):
    product = filling.product
    kill_all(filling, "reprise-keeper", "reprise-pager")
    assert_ended_with_its_reason(filling)
    # Its memory is in the checkpoint, as ever.
    product.reprise("restore", filling.name)
    filling.refresh()
    assert_memory_is_whole(filling)


def test_without_their_guard_the_next_command_ends_it(filling):
    kill_all(filling, "reprise-guard", "reprise-keeper", "reprise-pager")
    assert_ended_with_its_reason(filling)  # which asks `reprise lives`


# --- the store


def flip_everywhere(pack):
    """One bit in each quarter of a megabyte; done again, it is as it was."""
    with open(pack, "r+b") as file:
        for at in range(100_000, pack.stat().st_size, 1 << 18):
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1]))


def test_a_damaged_page_is_waited_for(filling):
    """Until somebody mends the store; meanwhile nothing gets other bytes."""
    pack = max(filling.product.store.glob("packs/*.pack"), key=lambda file: file.stat().st_size)
    flip_everywhere(pack)
    filling.ask("verify")
    wait_for(lambda: "pack" in row_of(filling)["note"], FILLED, "the damage to be told")
    assert filling.is_alive()
    assert "MEMORY BAD" not in " ".join(filling.lines())
    flip_everywhere(pack)
    filling.wait_for_line("MEMORY OK")
    await_full(filling)


def test_its_checkpoint_stays_until_all_memory_is_there(filling):
    """Whoever removes what it is filled from, a pager that follows another finds it."""
    product = filling.product
    newest = product.checkpoints()[0]["id"]
    refused = product.reprise("checkpoint", "rm", newest, check=False)
    assert refused.returncode != 0 and "still gets its memory" in refused.stderr, refused.stderr
    assert "filling" in refused.stderr  # what to wait for
    product.reprise("store", "prune", "--keep-last", "0", "--requested")
    product.reprise("store", "gc")
    assert [row["id"] for row in product.checkpoints()] == [newest]
    kill_one(filling, "reprise-pager")
    assert_memory_is_whole(filling)
    await_full(filling)
    product.reprise("checkpoint", "rm", newest)
    assert_unbroken(filling.lines())
