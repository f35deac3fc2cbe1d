# SPDX-License-Identifier: Apache-2.0
"""Directories whose paths are longer than the kernel takes: programs get there step by step."""
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
