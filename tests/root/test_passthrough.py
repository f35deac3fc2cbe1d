# SPDX-License-Identifier: Apache-2.0
"""Whatever does not concern the runtime wrapper is runc's, byte for byte."""
import re
import shutil
import subprocess

import pytest
from harness import host
from harness.container import podman
from harness.leftovers import assert_nothing_left

pytestmark = pytest.mark.requires("root", "podman")

CALLS = [
    ("--version",), ("-v",), ("--help",), ("help",), (), ("features",), ("--no-such-flag",),
    ("no-such-verb",), ("no-such-verb", "--flag", "x"), ("--log-format",), ("state",),
    ("state", "rt-none"), ("kill",), ("kill", "rt-none"), ("kill", "rt-none", "15"),
    ("kill", "rt-none", "NOSUCH"), ("kill", "--no-such-flag", "rt-none"), ("delete", "rt-none"),
    ("delete", "--force", "rt-none"), ("start", "rt-none"), ("create",), ("create", "--help"),
    ("create", "--bundle", "/nonexistent", "rt-none"), ("checkpoint", "--help"),
    ("restore", "--help"), ("--root", "/dev/null/none", "list"), ("spec", "--no-such-flag"),
    ("--log-format", "json", "state", "rt-none"), ("--log-format", "json", "kill", "rt-none", "9"),
]


def without_times(text):
    return re.sub(r'(time(?:=|":)")[^"]*', r"\1", text)  # logfmt and JSON


def answer_of(program, arguments):
    result = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60,
                            check=False, stdin=subprocess.DEVNULL)
    return result.returncode, without_times(result.stdout), without_times(result.stderr)


@pytest.mark.parametrize("arguments", CALLS, ids=" ".join)
def test_same_answer_as_runc(product, arguments):
    runc = shutil.which("runc")
    product.write_runtime(before=[f"export REPRISE_RUNC={runc}"])  # some messages tell the path
    assert answer_of(product.runtime, arguments) == answer_of(runc, arguments)


def test_container_that_did_not_opt_in_is_stopped_by_the_signal(container, product):
    container.run_workload("counter.py", "--on-term", "9", opt_in=False)
    container.stop()
    assert container.lines()[-1] == "GOTTERM"
    assert container.state()["ExitCode"] == 9
    assert product.checkpoints() == []
    assert_nothing_left(container)
    container.start()
    assert len([line for line in container.lines() if line.startswith("READY")]) >= 1
    container.wait_for_line("READY", count=2)


@pytest.mark.parametrize("mistyped", ["on-stop=chekpoint", "on_stop=checkpoint"])
def test_mistyped_annotation_is_refused_before_anything_runs(container, product, mistyped):
    """At a stop, which nobody would take a checkpoint at, it is too late."""
    ran = podman("--runtime", product.runtime, "run", "-d", "--name", container.name,
                 "--annotation", f"reprise.dev/{mistyped}", host.IMAGE, "sleep", "100", check=False)
    assert ran.returncode != 0 and mistyped.split("=")[0] in ran.stderr
    assert "checkpoint, signal" in ran.stderr, ran.stderr
    assert product.checkpoints() == []
    named = product.reprise("run", "--name", f"{container.name}-2", "--annotation",
                            f"reprise.dev/{mistyped}", host.IMAGE, "sleep", "100", check=False)
    assert named.returncode == 2 and "checkpoint, signal" in named.stderr
    assert podman("container", "exists", f"{container.name}-2", check=False).returncode == 1
