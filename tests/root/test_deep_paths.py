# SPDX-License-Identifier: Apache-2.0
"""Directories whose paths are longer than the kernel takes, where programs get step by step, or
than the address of a socket."""
import pytest
from harness.container import unique_name
from harness.counting import assert_resumes, assert_unbroken

pytestmark = pytest.mark.requires("root", "criu", "podman")

# Two trees of 5000 characters, in the root file system and in a volume.
MAKE = """
import os
for top in "/tmp", "/vol":
    os.chdir(top)
    for _ in range(50):
        os.mkdir("d" * 99)
        os.chdir("d" * 99)
        open("file", "w").write("kept")
"""
READ = """
import os
for top in "/tmp", "/vol":
    os.chdir(top)
    for _ in range(50):
        os.chdir("d" * 99)
        assert open("file").read() == "kept"
print("all there")
"""
LAZY = ("--annotation", "reprise.dev/restore=lazy")
WITH_VOLUME = ("--annotation", "reprise.dev/volumes=include", "-v", "/vol")


def test_they_come_back(container, new_container, product):
    """Each stop ended without a checkpoint: "File name too long"."""
    container.run_workload("counter.py", options=WITH_VOLUME)
    container.exec("python3", "-c", MAKE)
    container.stop()
    assert_resumes(container)
    assert container.exec("python3", "-c", READ) == "all there\n"

    clone = new_container(unique_name())
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    product.reprise("restore", checkpoint, "--name", clone.name)
    clone.refresh()
    assert clone.exec("python3", "-c", READ) == "all there\n"
    assert_unbroken(container.lines())


def test_ours_lie_deep(container, product):
    """Nothing was checkpointed where the store's path had more than 74 bytes, the run directory's more
    than 56: our sockets lay below, and their address has room for 107."""
    product.run_dir.rmdir()
    product.run_dir = product.base / ("r" * 200)
    product.store = product.base / ("s" * 200) / "store"
    product.write_runtime()
    container.run_workload("counter.py", "--mb", 10, options=LAZY)
    container.stop()
    assert [row["pending"] for row in product.checkpoints()] == [True]
    assert_resumes(container)
    assert_unbroken(container.lines())
