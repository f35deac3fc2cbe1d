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


def rights_of(process):
    """Of one process, by its directory in /proc; and who it is: its number in the container, and its name.
    One that has ended has none."""
    text = (process / "status").read_text("utf-8")
    if re.search(r"^State:\s*[ZX]", text, re.M):
        raise ProcessLookupError(process)
    field = {name: re.search(rf"^{name}:[ \t]*(.*)$", text, re.M)[1] for name in (*STATUS, "NSpid", "Name")}
    who = field.pop("NSpid").split()[-1], field.pop("Name")
    field["limits"] = (process / "limits").read_text("ascii")
    field["oom_score_adj"] = (process / "oom_score_adj").read_text("ascii")
    return who, field


def rights_and_limits(container):
    _, found = rights_of(pathlib.Path(f"/proc/{container.pid}"))
    found["cgroup"] = {what: cgroup.limit(container, what) for what in cgroup.FILES}
    return found


def processes(pid):
    """It and all that descend from it. What ends meanwhile is left out."""
    found = [pid]
    for one in found:
        for children in pathlib.Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, children.read_text("ascii").split())
            except OSError:
                pass
    return [pathlib.Path(f"/proc/{one}") for one in found]


# What differs between two containers that are made alike: ids, and where the storage keeps things.
NAMES = re.compile(r"[0-9a-f]{64}|(?<=/l/)[0-9A-Z]{26}|(?<=/overlay/)[0-9]+")


def of(container):
    """What a restore must leave as it was, whatever runs in the container."""
    rights = {}
    for process in processes(container.pid):
        try:
            who, field = rights_of(process)
        except OSError:
            continue
        rights[who] = field
    return {"mounts": sorted(NAMES.sub("…", mount) for mount in mounts(container)), "rights": rights,
            "cgroup": {what: cgroup.limit(container, what) for what in cgroup.FILES}}


def assert_as_before(container, before):
    """Processes that came or went meanwhile are no matter."""
    now = of(container)
    assert now["mounts"] == before["mounts"]
    assert now["cgroup"] == before["cgroup"]
    both = now["rights"].keys() & before["rights"].keys()
    assert both, f"other processes: {list(now['rights'])}, and there were {list(before['rights'])}"
    for who in both:
        for what, value in before["rights"][who].items():
            assert now["rights"][who][what] == value, \
                f"{what} of {who}: {now['rights'][who][what]!r} where {value!r} was"
