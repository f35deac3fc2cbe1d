# SPDX-License-Identifier: Apache-2.0
"""The cgroup in which a node's kubelet works: it wants it to be there, under each controller."""
import contextlib
import pathlib

ROOT = pathlib.Path("/sys/fs/cgroup")
CONTROLLERS = "+cpu +cpuset +memory +io +pids"  # what the kubelet demands on v2


def _hierarchies():
    """One on v2; otherwise one for each controller, and that of v2 beside them."""
    if (ROOT / "cgroup.controllers").exists():
        return [ROOT]
    return [directory for directory in ROOT.iterdir() if directory.is_dir()
            and (directory / "cgroup.procs").exists()]


def make(name):
    for hierarchy in _hierarchies():
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        if (group / "cpuset.cpus").exists() and hierarchy != ROOT:
            # A cpuset of v1 has neither until it is told; children then copy it.
            for file in ("cpuset.cpus", "cpuset.mems"):
                (group / file).write_text((hierarchy / file).read_text())
            (group / "cgroup.clone_children").write_text("1")
        if hierarchy == ROOT:
            for parent in (hierarchy, group):
                (parent / "cgroup.subtree_control").write_text(CONTROLLERS)


def remove(name):
    """With everything below; the processes must have ended."""
    for hierarchy in _hierarchies():
        group = hierarchy / name
        groups = [path for path in group.rglob("*") if path.is_dir()] if group.exists() else []
        for each in sorted(groups, reverse=True):
            with contextlib.suppress(FileNotFoundError):
                each.rmdir()
        with contextlib.suppress(FileNotFoundError):
            group.rmdir()


def left(name):
    return [str(hierarchy / name) for hierarchy in _hierarchies() if (hierarchy / name).exists()]
