# SPDX-License-Identifier: Apache-2.0
"""No container stands still beyond its limit, whoever hangs: CRIU, runc or the session."""
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import time

import pytest
from harness.counting import (assert_memory_is_whole, assert_moves_on, assert_resumes,
                              longest_gap_ms)
from harness.leftovers import assert_nothing_left
from test_promise import (assert_failure_is_told, assert_next_stop_works, assert_promise_kept,
                          dump_process)

pytestmark = pytest.mark.requires("root", "criu", "podman")

LIMIT = 4  # seconds
LIMITED = ("--annotation", f"reprise.dev/freeze-limit={LIMIT}")
SLACK = 20  # seconds: the machine may be busy; who hangs here hangs for ever


def assert_stood_still_no_longer(container):
    assert longest_gap_ms(container.lines()) <= (LIMIT + SLACK) * 1000


@pytest.mark.parametrize("name", ["criu", "runc"])
def test_dump_hangs(container, product, name):
    container.run_workload("counter.py", "--mb", 300, options=LIMITED)
    container.kill_through_runtime()
    os.kill(dump_process(product, name), signal.SIGSTOP)
    assert_promise_kept(container)
    assert_stood_still_no_longer(container)
    assert_failure_is_told(container, "stood still")
    assert_memory_is_whole(container)
    assert_next_stop_works(container)


@pytest.mark.parametrize("point", ["post-dump", "seal-synced"])
def test_session_hangs(container, product, point):
    container.run_workload("counter.py", "--mb", 10, options=LIMITED)
    product.write_runtime(fault=f"{point}:stop")
    container.kill_through_runtime()
    assert_promise_kept(container)
    assert_stood_still_no_longer(container)
    assert_failure_is_told(container, "stood still")
    assert_next_stop_works(container)


def test_session_hangs_after_its_seal(container, product):
    container.run_workload("counter.py", "--mb", 10, options=LIMITED)
    product.write_runtime(fault="after-seal:stop")
    container.kill_through_runtime()
    container.wait_until_stopped()
    assert_nothing_left(container)
    product.write_runtime()
    assert_resumes(container)
    assert "GOTTERM" not in container.lines()


def test_kill_is_held_for_no_longer(container, product):
    """`podman stop` whose time runs out sends SIGKILL, which waits for the session, but not for ever."""
    container.run_workload("counter.py", options=LIMITED)
    product.write_runtime(fault="post-dump:stop")
    begin = time.monotonic()
    container.stop(timeout=1)
    assert time.monotonic() - begin < 100  # Podman itself gives up after 120
    assert container.state()["Status"] == "exited"
    assert_nothing_left(container)
    assert product.checkpoints() == []
    product.write_runtime()
    container.start()
    container.wait_for_line("READY", count=2)
    assert_moves_on(container)


@pytest.mark.requires("compiler")
def test_criu_dies_and_leaves_a_child_stopped(container, product):
    """While it learns what the kernel can, CRIU has a child that stops itself. Where it was killed then,
    the child kept runc's socket open, and runc waited for as long as the session may."""
    container.run_workload("counter.py", "--mb", 10)
    library = product.base / "kill.so"
    source = pathlib.Path(__file__).parent / "harness/kill_beside_helper.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True, timeout=60)
    bin_dir = product.base / "bin"
    bin_dir.mkdir()
    killed = product.base / "killed"
    criu = bin_dir / "criu"
    # What it has learned it would remember in that file.
    criu.write_text(f"""#!/bin/sh
if [ "$1" = swrk ]; then rm -f /run/criu.kdat; echo >>{killed}; export LD_PRELOAD="$LD_PRELOAD:{library}"; fi
exec {shlex.quote(shutil.which("criu"))} "$@"
""", encoding="ascii")
    criu.chmod(0o755)
    product.write_runtime(before=[f"export PATH={bin_dir}:$PATH"])
    container.kill_through_runtime()
    assert_promise_kept(container)
    assert killed.read_text()
    assert_failure_is_told(container, "runc checkpoint ended")
    assert_next_stop_works(container)
