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


# Less what an earlier run has left.
AT_FIRST = {name for name in _hierarchies() if "zdtmtst" not in name}


def _remove_tree(directory):
    for place, _, _ in os.walk(directory, topdown=False):
        try:
            os.rmdir(place)
        except OSError:
            pass  # somebody lives in it


def tidy():
    """Removes what they left. A hierarchy goes when nothing is in it and nobody has it mounted."""
    for name in _hierarchies() - AT_FIRST:
        with tempfile.TemporaryDirectory() as place:
            if subprocess.run(["mount", "-t", "cgroup", "-o", f"none,{name}" if "=" in name else name,
                               "none", place], check=False).returncode == 0:
                for entry in list(os.scandir(place)):
                    if entry.is_dir():
                        _remove_tree(entry.path)
                subprocess.run(["umount", place], check=False)
    for root in [ROOT, *(entry for entry in ROOT.iterdir() if entry.is_dir())]:
        for name in NAMES:
            if (root / name).is_dir():
                _remove_tree(root / name)
