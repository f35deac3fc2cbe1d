# SPDX-License-Identifier: Apache-2.0
"""File systems of a few hundred megabytes of their own, to be filled up or to lose power."""
import errno
import os
import pathlib
import shutil
import tempfile

from harness import host

MEGABYTE = 1 << 20


def must(*command):
    result = host.run(*command)
    assert result.returncode == 0, f"{command}: {result.stderr}"
    return result.stdout


class Mounted:
    """A directory with a file system mounted on it by `mount OPTIONS SOURCE`."""

    def __init__(self, source, *options):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="rt-disk-", dir="/var/tmp"))
        self.path = self.base / "mounted"
        self.path.mkdir()
        try:
            must("mount", *options, source, self.path)
        except AssertionError:
            shutil.rmtree(self.base)
            raise

    def free_megabytes(self):
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize // MEGABYTE

    def fill(self, leave):
        """Takes all but `leave` megabytes."""
        with open(self.path / "filler", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, (self.free_megabytes() - leave) * MEGABYTE)

    def fill_to_the_last_byte(self):
        with open(self.path / "filler", "ab", buffering=0) as file:
            for size in (MEGABYTE, 4096, 1):
                try:
                    while file.write(b"x" * size):
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def empty(self):
        (self.path / "filler").unlink()

    def close(self):
        host.run("umount", "-l", self.path)
        self.path.rmdir()
        self.base.rmdir()


class SmallTmpfs(Mounted):
    def __init__(self, megabytes):
        super().__init__("tmpfs", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700")


class SmallDisk(Mounted):
    """ext4 in a file, by a loop device with direct I/O: the file holds what the device was given,
    and nothing that is still in a cache."""

    def __init__(self, megabytes):
        self.images = pathlib.Path(tempfile.mkdtemp(prefix="rt-image-", dir="/var/tmp"))
        self.image = self.images / "disk"
        with open(self.image, "wb") as file:
            file.truncate(megabytes * MEGABYTE)
        must("mkfs.ext4", "-q", "-m", "0", self.image)
        self.device = must("losetup", "--find", "--show", "--direct-io=on", self.image).strip()
        super().__init__(self.device)

    def after_power_cut(self):
        """The disk as a host finds it that loses power at this moment and boots again. The caller
        makes sure that whoever writes to it stands still, and closes it."""
        copy = self.images / "after"
        must("cp", "--sparse=always", self.image, copy)
        return Mounted(copy, "-o", "loop")  # the journal is replayed

    def close(self):
        super().close()
        host.run("losetup", "--detach", self.device)
        shutil.rmtree(self.images)
