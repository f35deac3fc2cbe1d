# SPDX-License-Identifier: Apache-2.0
"""cgroup hierarchies and groups that the programs make on the host: hierarchies are nobody's own."""
import os
import pathlib
import subprocess
import tempfile
import time

ROOT = pathlib.Path("/sys/fs/cgroup")
# What CRIU's programs call theirs.
NAMES = ("zdtmtst", "zdtmtst.defaultroot", "subcg00", "subcg01", "subcg_threads", "prefix", "newroot",
         "oldroot", "external_yard")


def touches_them(program):
    return program.name.startswith("cgroup")


def _hierarchies():
    lines = pathlib.Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    return {line.split(":")[1] for line in lines} - {""}


def _remove_groups(root, names=NAMES):
    for name in names:
        if (root / name).is_dir():
            _remove_tree(root / name)


def _remove_tree(directory):
    for place, _, _ in os.walk(directory, topdown=False):
        try:
            os.rmdir(place)
        except OSError:
            pass  # somebody lives in it


def _tidy_hierarchy(name):
    with tempfile.TemporaryDirectory() as place:
        if subprocess.run(["mount", "-t", "cgroup", "-o", f"none,{name}", "none", place],
                          check=False).returncode == 0:
            _remove_groups(pathlib.Path(place), os.listdir(place))
            subprocess.run(["umount", place], check=False)


def tidy():
    """Removes what they left. A hierarchy goes at an unmount, if its groups have gone by then, which they
    do a moment after they were removed."""
    for _ in range(20):
        left = [name for name in _hierarchies() if "zdtmtst" in name]
        if not left:
            break
        for name in left:
            _tidy_hierarchy(name)
        time.sleep(0.1)
    for root in [ROOT, *(entry for entry in ROOT.iterdir() if entry.is_dir())]:
        _remove_groups(root)
