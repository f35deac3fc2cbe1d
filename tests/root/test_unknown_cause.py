# SPDX-License-Identifier: Apache-2.0
"""CRIU fails for a cause of which Reprise has never heard: by a fault of its own making (CRIU_FAULT)."""
import os
import shlex
import shutil

import pytest
from harness.counting import assert_moves_on, assert_unbroken
from harness.journey import stop_and_start
from harness.leftovers import assert_nothing_left

pytestmark = pytest.mark.requires("root", "criu", "podman")

IN_THE_PAGES = 3  # criu/include/fault-injection.h: while it writes a task's memory
RAW = "Dump VMA pages failure"
STARTS = 2  # of CRIU for one dump: runc asks for its features first


@pytest.fixture
def times(product):
    """A file with how many more starts of CRIU have the fault."""
    left = product.base / "faults"
    left.write_text("0\n", encoding="ascii")
    bin_dir = product.base / "bin"
    bin_dir.mkdir()
    criu = bin_dir / "criu"
    criu.write_text(f"""#!/bin/sh
n=$(cat {left})
if [ "$1" = swrk ] && [ "$n" -gt 0 ]; then echo $((n - 1)) >{left}; export CRIU_FAULT={IN_THE_PAGES}; fi
exec {shlex.quote(shutil.which("criu"))} "$@"
""", encoding="ascii")
    criu.chmod(0o755)
    product.write_runtime(before=[f"export PATH={bin_dir}:$PATH"])
    return left


def test_what_no_one_knows_is_tried_again_and_kept_for_later(container, product, times, monkeypatch):
    container.run_workload("counter.py", "--mb", 10)
    # The command line starts the worker itself.
    monkeypatch.setenv("PATH", f"{product.base / 'bin'}:{os.environ['PATH']}")
    times.write_text(f"{9 * STARTS}\n", encoding="ascii")
    failed = product.reprise("checkpoint", "create", container.name, check=False)
    assert failed.returncode != 0
    assert int(times.read_text()) == (9 - 3) * STARTS, "it is tried three times"
    # In our words; where CRIU's are, people can see.
    assert "a cause that Reprise does not know" in failed.stderr and "/dump.log'" in failed.stderr
    assert RAW not in failed.stderr, failed.stderr
    assert RAW in product.reprise("logs", container.name).stdout
    assert_nothing_left(container)
    assert_moves_on(container)
    # What passes in a moment costs no checkpoint.
    times.write_text(f"{2 * STARTS}\n", encoding="ascii")
    stop_and_start(container)
    assert times.read_text() == "0\n"
    [stop] = [life["session"] for life in product.lives(container.name) if life["event"] == "checkpointed"]
    assert product.reprise("logs", stop).stdout.count('"msg":"CRIU gave up"') == 2
    assert_unbroken(container.lines())
    assert_nothing_left(container)
