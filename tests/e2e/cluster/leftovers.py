# SPDX-License-Identifier: Apache-2.0
"""What a cluster must not leave on the host."""
import pathlib

from cluster.processes import run

ROOTS = ("/etc/cni", "/etc/reprise", "/run/reprise", "/run/containerd", "/var/lib/cni",
         "/var/lib/kubelet", "/var/lib/reprise", "/var/log/containers", "/var/log/pods")



def _processes(name):
    """Whose command line or environment has `name` in it."""
    own = pathlib.Path("/proc/self").readlink().name
    found = []
    for directory in pathlib.Path("/proc").iterdir():
        if not directory.name.isdigit() or directory.name == own:
            continue
        try:
            words = (directory / "cmdline").read_bytes()
            inherited = (directory / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if name.encode() in words + inherited:
            found.append(f"process {directory.name}: {words.replace(bytes(1), b' ').decode()}")
    return found


def _host(*names):
    """Links, routes, mounts, cgroups and namespaces that have one of the names."""
    lines = [f"{kind}: {line}" for kind, command in (
        ("link", ("ip", "-o", "link")), ("address", ("ip", "-o", "address")),
        ("route", ("ip", "route")), ("namespace", ("ip", "netns")))
        for line in run(*command).stdout.splitlines()]
    lines += [f"mount: {line}" for line in
              pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    lines += [f"cgroup: {path}" for pattern in ("reprise-*", "*/reprise-*")
              for path in pathlib.Path("/sys/fs/cgroup").glob(pattern)]
    return [line for line in lines if any(name in line for name in names)]


def of_node(node):
    """Of a node without power (NodeLayout), in words. What is on its disk is none."""
    return _processes(f"{node.state}/") + _host(f"{node.link}@", node.pods, node.cgroup)


def of(layout):
    """Of a whole cluster that is down (Layout), in words."""
    network = layout.host_address.removesuffix("0.1")
    cgroups = f"reprise-cluster-{layout.number}-"
    files = [f"file: {layout.state}"] if layout.state.exists() else []
    return _processes(str(layout.state)) + files + _host(
        layout.bridge, f" {network}", str(layout.state), cgroups)


def shared():
    """What clusters might change, and others do not: compare before and after."""
    return {
        "firewall": [table for table in run("nft", "list", "tables").stdout.splitlines()
                     if "kube" in table or "cni" in table],
        "directories": [path for path in ROOTS if pathlib.Path(path).exists()],
        "settings": [pathlib.Path(f"/proc/sys/net/ipv4/{name}").read_text(encoding="ascii")
                     for name in ("ip_forward", "ip_local_port_range")],
        "hostname": pathlib.Path("/proc/sys/kernel/hostname").read_text(encoding="ascii")}
