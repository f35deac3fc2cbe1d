# SPDX-License-Identifier: Apache-2.0
"""What lies outside of a container, on the host, and changes while it runs or is away."""
import os
import shutil

import pytest
from harness import host
from harness.container import podman
from harness.counting import assert_moves_on, assert_resumes
from harness.leftovers import assert_nothing_left, mounts_below

pytestmark = pytest.mark.requires("root", "criu", "podman")

BUSY, UNSUPPORTED = 5, 6  # exit statuses

LOGGING = """
import sys; sys.path.insert(0, "/workloads")
kept = [open(name, "a") for name in sys.argv[1].split(",")]
sys.argv = ["counter.py"]
exec(open("/workloads/counter.py").read())
"""


@pytest.fixture
def outside(product):
    place = product.base / "outside"
    place.mkdir()
    return place


def test_a_source_that_was_replaced_is_mounted_anew(container, product, outside):
    """As an editor replaces a file, and a deploy a directory; one that is a symbolic link is followed,
    as Podman's own init is one where a distribution has it elsewhere."""
    (outside / "file").write_text("old", "ascii")
    (outside / "directory").mkdir()
    (outside / "current").symlink_to("directory")
    (outside / "init").symlink_to("/bin/true")
    container.run_workload("counter.py", options=(
        "-v", f"{outside}/file:/mnt/file:ro", "-v", f"{outside}/directory:/mnt/directory",
        "-v", f"{outside}/current:/mnt/current", "-v", f"{outside}/init:/mnt/init:ro", "--init"))
    assert_moves_on(container)
    (outside / "new").write_text("new", "ascii")
    (outside / "new").rename(outside / "file")
    shutil.rmtree(outside / "directory")
    told = product.reprise("doctor", container.name)
    assert f"'{outside}/directory'" in told.stdout
    (outside / "directory").mkdir()
    (outside / "directory" / "new").touch()
    for _ in range(2):
        container.stop()
        assert_resumes(container)
        assert container.exec("cat", "/mnt/file") == "new"
        assert container.exec("ls", "/mnt/directory", "/mnt/current").split().count("new") == 2
        assert container.exec("/mnt/init") == ""
        assert_nothing_left(container)


def test_files_that_changed_while_it_was_away(container, product, outside):
    container.run("python3", "-u", "-c", LOGGING, "/log/rotated.log,/log/removed.log",
                  options=("-v", f"{outside}:/log"))
    assert_moves_on(container)
    container.stop()
    # As logrotate does ("create 0640"): it goes on with the new file.
    (outside / "rotated.log").rename(outside / "rotated.log.1")
    descriptor = os.open(outside / "rotated.log", os.O_CREAT | os.O_WRONLY, 0o640)
    os.close(descriptor)
    # A file that is not there cannot be opened: named, with what to do.
    (outside / "removed.log").rename(outside / "removed.log.1")
    refused = podman("start", container.name, check=False)
    assert refused.returncode != 0
    assert f"{outside}/removed.log" in refused.stderr, refused.stderr
    assert "--cold" in refused.stderr and "CRIU" not in refused.stderr, refused.stderr
    (outside / "removed.log.1").rename(outside / "removed.log")
    assert_resumes(container)
    assert_nothing_left(container)


def test_overlays_of_the_engine_come_back(container, product, outside):
    """Podman makes them anew, in another place, at every start (':O', mounted images)."""
    (outside / "below").write_text("below", "ascii")
    container.run_workload("counter.py", options=(
        "-v", f"{outside}:/over:O", "--mount", f"type=image,source={host.IMAGE},destination=/image"))
    container.exec("sh", "-c", "echo written >/over/written; rm /over/below")
    assert_moves_on(container)
    for _ in range(2):
        container.stop()
        assert_resumes(container)
        assert container.exec("sh", "-c", "ls /over; cat /over/written").split() == \
            ["written", "written"]
        assert container.exec("ls", "/image/etc/debian_version").strip()
        assert_nothing_left(container)
        assert not mounts_below(product.run_dir)
    assert [file.name for file in outside.iterdir()] == ["below"]


def test_a_user_namespace_of_its_own_is_refused_by_name(container, product):
    container.run_workload("counter.py", options=(
        "--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"))
    told = product.reprise("doctor", container.name, check=False)
    assert told.returncode != 0 and "user namespace of its own" in told.stdout
    refused = product.reprise("checkpoint", "create", container.name, check=False)
    assert refused.returncode == UNSUPPORTED and "user namespace" in refused.stderr
    assert_moves_on(container)
    assert_nothing_left(container)


def test_an_empty_directory_where_there_were_files(container, outside):
    """As where a disk is not mounted."""
    (outside / "kept").touch()
    container.run_workload("counter.py", options=("-v", f"{outside}:/data"))
    assert_moves_on(container)
    container.stop()
    (outside / "kept").unlink()
    refused = podman("start", container.name, check=False)
    assert refused.returncode != 0 and f"'{outside}'" in refused.stderr, refused.stderr
    assert "is empty" in refused.stderr
    (outside / "kept").touch()
    assert_resumes(container)


def test_files_that_others_write_to_are_not_shared_by_surprise(container, new_container, product,
                                                               outside):
    (outside / "kept").touch()
    container.run_workload("counter.py", options=("-v", f"{outside}:/data"))
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    clone = new_container(f"{container.name}-2")
    refused = product.reprise("restore", checkpoint, "--name", clone.name, check=False)
    assert refused.returncode == BUSY and not clone.exists(), refused.stderr
    assert f"'{outside}'" in refused.stderr and container.name in refused.stderr
    assert "--volumes keep" in refused.stderr
    # Nor does an older memory meet newer files.
    podman("kill", container.name)
    refused = product.reprise("restore", checkpoint, check=False)
    assert refused.returncode == BUSY and f"'{outside}'" in refused.stderr, refused.stderr
    assert container.state()["Status"] == "exited"
    product.reprise("restore", checkpoint, "--volumes", "keep")
    container.refresh()
    assert_moves_on(container)
    assert_nothing_left(container)
