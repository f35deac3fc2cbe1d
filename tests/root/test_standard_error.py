# SPDX-License-Identifier: Apache-2.0
"""Standard error of a container is its program's: before, after and beside a restore."""
import pytest
from harness.counting import steps
from harness.journey import stop_and_start
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

WRITES = "echo READY; while :; do echo out; echo err >&2; sleep 0.1; done"


def written(container, stream):
    with open(container.log_path, encoding="utf-8") as log:
        return [line.split(" ", 3)[3].rstrip() for line in log if line.split(" ", 2)[1] == stream]


def test_it_goes_on_where_it_was(container):
    """runc, which starts CRIU, has another one, and CRIU gives the program its own."""
    container.run("sh", "-c", WRITES)
    for _ in range(2):
        stop_and_start(container)
        for stream in ("stdout", "stderr"):
            before = len(written(container, stream))
            wait_for(lambda b=before, s=stream: len(written(container, s)) > b + 2, 60, stream)
    assert set(written(container, "stderr")) == {"err"}


def test_what_runc_says_of_a_failure_is_in_no_container_s_log(container, product):
    container.run_workload("counter.py", "--mb", 1, options=(
        "--annotation", "reprise.dev/on-restore-failure=cold"))
    container.stop()
    product.write_runtime(fault="post-restore:fail")
    container.start()
    wait_for(lambda: len(steps(container.lines())) and container.has_said("READY"), 60, "it to begin anew")
    assert product.events(container.name)[-1] == "started"
    assert {line.split()[0] for line in container.lines()} <= {"READY", "STEP"}, container.lines()
    [failed, *_] = [life["session"] for life in product.lives(container.name)
                    if life["event"] == "restore-failed"]
    assert "runc" in product.reprise("logs", failed).stdout
