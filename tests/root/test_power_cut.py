# SPDX-License-Identifier: Apache-2.0
"""The host loses power in the middle of a seal: there is no checkpoint, or a whole one.

What had not reached the disk is lost: the copy of the disk is taken from behind a loop device with
direct I/O, while the session stands still at one of its steps, and nobody has asked for a sync.
"""
import os
import shlex
import signal
import subprocess

import pytest
from harness import host
from harness.counting import assert_moves_on, assert_resumes, assert_unbroken
from harness.leftovers import assert_nothing_left, stopped_session
from harness.product import Product
from harness.small_disk import SmallDisk

pytestmark = pytest.mark.requires("root", "criu", "podman", "loop")

SIZE, MEMORY = 256, 60  # megabytes


@pytest.fixture
def disk(product):
    small = SmallDisk(SIZE)
    product.store = small.path / "store"
    product.write_runtime()
    yield small
    small.close()


@pytest.fixture
def after_boot():
    """The product on what is left of the disk."""
    opened = []

    def open_it(disk):
        left = disk.after_power_cut()
        opened.append(left)
        product = Product(store=left.path / "store")
        opened.append(product)
        # The first command after the boot, when runc knows of no container.
        first = shlex.join([f"{host.BIN_DIR}/reprise", "checkpoint", "ls"])
        settled = subprocess.run(
            ["unshare", "--mount", "sh", "-c", f"mount -t tmpfs tmpfs /run/runc && exec {first}"],
            env=product.environment(), capture_output=True, text=True, timeout=60, check=False)
        assert settled.returncode == 0 and not settled.stderr, settled
        return product
    yield open_it
    for one in reversed(opened):
        one.close()


# Before the rename nothing may be seen; from there on, what is seen is whole. CRIU ends the tasks
# only after the last of these steps.
@pytest.mark.parametrize("point, visible", [
    ("seal-digested", False), ("seal-synced", False), ("seal-manifest", False),
    ("seal-renamed", True), ("after-seal", True)])
def test_power_cut(disk, product, new_container, after_boot, point, visible):
    container = new_container()
    container.run_workload("counter.py", "--mb", MEMORY)
    product.write_runtime(fault=f"{point}:stop")
    container.kill_through_runtime()
    session = stopped_session(product)
    booted = after_boot(disk)
    os.kill(session, signal.SIGCONT)

    seen = booted.checkpoints()
    assert bool(seen) == visible, seen
    for checkpoint in seen:
        assert checkpoint["pending"], "it is what the container continues from"
        booted.reprise("checkpoint", "verify", checkpoint["id"])
    sealed = booted.store / "checkpoints"
    assert len(list(sealed.iterdir())) == len(seen)
    assert "running" not in booted.reprise("logs", product_session(product)).stdout

    # The same session, undisturbed, goes on to its end.
    container.wait_until_stopped()
    assert_nothing_left(container)
    product.write_runtime()
    assert_resumes(container)
    assert_moves_on(container)
    assert_unbroken(container.lines())


def product_session(product):
    [session] = (product.store / "sessions").iterdir()
    return session.name
