# SPDX-License-Identifier: Apache-2.0
"""A restore that fails: tried again if the reason may pass; then the container does not start and
says why, or starts cold, as it wishes. Whoever is killed on the way, nothing of it is left.
"""
import os
import pathlib
import shutil
import signal

import pytest
from harness.container import podman
from harness.counting import assert_memory_is_whole, assert_moves_on, assert_resumes, assert_unbroken
from harness.leftovers import assert_nothing_left, mounts_below, our_processes, stopped_session
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

PERMANENT = "restore-prepare:fail"
# Killed each time that it is tried.
PASSING = "before-restore:kill"
MOST_ATTEMPTS = 3
NOT_FOUND, BUSY = 3, 5  # exit statuses
COLD = ("--annotation", "reprise.dev/on-restore-failure=cold")


def run_and_stop(container, *options, mb=10):
    container.run_workload("counter.py", "--mb", mb, options=options)
    assert_moves_on(container)
    container.stop()
    [row] = container.product.checkpoints()
    assert row["pending"]
    return row["id"]


def once(product, *faults):
    """Faults that happen a single time each."""
    told = []
    for number, fault in enumerate(faults):
        token = product.base / f"fault-{number}"
        token.touch()
        told.append(f"{fault}:{token}")
    return ",".join(told)


# runc takes up to 10,000 levels, where nothing that it knows is.
NESTING_HOOK = """import os, sys
file = sys.argv[sys.argv.index("--bundle") + 1] + "/config.json"
text = open(file).read().rstrip()
assert text.endswith("}")
open(file, "w").write(text[:-1] + ', "x": ' + "[" * DEPTH + "]" * DEPTH + "}")
"""


@pytest.mark.parametrize("depth", [200, 9000])
def test_a_configuration_that_is_nested_too_deep_is_no_cold_start(container, product, depth):
    checkpoint = run_and_stop(container)
    hook = product.base / "hook.py"
    hook.write_text(NESTING_HOOK.replace("DEPTH", str(depth)))
    product.write_runtime(before=[f'case " $* " in *" create "*) /usr/bin/python3 {hook} "$@";; esac'])
    told = product.reprise("start", container.name, check=False)
    assert told.returncode != 0 and "config.json' is nested too deep" in told.stderr
    product.write_runtime()
    [row] = product.checkpoints()
    assert row["id"] == checkpoint and row["pending"]
    assert_resumes(container)
    assert_memory_is_whole(container)


def failures(container):
    return container.product.events(container.name).count("restore-failed")


def tasks(container):
    """Of its cgroup, whoever made them."""
    found = []
    for pattern in (f"freezer/*/libpod-{container.id}*", f"*/libpod-{container.id}*"):
        for file in pathlib.Path("/sys/fs/cgroup").glob(f"{pattern}/cgroup.procs"):
            found += file.read_text(encoding="ascii").split()
    return found


def assert_started_cold(container, product):
    container.refresh()
    container.wait_for_line("READY", count=2)
    assert_moves_on(container)
    assert container.exec("echo", "usable").strip() == "usable"
    assert_nothing_left(container)
    product.write_runtime()
    events = product.events(container.name)
    assert events[-2:] == ["restore-failed", "started"], events


@pytest.mark.parametrize("fault, attempts", [(PERMANENT, 1), (PASSING, MOST_ATTEMPTS)])
def test_starts_cold_and_says_so(container, product, fault, attempts):
    checkpoint = run_and_stop(container, *COLD)
    product.write_runtime(fault=fault)
    told = product.reprise("start", container.name)
    assert f"{container.name}: started cold: " in told.stdout
    assert_started_cold(container, product)
    assert failures(container) == attempts
    # The checkpoint is still there for whoever wants it, but nobody continues from it by itself.
    [row] = product.checkpoints()
    assert row["id"] == checkpoint and not row["pending"]


def test_starts_cold_from_a_damaged_checkpoint(container, product):
    checkpoint = run_and_stop(container, *COLD)
    product.damage()
    told = product.reprise("start", container.name)
    assert f"{container.name}: started cold: " in told.stdout and "pages-" in told.stdout
    assert_started_cold(container, product)
    assert failures(container) == 1


@pytest.mark.parametrize("fault", [PERMANENT, PASSING])
def test_does_not_start_and_says_why(container, product, fault):
    checkpoint = run_and_stop(container)
    product.write_runtime(fault=fault)
    refused = podman("start", container.name, check=False)
    assert refused.returncode != 0
    assert checkpoint in refused.stderr, refused.stderr
    assert f"reprise start --cold {container.id[:12]}" in refused.stderr, refused.stderr
    assert container.state()["Status"] != "running"
    assert_nothing_left(container)
    told = product.reprise("start", container.name, check=False)
    assert told.returncode != 0 and checkpoint in told.stderr
    assert f"reprise start --cold {container.name}" in told.stderr, told.stderr
    [row] = product.checkpoints()
    assert row["id"] == checkpoint and row["pending"]
    # Still claimable: the next start, without the fault, resumes.
    product.write_runtime()
    assert_resumes(container)


def test_starts_cold_for_whoever_asks_for_it(container, product):
    checkpoint = run_and_stop(container)
    told = product.reprise("start", "--cold", container.name)
    assert f"{container.name}: started cold: as asked" in told.stdout and checkpoint in told.stdout
    container.refresh()
    container.wait_for_line("READY", count=2)
    assert product.reprise("start", "--cold", container.name, check=False).returncode == BUSY
    [row] = product.checkpoints()
    assert row["id"] == checkpoint and not row["pending"]
    # One that crashed did not end with a checkpoint: said, with the way back to the one there is.
    podman("kill", container.name)
    told = product.reprise("start", container.name)
    assert f"{container.name}: started cold: " in told.stdout and checkpoint in told.stdout
    assert f"reprise restore {checkpoint}" in told.stderr


def test_does_not_start_from_a_damaged_checkpoint_until_it_is_mended(container, product):
    run_and_stop(container)
    _, mend = product.damage()
    refused = podman("start", container.name, check=False)
    assert refused.returncode != 0 and "pages-" in refused.stderr, refused.stderr
    assert container.state()["Status"] != "running"
    mend()
    assert_resumes(container)


# --- the store is not where it was: that is no "there is no checkpoint"


def assert_refused(container, *words):
    refused = podman("start", container.name, check=False)
    assert refused.returncode != 0
    for word in words:
        assert word in refused.stderr, refused.stderr
    assert container.state()["Status"] != "running"


def test_does_not_start_without_its_store(container, product):
    checkpoint = run_and_stop(container)
    assert_nothing_left(container)  # the session writes down how it went after the stop has returned
    aside = product.base / "aside"
    product.store.rename(aside)
    assert_refused(container, checkpoint, str(product.store), "no store")
    told = product.reprise("start", container.name, check=False)
    assert told.returncode != 0 and checkpoint in told.stderr, told.stderr
    # Looking makes no store, and says that there is none.
    for command in (("ps",), ("checkpoint", "ls"), ("doctor",), ("ps", "--json")):
        told = product.reprise(*command, check=False)
        assert told.returncode == 0 and "no store" in told.stdout + told.stderr, told
    for command in (("lives", container.name), ("store", "stat"), ("store", "gc"),
                    ("checkpoint", "show", checkpoint)):
        told = product.reprise(*command, check=False)
        assert told.returncode == NOT_FOUND and "no store" in told.stderr, told
    assert not product.store.exists()
    # An empty place, and another store that was made there.
    product.store.mkdir()
    assert_refused(container, checkpoint, "no store")
    product.reprise("store", "init")
    assert_refused(container, checkpoint, "does not know")
    shutil.rmtree(product.store)
    aside.rename(product.store)
    assert_resumes(container)


def test_a_cold_start_without_the_store_is_for_good(container, product):
    """Or the program would be taken back to what it was before, when the disk is mounted again."""
    checkpoint = run_and_stop(container)
    assert_nothing_left(container)  # the session writes down how it went after the stop has returned
    aside = product.base / "aside"
    product.store.rename(aside)
    told = product.reprise("start", "--cold", container.name)
    assert "started cold: as asked" in told.stdout
    container.refresh()
    container.wait_for_line("READY", count=2)
    assert not product.store.exists()
    podman("kill", container.name)
    aside.rename(product.store)
    told = product.reprise("start", container.name)
    assert "started cold" in told.stdout and f"reprise restore {checkpoint}" in told.stderr
    container.refresh()
    container.wait_for_line("READY", count=3)
    container.stop()
    container.start()
    assert_moves_on(container)
    assert len([line for line in container.lines() if line.startswith("READY")]) == 3


def test_does_not_start_with_a_key_or_a_catalog_that_cannot_be_read(container, product):
    checkpoint = run_and_stop(container)
    key = product.store / "store.key"
    aside = key.rename(product.base / "key")
    assert_refused(container, checkpoint, "key", "--cold")
    aside.rename(key)
    catalog = product.store / "catalog.db"
    kept = {file: file.read_bytes() for file in product.store.glob("catalog.db*")}
    catalog.write_bytes(b"no database at all\n" * 400)
    assert_refused(container, "catalog")
    for file, contents in kept.items():
        file.write_bytes(contents)
    assert_resumes(container)


# --- the worker is killed: the same start tries again, unless the container runs already


@pytest.mark.parametrize("point", ["restore-prepare", "restore-files", "restore-network",
                                   "restore-ready", "post-restore"])
def test_worker_killed_once(container, product, point):
    run_and_stop(container)
    product.write_runtime(fault=once(product, f"{point}:kill"))
    assert_resumes(container)
    assert failures(container) == 1
    assert_nothing_left(container)
    assert_memory_is_whole(container)


def test_worker_and_guard_killed_once(container, product):
    run_and_stop(container)
    product.write_runtime(fault=once(product, "restore-network:kill", "settle-begin:kill"))
    assert_resumes(container)
    assert failures(container) == 1
    assert_nothing_left(container)
    assert not list((product.run_dir / "sessions").iterdir())


@pytest.mark.parametrize("fault", ["restore-told:kill", "restore-told:kill,settle-begin:kill"])
def test_worker_killed_when_the_container_runs(container, product, fault):
    """Nothing of what it stands on may be undone."""
    container.run_workload("counter.py", "--mb", 10, "--loopback")
    container.exec("sh", "-c", "echo kept >/dev/shm/kept")
    container.stop()
    product.write_runtime(fault=fault)
    container.start()
    assert_moves_on(container)
    product.write_runtime()
    if "settle-begin" in fault:
        product.reprise("ps")  # both were killed: whoever comes next settles it
    assert_nothing_left(container)
    assert container.exec("cat", "/dev/shm/kept").strip() == "kept"
    assert_unbroken(container.lines())
    assert product.events(container.name)[-1] == "restored"
    container.stop()
    assert_resumes(container)


# --- the runtime is killed: the next start takes over


def assert_next_start_resumes(container, product):
    assert container.state()["Status"] != "running"
    assert_nothing_left(container)
    assert tasks(container) == []
    product.write_runtime()
    [row] = product.checkpoints()
    assert row["pending"]
    assert_resumes(container)
    assert_memory_is_whole(container)


def test_runtime_killed_with_a_claim(container, product):
    run_and_stop(container)
    product.write_runtime(fault="runtime-claimed:kill")
    assert container.start(check=False).returncode != 0
    assert_next_start_resumes(container, product)


@pytest.mark.parametrize("victims", [("reprise-runtime",),
                                     ("reprise-runtime", "reprise-worker", "reprise-guard")],
                         ids=["runtime", "everybody"])
def test_killed_while_criu_restores(container, product, victims):
    container.run_workload("counter.py", "--mb", 300)
    container.exec("sh", "-c", "echo kept | tee /dev/shm/kept >/etc/kept")
    container.stop()
    start = container.begin("start", container.name)
    wait_for(lambda: any(comm == "criu" for _, comm, _ in our_processes(product)), 30,
             "CRIU to restore")
    for pid, comm, _ in our_processes(product):
        if comm in victims:
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not [1 for _, comm, _ in our_processes(product) if comm in victims], 60,
             "those that were killed to be gone")
    product.reprise("ps")  # until somebody settles it, Podman waits for what the runtime started
    start.communicate(timeout=60)
    assert start.returncode != 0
    assert_next_start_resumes(container, product)
    assert container.exec("cat", "/dev/shm/kept", "/etc/kept").split() == ["kept", "kept"]


def test_runc_killed_while_it_wrote_the_pid_file(container, product):
    """runc makes it under another name first, and refuses to when there is one already."""
    run_and_stop(container)
    pid_file = pathlib.Path(podman("inspect", "--format", "{{.PidFile}}", container.name).stdout.strip())
    (pid_file.parent / f".{pid_file.name}").write_text("")
    assert_resumes(container)
    assert_nothing_left(container)


def test_runtime_killed_when_the_container_runs(container, product):
    """The claim was not consumed: what was restored is nobody's, and must not live twice."""
    run_and_stop(container)
    product.write_runtime(fault="runtime-restored:kill")
    assert container.start(check=False).returncode != 0
    assert container.state()["Status"] != "running"
    assert_nothing_left(container)
    assert tasks(container) == []
    product.write_runtime()
    container.start()
    assert_moves_on(container)
    assert failures(container) == 1


@pytest.mark.parametrize("options, resumes", [(COLD, False), ((), True)], ids=["cold", "fail"])
def test_cut_off_again_and_again(container, product, options, resumes):
    """Bounded where the container may start cold; where it may not, it stays claimable."""
    run_and_stop(container, *options)
    product.write_runtime(fault="runtime-claimed:kill")
    for _ in range(MOST_ATTEMPTS):
        assert container.start(check=False).returncode != 0
    product.write_runtime()
    if resumes:
        return assert_resumes(container)
    told = product.reprise("start", container.name)
    assert "started cold: " in told.stdout
    container.refresh()
    container.wait_for_line("READY", count=2)
    return assert_moves_on(container)


def test_what_criu_mounts_is_seen_by_nobody(container, product):
    """CRIU mounts the host's cgroups for itself. A runc that made or restored another container in
    that moment took them for the host's, and what a killed CRIU had mounted stayed."""
    run_and_stop(container)
    product.write_runtime(fault=once(product, "post-restore:stop"))
    start = container.begin("start", container.name)
    session = stopped_session(product)
    criu = [pid for pid, name, _ in our_processes(product) if name == "criu"]
    seen = mounts_below(product.store, product.run_dir)
    os.kill(session, signal.SIGCONT)
    start.communicate(timeout=60)
    assert criu and not seen
    product.write_runtime()
    assert_resumes(container)
    assert_nothing_left(container)
