# SPDX-License-Identifier: Apache-2.0
"""Checkpoints that go to Podman's archives, and archives that become checkpoints."""
import json

import pytest
from harness import host
from harness.archives import (CONFIG, as_containerd, as_crio, decompress, make_tar, members,
                              plausible, read_tar)
from harness.container import podman, unique_name
from harness.counting import (assert_memory_is_whole, assert_moves_on, assert_unbroken, last_step,
                              seed, steps)
from harness.leftovers import assert_nothing_left

pytestmark = pytest.mark.requires("root", "criu", "podman")

# What stock CRIU needs here: see /etc/criu/runc.conf of a host without iptables.
CRIU_CONFIG = "network-lock nftables\n"
TOLD = "python3 /workloads/tree.py /etc /data /usr/local /tmp"


def tree(container):
    """What its files are, but for what is lost where Podman packs or unpacks: inodes, holes, and
    times of directories."""
    entries = json.loads(container.exec(*TOLD.split()))
    for entry in entries.values():
        del entry["inode"]
        entry.pop("sparse", None)
        if entry["mode"].startswith("0o4"):
            del entry["mtime_ns"]
    # Changed files lie in these; that they did not change themselves only the image knows.
    entries["/"] = {"modes": container.exec("stat", "-c", "%a %u", "/", "/tmp")}
    return entries


def start_workload(container, **more):
    container.run_workload("changes.py", "--mb", 20, **more)
    assert_moves_on(container)
    files = tree(container)
    assert "1777 0" in files["/"]["modes"]
    return files


def as_podman_keeps(files):
    """Podman's archives have times to the second, no changes of directories, and not /etc/mtab,
    which Podman makes itself."""
    return {path: {**entry, "mtime_ns": entry.get("mtime_ns", 0) // 10**9}
            for path, entry in files.items() if path not in ("/etc/mtab", "/usr/local/lib")}


def assert_goes_on(container, chain, before, files, shm=True, of_podman=False):
    """It counts on from the checkpoint, in the same memory and with the same files."""
    assert_moves_on(container)
    first = steps(container.lines())[0][0]
    assert first in before
    assert_unbroken(container.lines(), chain, first)
    assert_memory_is_whole(container)
    after = tree(container)
    if of_podman:
        after, files = as_podman_keeps(after), as_podman_keeps(files)
    assert sorted(after) == sorted(files)
    for path, entry in files.items():
        assert after[path] == entry, path
    linked = container.exec("stat", "-c", "%i", "/data/one", "/data/sub/one-again").split()
    assert linked[0] == linked[1]
    if shm:
        assert container.exec("cat", "/dev/shm/token") == "in shared memory\n"


class PodmansArchive:
    """A real container's checkpoint as stock Podman and runc export it; the container is gone."""

    def __init__(self, container, directory):
        config = directory / "criu.conf"
        config.write_text(CRIU_CONFIG, encoding="ascii")
        options = ("--annotation", f"org.criu.config={config}")
        container.product.runtime, ours = "runc", container.product.runtime
        try:
            self.files = start_workload(container, opt_in=False, options=options)
        finally:
            container.product.runtime = ours
        self.name, self.path = container.name, directory / "podman.tar.zst"
        self.chain, before = seed(container.lines()), last_step(container)
        podman("container", "checkpoint", "--file-locks", "--export", self.path, container.name)
        self.steps = range(before + 1, last_step(container) + 2)
        container.remove()
        self.entries = read_tar(decompress(self.path))


@pytest.fixture
def directory(product):
    made = product.base / "archives"
    made.mkdir()
    return made


def test_podman_restores_what_we_export(container, product, directory):
    files = start_workload(container)
    chain, before = seed(container.lines()), last_step(container)
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    possible = range(before + 1, last_step(container) + 2)
    product.reprise("checkpoint", "export", container.name, directory / "first.tar.zst")
    old_id, address = container.id, container.address()
    container.remove()
    # Without the container, from the command that made it; and as a stream.
    with open(directory / "second.tar", "wb") as file:
        exported = product.reprise("checkpoint", "export", "--compress", "none", checkpoint, "-",
                                   stdout=file)
    assert exported.stderr == ""
    first = members(read_tar(decompress(directory / "first.tar.zst")))
    second = members(read_tar((directory / "second.tar").read_bytes()))
    assert [name for name in first if first[name] != second[name]] == ["config.dump"]
    for config in (json.loads(first["config.dump"]), json.loads(second["config.dump"])):
        assert (config["id"], config["name"], config["runtime"]) == (old_id, container.name, "runc")
    assert not [name for name in podman("ps", "-a", "--format", "{{.Names}}").stdout.split()
                if name.startswith("reprise-export")]
    # A file of 8 MiB with holes takes what it holds, there and back.
    again = product.json("checkpoint", "import", directory / "second.tar")["checkpoint"]
    part = product.files_of(again)["parts/rootfs.tar"]
    assert len(first["rootfs-diff.tar"]) < 1 << 20 and part < 1 << 20
    podman("container", "restore", "--file-locks", "--import", directory / "second.tar")
    container.refresh()
    assert container.inspect()["OCIRuntime"] == "runc" and container.address() == address
    assert_goes_on(container, chain, possible, files)
    assert [path.name for path in directory.iterdir()] == ["first.tar.zst", "second.tar"]


def test_we_restore_what_podman_exports(new_container, product, directory):
    archive = PodmansArchive(new_container(), directory)
    imported = product.json("checkpoint", "import", archive.path, "--tag", "podmans")
    assert imported["name"] == archive.name and imported["mounts"] == ["/workloads"]
    [row] = product.checkpoints()
    assert (row["id"], row["trigger"], row["tag"]) == (imported["checkpoint"], "import", "podmans")
    product.reprise("checkpoint", "verify", "podmans")
    # Nothing in the archive mounts anything: the user must.
    clone = new_container(unique_name())
    refused = product.reprise("restore", "podmans", "--name", clone.name, check=False)
    assert refused.returncode != 0 and "'/workloads'" in refused.stderr
    assert not clone.exists()
    volume = f"{host.WORKLOADS}:/workloads:ro"
    product.reprise("restore", "podmans", "--name", clone.name, "--", "--volume", volume)
    clone.refresh()
    assert_goes_on(clone, archive.chain, archive.steps, archive.files, of_podman=True)
    assert_nothing_left(clone)
    # From here on it is one of ours.
    clone.stop()
    clone.start()
    assert_moves_on(clone)
    assert_unbroken(clone.lines(), archive.chain, steps(clone.lines())[0][0])
    # Through Reprise and back to Podman's format once more: still the same.
    product.reprise("checkpoint", "export", "podmans", directory / "again.tar.gz", "--compress",
                    "gzip")
    again = product.json("checkpoint", "import", directory / "again.tar.gz")["checkpoint"]
    third = new_container(unique_name())
    product.reprise("restore", again, "--name", third.name, "--", "--volume", volume)
    third.refresh()
    assert_goes_on(third, archive.chain, archive.steps, archive.files, of_podman=True)


@pytest.mark.parametrize("layout", [as_containerd, as_crio])
def test_archives_of_the_kubelets_runtimes(new_container, product, directory, layout):
    archive = PodmansArchive(new_container(), directory)
    (directory / "kubelet.tar").write_bytes(make_tar(layout(archive.entries)))
    with open(directory / "kubelet.tar", "rb") as file:
        imported = json.loads(product.reprise("checkpoint", "import", "-", "--json",
                                              stdin=file).stdout)
    clone = new_container(unique_name())
    product.reprise("restore", imported["checkpoint"], "--name", clone.name, "--", "--volume",
                    f"{host.WORKLOADS}:/workloads:ro")
    clone.refresh()
    # Only Podman saves /dev/shm.
    assert_goes_on(clone, archive.chain, archive.steps, archive.files, shm=False,
                   of_podman=True)


@pytest.mark.parametrize("scheme", ["oci", "oci-archive"])
def test_images_of_an_oci_layout_both_ways(container, new_container, product, directory, scheme):
    """Podman restores the image that we push; we pull it again after Podman has copied it."""
    files = start_workload(container)
    chain, before = seed(container.lines()), last_step(container)
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    possible = range(before + 1, last_step(container) + 2)
    pushed = product.json("checkpoint", "push", checkpoint, f"{scheme}:{directory}/images:counter")
    assert pushed["digest"].startswith("sha256:") and pushed["bytes"] > 20 << 20
    container.remove()
    image = podman("pull", "--quiet", f"{scheme}:{directory}/images:counter").stdout.strip()
    try:
        podman("container", "restore", "--file-locks", image)
        container.refresh()
        assert container.inspect()["OCIRuntime"] == "runc"
        assert_goes_on(container, chain, possible, files)
        container.remove()
        podman("push", "--quiet", image, f"{scheme}:{directory}/copied:again")
    finally:
        podman("rmi", "--force", image)
    pulled = product.json("checkpoint", "pull", f"{scheme}:{directory}/copied")
    assert pulled["name"] == container.name
    clone = new_container(unique_name())
    product.reprise("restore", pulled["checkpoint"], "--name", clone.name, "--", "--volume",
                    f"{host.WORKLOADS}:/workloads:ro")
    clone.refresh()
    assert_goes_on(clone, chain, possible, files, of_podman=True)
    refused = product.reprise("checkpoint", "pull", f"{scheme}:{directory}/copied:other", check=False)
    assert refused.returncode == 3 and "'again'" in refused.stderr


def test_an_image_that_is_not_here_is_named(product, directory):
    config = json.dumps({**CONFIG, "rootfsImageName": "registry.example/none:1"}).encode()
    file = directory / "absent.tar"
    file.write_bytes(make_tar(plausible(config__dump=config)))
    refused = product.reprise("checkpoint", "import", file, check=False)
    assert refused.returncode == 3 and "'registry.example/none:1' is not on this host" in \
        refused.stderr and "podman pull" in refused.stderr
    assert not product.checkpoints()


def test_a_failed_export_leaves_no_file(container, product, directory):
    container.run_workload("counter.py")
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    damaged, _ = product.damage()
    kept = directory / "kept.tar"
    kept.write_bytes(b"what was there before")
    refused = product.reprise("checkpoint", "export", checkpoint, kept, check=False)
    assert refused.returncode == 8 and damaged.stem in refused.stderr
    assert kept.read_bytes() == b"what was there before"
    assert [path.name for path in directory.iterdir()] == ["kept.tar"]
