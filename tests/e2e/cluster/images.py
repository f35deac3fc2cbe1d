# SPDX-License-Identifier: Apache-2.0
"""Archives of the images that a cluster's pods run, made without a registry and kept."""
import contextlib
import fcntl
import hashlib
import io
import json
import os
import pathlib
import platform
import tarfile
import tempfile

from cluster import programs
from cluster.layout import CHECKOUT, HERE
from cluster.node_files import PAUSE
from cluster.objects import DNS_IMAGE
from cluster.processes import run

CACHE = pathlib.Path(os.environ.get("REPRISE_CACHE", "/var/cache/reprise")) / "kubernetes/images"
BASE_IMAGE = "localhost/reprise-test/base:1"  # what tools/test-images makes
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def pause():
    source = HERE / "pause.c"
    key = hashlib.sha256(source.read_bytes()).hexdigest()[:16]

    def make(target):
        with tempfile.TemporaryDirectory() as work:
            program = pathlib.Path(work) / "pause"
            run("cc", "-Os", "-static", "-s", "-o", program, source)
            pack(target, PAUSE, program)
    return _kept("pause", key, make)


def dns():
    """Of CoreDNS, as it was built."""
    program = programs.find("coredns")
    return _kept("coredns", program.parent.name.removeprefix("coredns-"),
                 lambda target: pack(target, DNS_IMAGE, program))


def of_podman(image):
    """An image of Podman's, by its name there: localhost/reprise-test/base:1."""
    key = run("podman", "image", "inspect", "--format", "{{.Id}}", image).stdout.strip()[:16]
    name = image.rpartition("/")[2].partition(":")[0]
    return _kept(name, key, lambda target: run(
        "podman", "save", "--format", "docker-archive", "--output", target, image, timeout=300))


def agent(bin_dir, name="reprise.dev/reprise:0.1.0"):
    """What nodes install the product from; the tool keeps it."""
    words = [CHECKOUT / "tools/agent-image", f"--bin-dir={bin_dir}", f"--name={name}"]
    return pathlib.Path(run(*words).stdout.strip())


def _kept(name, key, make):
    """The archive NAME-KEY.tar, made if it is not there; those of other keys are removed."""
    CACHE.mkdir(parents=True, exist_ok=True)
    archive = CACHE / f"{name}-{key}.tar"
    with open(CACHE / f"{name}.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            for old in (*CACHE.glob(f"{name}-*.tar"), *CACHE.glob(f"{name}-*.part")):
                old.unlink()
            part = archive.with_suffix(".part")
            make(part)
            part.rename(archive)
    return archive


def pack(target, name, program):
    """An image of one static program."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.add(program, program.name, filter=_of_root)
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    config = json.dumps({
        "architecture": MACHINES[platform.machine()], "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [name],
                            "Layers": ["layer.tar"]}]).encode()
    with contextlib.closing(tarfile.open(target, "w")) as tar:
        for member, content in ((config_name, config), ("manifest.json", manifest),
                                ("layer.tar", layer.getvalue())):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def _of_root(info):
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    info.mode = 0o755
    return info
