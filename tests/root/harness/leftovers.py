# SPDX-License-Identifier: Apache-2.0
"""What must not be there after a session, however it ended."""
import hashlib
import os
import pathlib

from harness import host
from harness.waiting import wait_for

SETTLED = 60  # seconds: a rollback goes on after `kill` has returned
OURS = ("runc", "criu", "reprise-worker", "reprise-guard", "reprise-runtime", "reprise-pager",
        "reprise-keeper", "criu-hook")


def read(path):
    try:
        return pathlib.Path(path).read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def frozen_cgroups(container):
    """Cgroups of the container that do not run: on v1, v2, and where both are mounted."""
    frozen = []
    for line in read(f"/proc/{container.pid}/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if "freezer" in controllers.split(","):
            file = pathlib.Path("/sys/fs/cgroup/freezer" + path) / "freezer.state"
            if read(file).strip() not in ("THAWED", ""):
                frozen.append(str(file))
        elif controllers == "":
            for mount in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
                file = pathlib.Path(mount + path) / "cgroup.freeze"
                if read(file).strip() == "1":
                    frozen.append(str(file))
    return frozen


def criu_locks(container):
    """CRIU's firewall tables, and ours, in the container's network namespace."""
    listed = host.run("nsenter", f"--net=/proc/{container.pid}/ns/net", "nft", "list", "tables")
    return [line for line in listed.stdout.splitlines() if " CRIU-" in line or " reprise-" in line]


def holds(container):
    """Our firewall tables on the host that hold packets for the container, as `nft` names them."""
    listed = host.run("nft", "list", "tables").stdout.splitlines()
    return [line for line in listed if line.endswith(f" reprise-hold-{container.id}")]


def remove_holds(container):
    """For a container that will not run again: nobody else would, before they run out."""
    for table in holds(container):
        host.run("nft", "delete", *table.split())


def mounts_below(*directories):
    points = [line.split()[4] for line in read("/proc/self/mountinfo").splitlines()]
    return [p for p in points for d in directories if p.startswith(f"{d}/")]


def our_processes(product):
    """Processes of sessions on this product: told by their arguments and environment."""
    found = []
    for directory in pathlib.Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        name = read(directory / "comm").strip()
        if not name.startswith(OURS):
            continue
        words = read(directory / "cmdline") + read(directory / "environ")
        if name == "criu":  # writes its title over both
            words += link(directory / "cwd")
        if str(product.store) in words or str(product.run_dir) in words:
            found.append((int(directory.name), name, read(directory / "cmdline").split("\0")))
    return found


def stopped_session(product):
    """The pid of the session that a fault `stop` lets stand still, once it does; SIGCONT ends it."""
    def find():
        return next((pid for pid, name, _ in our_processes(product) if name == "reprise-worker"
                     and read(f"/proc/{pid}/stat").rpartition(") ")[2].startswith("T")), None)
    return wait_for(find, SETTLED, "the session to come to its step")


def staged(product):
    """Where writers and readers keep what is not sealed: each is a directory, or two."""
    staging = product.store / "staging"
    if not staging.is_dir():
        return []
    on_disk = [entry for entry in staging.iterdir() if entry.is_dir()]
    in_memory = [spool for spool in spools(product) if spool.is_dir()]
    return sorted(entry.name for entry in on_disk + in_memory)


def spools(product):
    """Where plain memory may lie; those of one store begin with its digest."""
    store = hashlib.sha256(str(product.store.resolve()).encode()).hexdigest()[:12]
    return list(pathlib.Path("/dev/shm").glob(f"reprise-{store}-*"))


def find(container):
    """Everything that should not be there, in words."""
    product = container.product
    found = [f"process {process}" for process in our_processes(product)]
    found += [f"staging directory '{name}'" for name in staged(product)]
    found += [f"mount '{mount}'" for mount in mounts_below(product.store, product.run_dir)]
    if container.is_alive():
        found += [f"frozen: {file}" for file in frozen_cgroups(container)]
        found += [f"network lock '{table}'" for table in criu_locks(container)]
        found += [f"hold '{table}'" for table in holds(container)]
    return found


def assert_nothing_left(container):
    """Nothing frozen, firewalled, mounted, half written or running; waits for sessions to end."""
    def nothing():
        found = find(container)
        assert not found, "; ".join(found)
        return True
    wait_for(nothing, SETTLED, "sessions to leave nothing behind")
