# SPDX-License-Identifier: Apache-2.0
"""Archives that are damaged, or made to reach beyond their place: refused by name, nothing kept."""
import gzip
import json
import os
import shutil
import tarfile

import pytest
from harness.archives import CONFIG, SPEC, make_tar, plausible, tar_entry
from harness.container import podman
from harness.leftovers import staged

pytestmark = pytest.mark.requires("root", "podman")

CORRUPT, IO = 8, 9  # exit statuses: ErrorCode::kCorrupt, kIo


def tree(*entries):
    return plausible(rootfs_diff__tar=make_tar(entries))


def with_entry(*entries):
    return plausible() + list(entries)


def without(name):
    return [entry for entry in plausible() if entry[0].name != name]


def config(**fields):
    return plausible(config__dump=json.dumps({**CONFIG, **fields}).encode())


def whole():
    """An archive, and where its last member ends."""
    data = make_tar(plausible())
    return data, len(data.rstrip(b"\0")) + -len(data.rstrip(b"\0")) % 512


def declared_huge():
    """A header alone, which promises 1 PiB."""
    header = tar_entry("checkpoint/pages-1.img")[0]
    header.size = 1 << 50
    return b"".join(info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)
                    for info, content in plausible()) + header.tobuf(tarfile.GNU_FORMAT)


LINK, HARD, DIRECTORY = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
CASES = {
    "a link instead of config.dump": (
        without("config.dump") + [tar_entry("config.dump", LINK, linkname="/etc/shadow")],
        CORRUPT, "'config.dump' is a symbolic link"),
    "a link among the images": (
        with_entry(tar_entry("checkpoint/core-1.img", LINK, linkname="../../x")),
        CORRUPT, "'checkpoint/core-1.img' is a symbolic link"),
    "a hard link to outside": (
        with_entry(tar_entry("checkpoint/core-1.img", HARD, linkname="/etc/shadow")),
        CORRUPT, "'checkpoint/core-1.img' is a hard link"),
    "a name with ..": (with_entry(tar_entry("checkpoint/../../../evil")), CORRUPT, "part '..'"),
    "an absolute name": (with_entry(tar_entry("/var/evil")), CORRUPT, "'/var/evil'"),
    "a terminal's control sequence": (
        with_entry(tar_entry("checkpoint/\x1b[2Jx")), CORRUPT, "'checkpoint/\\x1b[2Jx'"),
    "a device": (with_entry(tar_entry("checkpoint/sda", tarfile.BLKTYPE, devmajor=8)), CORRUPT,
                 "'checkpoint/sda' is a block device"),
    "a fifo": (with_entry(tar_entry("checkpoint/x", tarfile.FIFOTYPE)), CORRUPT,
               "'checkpoint/x' is a fifo"),
    "a member twice": (with_entry(tar_entry("checkpoint/inventory.img")), CORRUPT,
                       "'checkpoint/inventory.img' stands in it twice"),
    "a directory as a file": (without("spec.dump") + [tar_entry("spec.dump", DIRECTORY)], CORRUPT,
                              "'spec.dump' is a directory"),
    "images in a directory": (with_entry(tar_entry("checkpoint/a/b")), CORRUPT, "'checkpoint/a/b'"),
    "no inventory": (without("checkpoint/inventory.img"), CORRUPT,
                     "'checkpoint/inventory.img' is missing"),
    "no config.dump": (without("config.dump"), CORRUPT, "'config.dump' is missing"),
    "JSON that is none": (plausible(spec__dump=b"{"), CORRUPT, "'spec.dump'"),
    "JSON of another type": (plausible(config__dump=b"[]"), CORRUPT, "'config.dump'"),
    "JSON that is nested deep": (
        plausible(spec__dump=b'{"process":' + b"[" * 3_000_000 + b"]" * 3_000_000 + b"}"), CORRUPT,
        "'spec.dump'"),  # a copy of it recursed: SIGSEGV
    "an image that is an option": (config(rootfsImageName="--privileged"), CORRUPT,
                                   "'--privileged' cannot be the name of an image"),
    "a huge config.dump": (plausible(config__dump=b" " * (17 << 20)), CORRUPT, "'config.dump'"),
    "root file system: ..": (tree(tar_entry("../../etc/passwd")), CORRUPT, "'../../etc/passwd'"),
    "root file system: through a link": (
        tree(tar_entry("etc", LINK, linkname="/etc"), tar_entry("etc/passwd")), CORRUPT,
        "'etc/passwd' leads through 'etc', which is a symbolic link"),
    "root file system: hard link to outside": (
        tree(tar_entry("x", HARD, linkname="../../../etc/shadow")), CORRUPT, "'x' is a hard link"),
    "root file system: a device": (
        tree(tar_entry("dev/mem", tarfile.CHRTYPE, devmajor=1, devminor=1)), CORRUPT,
        "'dev/mem' is a character device"),
    "root file system: no archive": (plausible(rootfs_diff__tar=b"x" * 2000), CORRUPT,
                                     "'rootfs-diff.tar'"),
    "root file system: redirected": (
        tree(tar_entry("a", DIRECTORY, pax_headers={"SCHILY.xattr.trusted.overlay.redirect": "/"})),
        CORRUPT, "'trusted.overlay.redirect'"),
    "deleted files: ..": (plausible(deleted__files=b'["/../../etc"]'), CORRUPT, "'../../etc'"),
    "/dev/shm: a link": (
        plausible(devshm_checkpoint__tar=make_tar([tar_entry("a", LINK, linkname="/"),
                                                   tar_entry("a/b")])), CORRUPT, "'a/b'"),
    "an address that is an option": (
        plausible(network__status=json.dumps({"podman": {"interfaces": {"eth0": {"subnets": [
            {"ipnet": "10.0.0.1/8 dev eth0"}]}}}}).encode()), CORRUPT, "'10.0.0.1/8 dev eth0'"),
    "truncated behind a member": (whole()[0][:whole()[1]], CORRUPT, "truncated"),
    "truncated within one": (whole()[0][:whole()[1] - 500], CORRUPT, "Truncated"),
    "truncated when compressed": (gzip.compress(whole()[0])[:-20], CORRUPT, "archive"),
    "noise": (os.urandom(65536), CORRUPT, "not a readable tar archive"),
    "nothing": (b"", CORRUPT, "not a readable tar archive"),
    "declared larger than any disk": (declared_huge(), IO, "'checkpoint/pages-1.img' is declared"),
}


def test_each_is_refused_by_name_and_leaves_nothing(product, tmp_path):
    file = tmp_path / "archive"
    file.write_bytes(make_tar(plausible()))
    product.reprise("checkpoint", "import", file)  # else the refusals would prove nothing
    [imported] = product.checkpoints()
    product.reprise("checkpoint", "rm", imported["id"])
    failures = []
    for what, (archive, status, words) in CASES.items():
        file.write_bytes(archive if isinstance(archive, bytes) else make_tar(archive))
        refused = product.reprise("checkpoint", "import", file, check=False)
        left = staged(product) + product.checkpoints()
        if refused.returncode != status or words not in refused.stderr or refused.stdout or left:
            failures.append((what, refused.returncode, refused.stderr, left))
    assert not failures
    assert list((product.store / "checkpoints").iterdir()) == []
    assert not podman("image", "mount").stdout.strip()


def test_a_layout_that_is_nested_deep_is_refused_by_name(product, tmp_path):
    """Any text that somebody else wrote: copying or printing it recursed, and ended the process."""
    nested = "[" * 1_500_000 + "]" * 1_500_000
    (tmp_path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    for index in f'{{"manifests":{nested}}}', f'{{"manifests":[],"x":{nested}}}', nested:
        (tmp_path / "index.json").write_text(index)
        refused = product.reprise("checkpoint", "pull", f"oci:{tmp_path}", check=False)
        assert refused.returncode == CORRUPT and "index.json' is no JSON object" in refused.stderr
        assert staged(product) + product.checkpoints() == []


def test_nothing_of_an_archive_configures_the_container(product, tmp_path, monkeypatch):
    spec = {**SPEC, "hooks": {"prestart": [{"path": "/bin/touch", "args": ["touch", "/evil"]}]},
            "linux": {"resources": {"memory": {"limit": 1}}}}
    config_dump = {**CONFIG, "privileged": True, "networkMode": "host", "stdin": True,
                   "command": ["sleep", "--", "--privileged"], "labels": {"x": "y"}}
    spec["process"] = {"args": config_dump["command"], "capabilities": {"bounding": ["CAP_SYS_ADMIN"]}}
    file = tmp_path / "archive"
    file.write_bytes(make_tar(plausible(config__dump=json.dumps(config_dump).encode(),
                                        spec__dump=json.dumps(spec).encode())))
    imported = product.reprise("checkpoint", "import", file, "--tag", "wishes")
    assert "--network host" in imported.stderr
    # What is created is removed again, since CRIU's image here is none.
    calls = tmp_path / "calls"
    fake = tmp_path / "bin" / "podman"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\nprintf "%s\\n" podman "$@" END >>{calls}\n'
                    f'exec {shutil.which("podman")} "$@"\n', encoding="ascii")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    assert product.reprise("restore", "wishes", check=False).returncode != 0
    made = [call.split("\n") for call in calls.read_text(encoding="utf-8").split("\nEND\n")]
    [words] = [call for call in made if "create" in call]
    del words[words.index("--name"):words.index("--name") + 2]
    assert words == [
        "podman", "--runtime", str(product.runtime), "create", "--annotation",
        "reprise.dev/on-stop=checkpoint", "--interactive",
        f"--annotation=reprise.dev/restored-from={product.checkpoints()[0]['id']}", "--",
        CONFIG["rootfsImageName"], *config_dump["command"]]
