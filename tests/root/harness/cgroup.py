# SPDX-License-Identifier: Apache-2.0
"""The limits that the kernel holds a container to, on cgroup v1 and v2."""
import pathlib

MOUNT = pathlib.Path("/sys/fs/cgroup")
# Limit: controller and file of v1, file of v2.
FILES = {
    "memory": (("memory", "memory.limit_in_bytes"), "memory.max"),
    "cpu quota": (("cpu", "cpu.cfs_quota_us"), "cpu.max"),
    "cpus": (("cpuset", "cpuset.cpus"), "cpuset.cpus"),
    "pids": (("pids", "pids.max"), "pids.max"),
}


def limit(container, what):
    """As text; of a file of v2 with several numbers, the first."""
    (controller, v1_file), v2_file = FILES[what]
    own_v2 = None
    for line in pathlib.Path(f"/proc/{container.pid}/cgroup").read_text("ascii").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return read(MOUNT / controller / path.lstrip("/") / v1_file)
        if controllers == "":
            own_v2 = MOUNT / path.lstrip("/")
    return read(own_v2 / v2_file)


def read(file):
    return file.read_text("ascii").split()[0]
