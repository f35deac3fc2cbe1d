# SPDX-License-Identifier: Apache-2.0
"""What the kernel keeps around a container's program: mounts, rights and limits."""
import os
import pathlib
import re

from harness import cgroup

STATUS = ("Uid", "Gid", "Groups", "NoNewPrivs", "Seccomp", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def mounts(container):
    """Each mount with its flags: without what the kernel counts anew (ids, device numbers, peer groups)."""
    found = []
    for line in pathlib.Path(f"/proc/{container.pid}/mountinfo").read_text("utf-8").splitlines():
        _, _, _, root, point, flags, *more = line.split(" ")
        end = more.index("-")
        kind, source, options = more[end + 1:]
        options = options.replace(",uuid=on", "")  # of a new overlay only
        tags = [tag.partition(":")[0] for tag in more[:end]]
        found.append(" ".join([point, root, ",".join(sorted(flags.split(","))), *tags, kind, source,
                               ",".join(sorted(options.split(",")))]))
    return sorted(found)


def masked_files(container):
    """The files of /proc and /sys over which a device lies: device and inode of each by its path."""
    found = {}
    for line in mounts(container):
        path = line.split()[0]
        if path.startswith(("/proc/", "/sys/")):
            status = os.stat(f"/proc/{container.pid}/root{path}")
            if status.st_rdev:
                found[path] = (status.st_dev, status.st_ino)
    return found


def null_device(root):
    status = os.stat(f"{root}/dev/null")
    return status.st_dev, status.st_ino


def rights_and_limits(container):
    text = container.proc_status()
    found = {name: re.search(rf"^{name}:[ \t]*(.*)$", text, re.M)[1] for name in STATUS}
    process = pathlib.Path(f"/proc/{container.pid}")
    found["limits"] = (process / "limits").read_text("ascii")
    found["oom_score_adj"] = (process / "oom_score_adj").read_text("ascii")
    found["cgroup"] = {what: cgroup.limit(container, what) for what in cgroup.FILES}
    return found
