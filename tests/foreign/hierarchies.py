# SPDX-License-Identifier: Apache-2.0
"""cgroup hierarchies and groups that the programs make on the host: hierarchies are nobody's own."""
import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path("/sys/fs/cgroup")
# What CRIU's programs call theirs.
NAMES = ("zdtmtst", "zdtmtst.defaultroot", "subcg00", "subcg01", "subcg_threads", "prefix", "newroot",
         "oldroot", "external_yard")


def touches_them(program):
    return program.name.startswith("cgroup")


def _hierarchies():
    lines = pathlib.Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    return {line.split(":")[1] for line in lines} - {""}


def _remove_groups(root):
    for name in NAMES:
        if (root / name).is_dir():
            _remove_tree(root / name)


def _remove_tree(directory):
    for place, _, _ in os.walk(directory, topdown=False):
        try:
            os.rmdir(place)
        except OSError:
            pass  # somebody lives in it


def tidy():
    """Removes what they left. A hierarchy goes when nothing is in it and nobody has it mounted."""
    theirs = {name for name in _hierarchies() if "zdtmtst" in name}
    for name in theirs | (_hierarchies() & {"net_prio"}):  # which hosts rarely have mounted
        with tempfile.TemporaryDirectory() as place:
            options = f"none,{name}" if "=" in name else name
            if subprocess.run(["mount", "-t", "cgroup", "-o", options, "none", place],
                              check=False).returncode == 0:
                _remove_groups(pathlib.Path(place))
                subprocess.run(["umount", place], check=False)
    for root in [ROOT, *(entry for entry in ROOT.iterdir() if entry.is_dir())]:
        _remove_groups(root)
