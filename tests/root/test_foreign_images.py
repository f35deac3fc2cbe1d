# SPDX-License-Identifier: Apache-2.0
"""Images in an archive that ask for more than their new container has: nothing of the host is
reached, and the refusal says what it was. All of these gave it, in silence."""
import copy
import io
import tarfile

import pytest
from harness import host
from harness.archives import make_tar, read_tar, tar_entry
from harness.container import podman, unique_name
from harness.images import Message, change_images
from harness.leftovers import staged

pytestmark = pytest.mark.requires("root", "criu", "podman")

EVERYTHING = 0xFFFFFFFF, 0x1FF
TMPFS, CGROUP, OVERLAY = 5, 12, 17




def exported(container, product):
    """The members of the archive of a container that has a deleted file open, a tmpfs and a thread."""
    container.run("python3", "-u", "-c", "import os, tempfile, threading, time\n"
                  "f = open('/tmp/gone', 'w+'); f.write('x'); f.flush(); os.unlink('/tmp/gone')\n"
                  "threading.Thread(target=time.sleep, args=(3600,)).start()\n"
                  "print('READY'); time.sleep(3600)",
                  options=("--cap-drop", "all", "--tmpfs", "/scratch"))
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    path = product.base / "first.tar"
    product.reprise("checkpoint", "export", "--compress", "none", checkpoint, path)
    container.remove()
    return read_tar(path.read_bytes())


def in_credentials(change):
    def in_core(messages):
        messages[0].change(5, lambda thread: thread.change(10, change))
    return lambda entries: change_images(entries, "core-", in_core)


def all_capabilities(creds):
    for field in (9, 10, 11, 12, 19):
        creds.set(field, *EVERYTHING)


def no_seccomp(entries):
    return change_images(entries, "core-",
                         lambda messages: messages[0].change(5, lambda one: one.drop(11, 12)))


def seccomp_twice(entries):
    """For a reader that takes the last, another one than for one that takes the first."""
    return change_images(entries, "core-",
                         lambda messages: messages[0].change(5, lambda one: one.add(11, 0)))


def unlimited(entries):
    def all_limits(limits):
        limits.fields = [[1, 2, Message().add(1, 2**64 - 1).add(2, 2**64 - 1).encode()]
                         for _ in limits.fields]
    return change_images(entries, "core-", lambda messages: messages[0].get(3) and messages[0].change(
        3, lambda task: task.get(8) and task.change(8, all_limits)))


def added_mount(kind, source, options, **fields):
    def change(messages):
        [base] = [one for one in messages if one.get(7) == b"/proc"]
        mount = Message(base.encode())
        mount.set(1, kind).set(2, 9999).set(3, 0x7777).set(5, 0).set(6, fields.get("root", "/"))
        mount.set(7, "/mnt").set(8, source).set(9, options).drop(17)
        if "external" in fields:
            mount.set(18, fields["external"])
        messages.append(mount)
    return lambda entries: change_images(entries, "mountpoints-", change)


def unprotected_proc(entries):
    def change(messages):
        messages[:] = [one for one in messages if one.get(7) != b"/proc/sys"]
    return change_images(entries, "mountpoints-", change)


def hosts_processes(entries):
    """CRIU takes two equal numbers for the same namespace: its own."""
    ids = next(content for info, content in entries if info.name.endswith("/ids-1.img"))
    pid = Message(ids[12:]).get(5)
    return change_images(entries, "inventory", lambda messages: messages[0].change(
        3, lambda host: host.set(5, pid)))


def root_cgroup(entries):
    def change(messages):
        def in_set(one):
            one.fields = [[2, 2, Message(value).set(2, "/").encode()] if field == 2 else
                          [field, wire, value] for field, wire, value in one.fields]
        messages[0].change(1, in_set)
    return change_images(entries, "cgroup", change)


def open_above(entries):
    def change(messages):
        for entry in messages:
            if entry.get(1) == 1:
                entry.change(3, lambda file: file.set(6, "/../../etc/shadow"))
    return change_images(entries, "files", change)


def device_in_ghost(entries):
    def change(messages):  # what follows is contents, not messages
        messages[:] = [messages[0].set(3, 0o060666).set(6, 0xFE00)]
    changed = []
    for info, content in entries:
        if "/ghost-file-" in info.name:
            size = int.from_bytes(content[8:12], "little")
            ghost = Message(content[12:12 + size]).set(3, 0o060666).set(6, 0xFE00).encode()
            content = content[:8] + len(ghost).to_bytes(4, "little") + ghost + content[12 + size:]
            info = copy.copy(info)
            info.size = len(content)
        changed.append((info, content))
    return changed


def device_in_tmpfs(entries):
    changed = []
    for info, content in entries:
        if "/tmpfs-dev-" in info.name:
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
                tar.addfile(tar_entry("./disk", tarfile.BLKTYPE, devmajor=254, devminor=0)[0])
            content = buffer.getvalue()
            info = copy.copy(info)
            info.size = len(content)
        changed.append((info, content))
    return changed


def other_image(name):
    return lambda entries: entries + [tar_entry(f"checkpoint/{name}", content=b"x")]


CASES = {
    "all capabilities": (in_credentials(all_capabilities), "asks for CAP_"),
    "no seccomp": (no_seccomp, "without a seccomp filter"),
    "one field twice": (seccomp_twice, "is damaged"),
    "no limits": (unlimited, "RLIMIT_"),
    "the host's /etc by an overlay": (
        added_mount(OVERLAY, "overlay", "lowerdir=/etc:/root"), "the mount '/mnt'"),
    "the host's cgroups": (added_mount(CGROUP, "cgroup", "memory"), "the cgroups of the host"),
    "the host's /etc by a key": (
        added_mount(TMPFS, "tmpfs", "", external="/etc"), "'/etc' of the host"),
    "a part of another mount": (
        added_mount(TMPFS, "tmpfs", "", root="/link"), "'/link' of another mount"),
    "the kernel's settings": (unprotected_proc, "'/proc/sys' as the host has it"),
    "the host's processes": (hosts_processes, "the pid namespace of the host"),
    "the root cgroup": (root_cgroup, "the cgroup '/'"),
    "a file above the root": (open_above, "'/../../etc/shadow'"),
    "a disk as a deleted file": (device_in_ghost, "the device 254:0"),
    "a disk in a tmpfs": (device_in_tmpfs, "the device 254:0"),
    "an image of policies": (other_image("apparmor.img"), "'apparmor.img'"),
    "an image that nobody knows": (other_image("shiny.img"), "'shiny.img'"),
}


def restore(product, path, check):
    checkpoint = product.json("checkpoint", "import", path)["checkpoint"]
    name = unique_name()
    result = product.reprise("restore", checkpoint, "--name", name, "--", "--cap-drop", "all",
                             "--tmpfs", "/scratch", "--volume", f"{host.WORKLOADS}:/workloads:ro",
                             check=check)
    product.reprise("checkpoint", "rm", checkpoint, check=False)
    return name, result


def test_none_is_given_what_its_container_lacks(new_container, product):
    entries = exported(new_container(), product)
    path = product.base / "evil.tar"
    failures = []
    for what, (change, words) in CASES.items():
        path.write_bytes(make_tar(change(list(entries))))
        name, refused = restore(product, path, check=False)
        there = podman("container", "exists", name, check=False).returncode == 0
        if there:
            podman("rm", "-f", "-t", "0", name)
        if refused.returncode == 0 or words not in refused.stderr or there or staged(product):
            failures.append((what, refused.returncode, refused.stderr))
    assert not failures, "\n".join(map(str, failures))


def test_the_filter_of_the_new_container_holds(new_container, product):
    """An honest archive is restored, and one whose filters allow everything is under the container's
    own nevertheless."""
    entries = exported(new_container(), product)
    # return SECCOMP_RET_ALLOW, for all threads
    allow = Message().add(1, bytes.fromhex("060000000000ff7f")).add(3, 1).encode()

    def allow_all(messages):
        messages[0].fields = [[1, 2, allow] for _ in messages[0].fields]
    path = product.base / "archive.tar"
    for changed, filters in ((entries, 2), (change_images(entries, "seccomp", allow_all), 2)):
        path.write_bytes(make_tar(changed))
        name, _ = restore(product, path, check=True)
        clone = new_container(name)
        clone.refresh()
        status = dict(line.split(":\t", 1) for line in
                      open(f"/proc/{clone.pid}/status", encoding="ascii").read().splitlines()
                      if ":\t" in line)
        assert (status["Seccomp"], status["Seccomp_filters"]) == ("2", str(filters))
        assert set(status[one] for one in ("CapPrm", "CapEff", "CapBnd")) == {"0" * 16}
        clone.remove()
