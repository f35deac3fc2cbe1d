# SPDX-License-Identifier: Apache-2.0
"""Which of CRIU's test programs there are, how each is called, and which of them count."""
import dataclasses
import platform
import re

# CRIU's own driver drops root's rights so for programs that do not ask to keep them (flag 'suid').
ORDINARY_USER = {"ZDTM_UID": "18943", "ZDTM_GID": "58467", "ZDTM_GROUPS": "27495 48244"}
# Arguments of those that the Makefile lists without a kind.
SPECIAL = {
    "cmdlinenv00": ("--arg1=arg1", "--arg2=arg2", "--arg3=arg3"),
    "shm-unaligned": ("--shmem_size=5000",),
    "shm-hugetlb": ("--shmem_size=4194304",),
    "env00": ("--envname=ENV_00_TEST",),
    "umask00": ("--mask=0345",),
    "fifo-rowo-pair": ("--name_master=fifo-rowo-pair.master.test",
                       "--name_slave=fifo-rowo-pair.slave.test"),
}
# Flags in the programs' descriptions that take them out: not to be saved, or not run by CRIU either.
LEFT_OUT = {"crfail", "noauto"}
# Mounts a controller (net_prio) that hosts have nowhere: all processes of the host are in it then, each
# checkpoint has it, each restore makes it again, and containerd finds no cgroup any more.
HARMS_OTHERS = {"cgroup_ifpriomap"}


# They compare all of their network with what it was before. Podman gives each container, and each
# start, another address, so these get none.
WITHOUT_NETWORK = {"netns"}
# By the wall clock: it may be away for 5 seconds, which a busy machine needs, so it gets more.
MEASURES_TIME = {"poll": {"ZDTM_DELTA": "20"}}


@dataclasses.dataclass(frozen=True)
class Program:
    part: str  # "static" does nothing while it is saved, "transition" never rests
    name: str
    arguments: tuple
    description: dict

    @property
    def flags(self):
        return set(self.description.get("flags", "").split())

    @property
    def full_name(self):
        return f"{self.part}/{self.name}"

    @property
    def environment(self):
        more = {"ZDTM_THREAD_BOMB": "5", **MEASURES_TIME.get(self.name, {})}
        if "suid" not in self.flags:
            more.update(ORDINARY_USER)
        if "pre-dump-notify" in self.flags:
            more.update({"ZDTM_NOTIFY_FDIN": "100", "ZDTM_NOTIFY_FDOUT": "101"})
        return more

    def why_left_out(self):
        """None for a program that is tried."""
        left_out = self.flags & LEFT_OUT
        if left_out:
            return "flag " + " ".join(sorted(left_out))
        if self.name in HARMS_OTHERS:
            return "harms others"
        if self.description.get("arch", platform.machine()) != platform.machine():
            return "arch"
        if not set(self.description.get("flavor", "h ns uns").split()) & {"h", "ns"}:
            return "user namespaces only"
        return None


def _lists(makefile):
    """The names in each TST_… variable."""
    joined = makefile.replace("\\\n", " ")
    return {match[1]: match[2].split()
            for match in re.finditer(r"^(TST\w*)\s*=\s*(.*)$", joined.replace(":=", "="), re.M)}


def _description(directory, name):
    file = directory / f"{name}.desc"
    if not file.exists():
        return {}
    try:
        return eval(file.read_text(), {})  # what CRIU's own driver does; the source is pinned
    except NameError:
        return {"flags": "noauto"}  # asks its environment for a device


def _arguments(kind, name):
    return {
        "TST_NOFILE": (),
        "TST_FILE": (f"--filename={name}.test",),
        "TST_DIR": (f"--dirname={name}.test",),
        "TST_DIR_FILE": (f"--dirname={name}.dir.test", f"--filename={name}.test"),
        "TST": SPECIAL.get(name),
    }.get(kind)


def find(directory):
    """All of them, as far as they could be built."""
    found = []
    for part in ("static", "transition"):
        for kind, names in _lists((directory / part / "Makefile").read_text()).items():
            for name in names:
                arguments = _arguments(kind, name)
                if arguments is None or not (directory / part / name).exists():
                    continue
                arguments = (f"--pidfile={name}.pid", f"--outfile={name}.out", *arguments)
                found.append(Program(part, name, arguments, _description(directory / part, name)))
    return found
