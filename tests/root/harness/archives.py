# SPDX-License-Identifier: Apache-2.0
"""Checkpoint archives: Podman's own, those of the kubelet's runtimes made from them, hostile ones."""
import io
import json
import subprocess
import tarfile

from harness import host


def tar_entry(name, kind=tarfile.REGTYPE, content=b"", **fields):
    """A tar header and its contents; `fields` are TarInfo's."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(content)
    info.mode = 0o644
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def make_tar(entries):
    """The bytes of an archive of (TarInfo, contents)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def read_tar(data):
    """What make_tar() takes."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [(info, tar.extractfile(info).read() if info.isreg() else b"") for info in tar]


def decompress(file):
    return subprocess.run(["zstd", "-dcf", file], capture_output=True, check=True).stdout


def members(entries):
    return {info.name: content for info, content in entries}


def changed(entries, **changes):
    """With the members that `changes` names replaced (None: left out); dots are written as __."""
    replaced = {name.replace("__", ".").replace("_", "-"): content
                for name, content in changes.items()}
    kept = [(info, content) for info, content in entries if info.name not in replaced]
    return kept + [tar_entry(name, content=content)
                   for name, content in replaced.items() if content is not None]


def small_config(entries):
    """config.dump as checkpointctl defines it, which is what containerd and CRI-O write."""
    config = json.loads(members(entries)["config.dump"])
    return json.dumps({"id": config["id"], "name": "base", "rootfsImageName": host.IMAGE,
                       "rootfsImage": host.IMAGE, "runtime": "runc",
                       "createdTime": "2026-11-24T15:18:48Z"}).encode()


def as_crio(entries):
    """The layout of CRI-O: Podman's list of deleted files, and a list of bind mounts."""
    return changed(entries, config__dump=small_config(entries), bind__mounts=b"[]",
                   network__status=None, devshm_checkpoint__tar=None)


def as_containerd(entries):
    """The layout of containerd: deletions are whiteouts in an OCI layer, compressed."""
    found = members(entries)
    layer = read_tar(found["rootfs-diff.tar"])
    there = {info.name.rstrip("/") for info, _ in layer}
    for name in json.loads(found["deleted.files"]):
        directory, _, last = name[1:].rpartition("/")
        again = any(other.startswith(name[1:] + "/") for other in there)
        layer.append(tar_entry(f"{name[1:]}/.wh..wh..opq" if again else f"{directory}/.wh.{last}"))
    packed = subprocess.run(["gzip", "-1"], input=make_tar(layer), capture_output=True, check=True)
    return changed(entries, config__dump=small_config(entries), rootfs_diff__tar=packed.stdout,
                   deleted__files=None, status__dump=b"{}", status=b"{}", network__status=None,
                   devshm_checkpoint__tar=None)


SPEC = {"process": {"args": ["sleep", "1000"]},
        "mounts": [{"destination": "/etc/hosts", "type": "bind", "source": "/x"}]}
CONFIG = {"id": "c" * 64, "name": "hostile", "rootfsImageName": host.IMAGE, "runtime": "runc",
          "command": ["sleep", "1000"]}


def plausible(**changes):
    """The least that can be imported. It cannot be restored: CRIU's image is none."""
    return changed([tar_entry("config.dump", content=json.dumps(CONFIG).encode()),
                    tar_entry("spec.dump", content=json.dumps(SPEC).encode()),
                    tar_entry("checkpoint", tarfile.DIRTYPE),
                    tar_entry("checkpoint/inventory.img", content=b"nothing of CRIU's")],
                   **changes)
