# SPDX-License-Identifier: Apache-2.0
"""Containers that Podman does not know of or does not run as root; a start that is cut off, and a kill."""
import json
import os
import signal
import subprocess

import pytest
from harness import host
from harness.container import podman, unique_name
from harness.counting import assert_moves_on
from harness.leftovers import assert_nothing_left
from harness.product import ANNOTATION
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")


@pytest.fixture
def bundle(product):
    """One that runc could run without Podman: the image's root, read only."""
    place = product.base / "bundle"
    place.mkdir()
    subprocess.run(["runc", "spec"], cwd=place, check=True)
    spec = json.loads((place / "config.json").read_text("utf-8"))
    spec["process"].update(terminal=False, args=["python3", "-c", "import time; time.sleep(1e9)"])
    name, value = ANNOTATION.split("=")
    spec["annotations"] = {name: value}
    image = podman("image", "mount", host.IMAGE).stdout.strip()
    spec["root"] = {"path": image, "readonly": True}
    (place / "config.json").write_text(json.dumps(spec), "utf-8")
    yield place
    podman("image", "unmount", host.IMAGE)


def test_one_that_podman_never_knew(product, bundle):
    name = unique_name()
    try:
        created = subprocess.run([product.runtime, "create", "--bundle", bundle, name], check=False,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, timeout=60)
        assert created.returncode == 0
        assert product.call_runtime("start", name).returncode == 0
        [row] = [row for row in product.json("ps")["containers"] if row["id"] == name]
        assert row["status"] == "unnoticed"
        assert "runs, but Podman does not know it" in product.reprise("doctor", check=False).stdout
        # As they are told to do.
        assert product.call_runtime("kill", name, "TERM").returncode == 0
        wait_for(lambda: len(product.checkpoints()) == 1, 60, "a checkpoint of it")
        wait_for(lambda: product.call_runtime("state", name).returncode != 0, 60, "runc to forget it")
    finally:
        product.call_runtime("delete", "--force", name)


def test_rootless_podman_is_told(product, bundle):
    told = subprocess.run(["unshare", "--user", "--map-root-user", product.runtime, "--root",
                           product.base / "state", "create", "--bundle", bundle, unique_name()],
                          capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    assert "'reprise.dev/on-stop' has no effect without root" in told.stderr, told.stderr


def test_a_start_that_is_interrupted_and_a_kill(container, product):
    container.run_workload("counter.py", "--mb", 30)
    container.stop()
    start = subprocess.Popen([host.BIN_DIR / "reprise", "start", container.name], start_new_session=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=product.environment(),
                             stdin=subprocess.DEVNULL)
    wait_for(lambda: any((product.run_dir / "sessions").iterdir()), 30, "the restore to begin")
    os.killpg(start.pid, signal.SIGINT)  # as a terminal does at ctrl-C
    start.communicate(timeout=60)
    wait_for(lambda: container.state()["Status"] == "running", 60, "Podman to finish what it began")
    container.refresh()
    assert product.events(container.name)[-1] == "restored"
    assert_moves_on(container)
    assert_nothing_left(container)

    podman("kill", container.name)
    container.wait_until_stopped()
    wait_for(lambda: product.events(container.name)[-1] == "ended", 30, "its end to be noted")
    assert "killed (SIGKILL), which leaves no time for a checkpoint" in product.reprise("lives", container.name).stdout
    started = product.reprise("start", container.name)
    assert "killed (SIGKILL)" in started.stdout + started.stderr
    container.refresh()
    assert_moves_on(container)
    container.stop()
    container.start()
    assert product.events(container.name)[-1] == "restored"
    assert_moves_on(container)
