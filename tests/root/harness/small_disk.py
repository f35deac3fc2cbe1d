# SPDX-License-Identifier: Apache-2.0
"""A file system of a few hundred megabytes of its own, to be filled up."""
import os
import pathlib
import tempfile

from harness import host

MEGABYTE = 1 << 20


class SmallDisk:
    def __init__(self, megabytes):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="rt-disk-", dir="/var/tmp"))
        self.image, self.path = self.base / "image", self.base / "mounted"
        with open(self.image, "wb") as file:
            file.truncate(megabytes * MEGABYTE)
        self.path.mkdir()
        self.must("mkfs.ext4", "-q", "-m", "0", self.image)
        self.must("mount", "-o", "loop", self.image, self.path)

    @staticmethod
    def must(*command):
        result = host.run(*command)
        assert result.returncode == 0, f"{command}: {result.stderr}"

    def free_megabytes(self):
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize // MEGABYTE

    def fill(self, leave):
        """Takes all but `leave` megabytes."""
        with open(self.path / "filler", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, (self.free_megabytes() - leave) * MEGABYTE)

    def empty(self):
        (self.path / "filler").unlink()

    def close(self):
        host.run("umount", "-l", self.path)
        self.image.unlink(missing_ok=True)
        self.path.rmdir()
        self.base.rmdir()
