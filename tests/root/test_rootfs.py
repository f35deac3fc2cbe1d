# SPDX-License-Identifier: Apache-2.0
"""A shell whose root file system has files changed, deleted, renamed, linked and held open."""
import json

import pytest
from harness.journey import MADE_AGAIN, STOP_AND_START
from harness.leftovers import assert_nothing_left

pytestmark = pytest.mark.requires("root", "criu", "podman")

DELETED = ("/etc/debian_version", "/etc/profile", "/etc/pam.d")


def tree(container):
    found = container.exec("python3", "/workloads/tree.py", "/etc", "/data", "/usr/local")
    return json.loads(found)


def without(what, entries):
    return {path: {key: value for key, value in entry.items() if key != what}
            for path, entry in entries.items()}


def assert_same(after, before):
    """Compares path by path, so that a failure names the file."""
    assert sorted(after) == sorted(before)
    for path, entry in before.items():
        assert after[path] == entry, path


def assert_workload_changed_what_it_should(entries):
    """What the image has or has not, seen once, so that a later comparison cannot be of nothing."""
    for path in DELETED:
        assert path not in entries
    assert "/etc/skel/new" in entries and "/etc/skel/.bashrc" not in entries
    assert "/etc/pam.moved" in entries and "/etc/profile.moved" in entries
    assert entries["/data/one"]["links"] == 2
    assert entries["/data/one"]["inode"] == entries["/data/sub/one-again"]["inode"]
    assert bytes.fromhex(entries["/data/one"]["xattrs"]["user.reprise"]).endswith(b"with a zero")
    assert "security.capability" in entries["/data/owned"]["xattrs"]
    assert entries["/data/sparse"]["sparse"] and entries["/data/huge"]["sparse"]
    assert entries["/data/huge"]["size"] == 9 << 30 and entries["/data/device"]["device"] == 259
    assert entries["/data/stale"]["mode"] == "0o140640" and entries["/data/stale"]["uid"] == 1234
    assert any("line\nfeed \udcff" in path for path in entries)
    assert entries["/data/owned"]["mode"] == "0o104750" and entries["/data/owned"]["uid"] == 1234


def ask(container, count, answers):
    """The shell reads on in a file it holds open and writes and reads one that it has deleted.

    `count`: of all its questions, this one included; `answers`: how many this log will have then.
    """
    container.ask("ask")
    answer = container.wait_for_line("ANSWER", count=answers)
    gone = "content of a deleted file" if count == 1 else f"appended {count - 1}"
    # READY told line 1 of /data/numbers; the offset goes on from there.
    assert answer == f"ANSWER {count} next={count + 1} gone={gone}"


FIDELITY = ("Applications", "Shell with files changed, deleted, renamed, linked, sparse, owned by others, "
            "with extended attributes, and some held open")


@pytest.mark.fidelity(*FIDELITY)
def test_files_are_as_before_after_stop_and_start(container, fidelity):
    container.run_workload("files.sh", options=("--cap-add", "MKNOD"))
    before = tree(container)
    assert_workload_changed_what_it_should(before)
    ask(container, count=1, answers=1)
    for question in (2, 3):
        container.stop()
        container.start()
        # Inode numbers too: databases and log shippers remember files by them.
        assert_same(tree(container), before)
        ask(container, count=question, answers=question)
        assert_nothing_left(container)
    assert len([line for line in container.lines() if line.startswith("READY")]) == 1
    fidelity.survived(STOP_AND_START)


@pytest.mark.fidelity(*FIDELITY)
def test_files_are_as_before_in_a_container_made_again(container, product, fidelity):
    container.run_workload("files.sh", options=("--cap-add", "MKNOD"))
    before = tree(container)
    ask(container, count=1, answers=1)
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    # What is done after the checkpoint must not be there later.
    container.exec("sh", "-c", "echo later >>/data/one; touch /etc/debian_version; rm /data/old")
    container.remove()
    assert not container.exists()
    product.reprise("restore", checkpoint)
    container.refresh()
    assert_same(without("inode", tree(container)), without("inode", before))
    linked = tree(container)
    assert linked["/data/one"]["inode"] == linked["/data/sub/one-again"]["inode"]
    ask(container, count=2, answers=1)
    assert not [line for line in container.lines() if line.startswith("READY")]
    assert_nothing_left(container)
    fidelity.survived(MADE_AGAIN)
