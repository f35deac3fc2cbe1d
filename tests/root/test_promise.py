# SPDX-License-Identifier: Apache-2.0
"""The promise: whatever fails before the seal, the container runs on as if nothing had happened.

The workload counts in a chain that a lost, repeated or wrongly remembered step would break, and
says GOTTERM for the signal that must reach it when there is no checkpoint.
"""
import os
import shlex
import shutil
import signal

import pytest
from harness.counting import (assert_memory_is_whole, assert_moves_on, assert_resumes,
                              assert_unbroken)
from harness.leftovers import assert_nothing_left, our_processes, spools
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

# Each step before the seal, and of the rollback itself. Where both actions take the same way through
# the code, one of them is enough.
BEFORE_THE_SEAL = (
    "session-begin:fail", "session-begin:kill", "before-dump:kill",
    "dump-begun:fail", "dump-begun:kill",  # CRIU works, and must not be left holding the tasks
    "post-dump:fail", "post-dump:kill", "files-copied:kill", "before-seal:fail",
    "seal-digested:kill", "seal-synced:fail", "seal-manifest:kill",
    "seal-renamed:fail",  # visible in the store already: taken back
    "post-dump:fail,rollback:kill",
    "post-dump:fail,signal-delivered:kill",  # not a second time by the guard
)
AFTER_THE_SEAL = ("seal-renamed:kill", "after-seal:fail", "after-seal:kill", "dump-ended:kill",
                  "before-finish:kill")


def assert_promise_kept(container):
    """Runs on, got the signal once, and there is neither a checkpoint nor anything else."""
    product = container.product
    container.wait_for_line("GOTTERM")
    assert_nothing_left(container)
    assert container.is_alive()
    assert_moves_on(container)
    assert_unbroken(container.lines())
    assert container.lines().count("GOTTERM") == 1
    assert container.exec("echo", "usable").strip() == "usable"
    assert container.state()["Status"] == "running"
    assert product.checkpoints() == []
    sealed = product.store / "checkpoints"
    assert not sealed.exists() or not list(sealed.iterdir())


def assert_next_stop_works(container):
    """The same container, without the fault: checkpointed, resumed, and never asked again."""
    container.product.write_runtime()
    container.stop()
    assert len(container.product.checkpoints()) == 1
    assert_nothing_left(container)
    assert_resumes(container)
    assert container.lines().count("GOTTERM") == 1


def assert_failure_is_told(container, *words):
    """By `reprise logs`: the session failed, and why."""
    sessions = sorted((container.product.store / "sessions").iterdir())
    told = [container.product.json("logs", session.name)["session"] for session in sessions]
    failed = [session for session in told if session["status"] == "failed"]
    assert failed, told
    for word in words:
        assert any(word in session["reason"] for session in failed), failed


# --- the session fails or is killed at each of its steps


@pytest.mark.parametrize("fault", BEFORE_THE_SEAL)
def test_session_ends_early(container, product, fault):
    container.run_workload("counter.py", "--mb", 10, "--loopback")
    product.write_runtime(fault=fault)
    container.kill_through_runtime()
    assert_promise_kept(container)
    point, _, action = fault.rpartition(",")[2].partition(":")
    assert_failure_is_told(container, point if action == "fail" else "killed")
    assert_next_stop_works(container)


@pytest.mark.parametrize("fault", ["session-begin:fail", "post-dump:kill", "before-seal:fail"])
def test_stop_ends_as_the_application_wants(container, product, fault):
    container.run_workload("counter.py", "--on-term", "5")
    product.write_runtime(fault=fault)
    container.stop(timeout=60)
    state = container.state()
    assert state["Status"] == "exited" and state["ExitCode"] == 5
    assert container.lines()[-1] == "GOTTERM"
    assert product.checkpoints() == []
    assert_nothing_left(container)
    assert_unbroken(container.lines())
    product.write_runtime()
    container.start()
    container.wait_for_line("READY", count=2)  # there was nothing to continue from


@pytest.mark.parametrize("fault", AFTER_THE_SEAL)
def test_sealed_is_sealed(container, product, fault):
    """From the seal on the checkpoint is the truth: the container ends, and is never asked."""
    container.run_workload("counter.py", "--mb", 10)
    product.write_runtime(fault=fault)
    container.kill_through_runtime()
    container.wait_until_stopped()
    assert_nothing_left(container)
    product.write_runtime()
    [row] = product.checkpoints()
    assert row["pending"]
    assert_resumes(container)
    assert "GOTTERM" not in container.lines()
    assert_memory_is_whole(container)


def dump_process(product, name):
    """The pid of runc, or of CRIU, at a dump."""
    def find():
        return next((pid for pid, comm, words in our_processes(product)
                     if comm.startswith(name) and {"checkpoint", "swrk"} & set(words)), None)
    return wait_for(find, 60, f"{name} to dump")


def session_processes(product):
    """The session, which runs CRIU, before its guard."""
    found = our_processes(product)
    return [pid for wanted in ("reprise-worker", "reprise-guard") for pid, comm, words in found
            if comm == wanted and "post-dump" not in words]


@pytest.mark.parametrize("victims", [1, 2], ids=["session", "session-and-guard"])
def test_killed_in_the_middle_of_a_dump(container, product, victims):
    """Not at a point of our choosing: while CRIU writes half a gigabyte."""
    container.run_workload("counter.py", "--mb", 500)
    container.kill_through_runtime()
    dump_process(product, "criu")
    wait_for(lambda: staging_size(product) > 50 << 20, 60, "CRIU to write")
    pids = session_processes(product)
    assert len(pids) == 2
    for pid in pids[:victims]:
        os.kill(pid, signal.SIGKILL)
    if victims == 2:
        wait_for(lambda: not session_processes(product), 60, "those that were killed to be gone")
        assert_moves_on(container)  # CRIU lets it go when nobody answers
        product.reprise("ps")
    assert_promise_kept(container)
    assert_memory_is_whole(container)
    assert_next_stop_works(container)


def staging_size(product):
    """Bytes written, by whoever; files vanish while one looks."""
    total = 0
    for place in (product.store / "staging", *spools(product)):
        for directory, _, files in os.walk(place):
            for name in files:
                try:
                    total += os.stat(os.path.join(directory, name)).st_size
                except FileNotFoundError:
                    pass
    return total


def test_checkpoint_on_request_fails_and_nothing_is_delivered(container, product):
    """Without a stop there is no signal to deliver: the application never hears of it."""
    container.run_workload("counter.py", "--mb", 10)
    os.environ["REPRISE_FAULT"] = "before-seal:fail"
    try:
        failed = product.reprise("checkpoint", "create", container.name, check=False)
    finally:
        del os.environ["REPRISE_FAULT"]
    assert failed.returncode != 0 and "before-seal" in failed.stderr
    assert_nothing_left(container)
    assert_moves_on(container)
    assert_unbroken(container.lines())
    assert "GOTTERM" not in container.lines()
    assert product.checkpoints() == []


# --- CRIU is missing or fails


def without_criu():
    """Shell lines that hide CRIU from a call that kills, in a mount namespace of its own."""
    criu = shlex.quote(os.path.realpath(shutil.which("criu")))
    hidden = f"mount --make-rprivate / && mount --bind /dev/null {criu} && exec"
    return ['case " $* " in *" kill "*) [ -n "$HIDDEN" ] || '
            f"HIDDEN=1 exec unshare --mount sh -c '{hidden} \"$0\" \"$@\"' \"$0\" \"$@\" ;; esac"]


def test_criu_is_missing(container, product):
    container.run_workload("counter.py", "--mb", 10)
    product.write_runtime(before=without_criu())
    container.kill_through_runtime()
    assert_promise_kept(container)
    assert_failure_is_told(container, "criu")
    assert_next_stop_works(container)


@pytest.mark.requires("io_uring")
@pytest.mark.parametrize("kind, told", [("io_uring", "is an io_uring"),
                                        ("userfaultfd", "is a userfaultfd"),
                                        ("corked", "a program is putting together a datagram")])
def test_something_cannot_be_saved(container, kind, told):
    """Found before anything is touched, if it can be seen from outside; else CRIU finds it."""
    container.run_workload("counter.py", "--mb", 10, "--hold", kind,
                           options=("--security-opt", "seccomp=unconfined",
                                    "--annotation", "reprise.dev/io-uring=allow"))
    container.kill_through_runtime()
    assert_promise_kept(container)
    assert_failure_is_told(container, told)
    [session] = (container.product.store / "sessions").iterdir()
    assert (session / "runc.log").exists() == (kind == "corked")
    container.ask("release")
    container.wait_for_line("RELEASED")
    assert_next_stop_works(container)
