# SPDX-License-Identifier: Apache-2.0
"""Prints what is below the directories given, as JSON: path to everything that a file is."""
import hashlib
import json
import os
import stat
import sys

# Podman mounts these over the root file system anew at every start.
MOUNTED = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def describe(path):
    status = os.lstat(path)
    entry = {"inode": status.st_ino, "mode": oct(status.st_mode), "uid": status.st_uid,
             "gid": status.st_gid, "mtime_ns": status.st_mtime_ns}
    if not stat.S_ISDIR(status.st_mode):
        entry["links"] = status.st_nlink
        entry["size"] = status.st_size
        entry["device"] = status.st_rdev
    if stat.S_ISREG(status.st_mode):
        entry["sparse"] = status.st_blocks * 512 < status.st_size // 2
        if status.st_size < 1 << 30:  # all of a larger one is a hole
            entry["digest"] = digest(path)
    if stat.S_ISLNK(status.st_mode):
        entry["target"] = os.readlink(path)
    attributes = os.listxattr(path, follow_symlinks=False)
    entry["xattrs"] = {name: os.getxattr(path, name, follow_symlinks=False).hex()
                       for name in attributes}
    return entry


def main():
    tree = {}
    for top in sys.argv[1:]:
        for directory, names, files in os.walk(top):
            for name in names + files:
                path = os.path.join(directory, name)
                if path not in MOUNTED:
                    tree[path] = describe(path)
    json.dump(tree, sys.stdout, sort_keys=True)


main()
