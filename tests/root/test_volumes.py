# SPDX-License-Identifier: Apache-2.0
"""Volumes whose contents belong to the checkpoint (reprise.dev/volumes=include)."""
import os
import pathlib
import stat

import pytest
from harness.container import podman, unique_name
from harness.leftovers import assert_nothing_left
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

INCLUDE = ("--annotation", "reprise.dev/volumes=include")
BUSY = 5  # exit status: ErrorCode::kBusy


@pytest.fixture
def volume():
    name = unique_name()
    yield name
    for each in podman("volume", "ls", "-q").stdout.split():
        if each.endswith(name):
            podman("volume", "rm", "-f", each, check=False)


def directory_of(container, destination):
    [mount] = [mount for mount in container.inspect()["Mounts"]
               if mount["Destination"] == destination]
    assert mount["Type"] == "volume"
    return pathlib.Path(mount["Source"])


def count(container, number):
    before = len([line for line in container.lines() if line.startswith("NEXT")])
    container.ask("next")
    assert container.wait_for_line("NEXT", count=before + 1) == f"NEXT {number}"


def run(container, volume, *more):
    """Counts on a named and on an anonymous volume; the first begins with files of the image."""
    container.run_workload("volumes.py", "/etc/skel", "/anonymous",
                           options=(*INCLUDE, "-v", f"{volume}:/etc/skel", "-v", "/anonymous",
                                    *more))
    count(container, 0)
    count(container, 1)


def numbers(directory):
    return (directory / "kept").read_text("ascii").split()


def test_a_clone_has_volumes_of_its_own(container, new_container, product, volume):
    run(container, volume)
    original = directory_of(container, "/etc/skel")
    os.mkfifo(original / "fifo")
    os.chmod(original, 0o2770)
    os.chown(original, 1234, 2345)
    (original / ".bashrc").unlink()
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    count(container, 2)
    clone = new_container(f"{container.name}-2")
    product.reprise("restore", checkpoint, "--name", clone.name)
    clone.refresh()
    own = directory_of(clone, "/etc/skel")
    assert own != original and directory_of(clone, "/anonymous") != \
        directory_of(container, "/anonymous")
    assert directory_of(clone, "/etc/skel").parent.name == f"{clone.name}-{volume}"
    # As it was when the checkpoint was taken, whatever Podman puts into a new volume.
    assert numbers(own) == ["0", "1"] and numbers(original) == ["0", "1", "2"]
    assert stat.S_ISFIFO((own / "fifo").stat().st_mode) and not (own / ".bashrc").exists()
    status = own.stat()
    assert (oct(status.st_mode), status.st_uid, status.st_gid) == ("0o42770", 1234, 2345)
    # Both go on, each on its own.
    count(clone, 2)
    count(clone, 3)
    count(container, 3)
    assert numbers(original) == numbers(own) == ["0", "1", "2", "3"]
    # A clone of the clone, after a stop that left its volumes as they were.
    clone.stop()
    clone.start()
    count(clone, 4)
    assert numbers(own)[-1] == "4" and directory_of(clone, "/etc/skel") == own
    assert [path.name for path in own.parent.iterdir()] == ["_data"]
    # A volume of that name that holds something else is not overwritten.
    clone.remove()
    refused = product.reprise("restore", checkpoint, "--name", clone.name, check=False)
    assert refused.returncode == BUSY and f"{clone.name}-{volume}" in refused.stderr
    assert "--volumes overwrite" in refused.stderr and not clone.exists()
    assert numbers(own)[-1] == "4"
    product.reprise("restore", checkpoint, "--name", clone.name, "--volumes", "overwrite")
    clone.refresh()
    assert numbers(own) == ["0", "1"]
    count(clone, 2)
    assert_nothing_left(clone)


def test_volumes_come_back_with_a_removed_container(container, product, volume):
    run(container, volume, "--rm")
    anonymous = directory_of(container, "/anonymous")
    product.reprise("stop", container.name)
    wait_for(lambda: not container.exists() and not anonymous.exists(), 30, "--rm to remove it")
    named = pathlib.Path(podman("volume", "inspect", "-f", "{{.Mountpoint}}",
                                volume).stdout.strip())
    # What the volume holds is what it held at the stop: nothing stands in the way.
    inode = (named / "kept").stat().st_ino
    product.reprise("restore", container.name)
    container.refresh()
    count(container, 2)
    assert (named / "kept").stat().st_ino == inode
    assert numbers(directory_of(container, "/anonymous")) == ["0", "1", "2"]
    product.reprise("stop", container.name)
    wait_for(lambda: not container.exists(), 30, "--rm to remove it")
    podman("volume", "rm", volume)
    product.reprise("restore", container.name)
    container.refresh()
    count(container, 3)
    assert numbers(named) == ["0", "1", "2", "3"]
    assert_nothing_left(container)


def test_a_restore_that_fails_leaves_volumes_as_they_were(container, product, volume):
    run(container, volume)
    named = directory_of(container, "/etc/skel")
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    container.remove()
    (named / "kept").write_text("precious\n", "ascii")
    volumes = podman("volume", "ls", "-q").stdout
    for fault in ("before-restore:fail", "before-restore:kill", "post-restore:fail"):
        product.write_runtime(fault=fault)
        failed = product.reprise("restore", checkpoint, "--volumes", "overwrite", check=False)
        assert failed.returncode != 0, fault
        assert not container.exists()
        assert (named / "kept").read_text("ascii") == "precious\n", fault
        assert [path.name for path in named.parent.iterdir()] == ["_data"]
        assert podman("volume", "ls", "-q").stdout == volumes, "a new volume stayed behind"
    product.write_runtime()
    # Kept as it is, by wish: CRIU finds the open file shorter than it was, and refuses.
    kept = product.reprise("restore", checkpoint, "--volumes", "keep", check=False)
    assert kept.returncode != 0 and (named / "kept").read_text("ascii") == "precious\n"
    product.reprise("restore", checkpoint, "--volumes", "overwrite")
    container.refresh()
    count(container, 2)
    assert_nothing_left(container)


def test_nobody_is_left_to_put_volumes_back(container, product, volume):
    """Each attempt and whoever was to undo it were killed; the claim was given back meanwhile. Each
    was taken for a restore that had succeeded, and what the volume had held stayed aside."""
    run(container, volume)
    named = directory_of(container, "/etc/skel")
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    container.remove()
    (named / "kept").write_text("precious\n", "ascii")
    product.write_runtime(fault="restore-network:kill,settle-begin:kill")
    for _ in range(2):
        failed = product.reprise("restore", checkpoint, "--volumes", "overwrite", check=False)
        assert failed.returncode != 0
    product.write_runtime()
    product.reprise("ps")
    assert (named / "kept").read_text("ascii") == "precious\n"
    assert [path.name for path in named.parent.iterdir()] == ["_data"]
    assert "restored" not in product.events(container.name)
    restored = [row["status"] for row in product.json("logs")["sessions"] if row["kind"] == "restore"]
    assert restored and set(restored) == {"failed"}, restored
    product.reprise("restore", checkpoint, "--volumes", "overwrite")
    container.refresh()
    count(container, 2)
    assert_nothing_left(container)


def test_without_the_annotation_volumes_stay_where_they_are(container, new_container, product,
                                                            volume):
    container.run_workload("volumes.py", "/data", options=("-v", f"{volume}:/data"))
    count(container, 0)
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    assert not [name for name in product.files_of(checkpoint) if "volume" in name]
    clone = new_container(unique_name())
    refused = product.reprise("restore", checkpoint, "--name", clone.name, check=False)
    assert refused.returncode == BUSY and volume in refused.stderr, "two would write to one volume"
    product.reprise("restore", checkpoint, "--name", clone.name, "--volumes", "keep")
    assert directory_of(clone, "/data") == directory_of(container, "/data")
