# SPDX-License-Identifier: Apache-2.0
"""Two stores on one host stand for two nodes; a directory is the place elsewhere."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from harness import s3
from harness.certificates import Authority, serving
from harness.counting import assert_memory_is_whole, assert_moves_on
from harness.leftovers import assert_nothing_left
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")


def flip_a_bit(file):
    """In its middle; a second time mends it."""
    with open(file, "r+b") as opened:
        opened.seek(file.stat().st_size // 2)
        byte = opened.read(1)[0]
        opened.seek(-1, os.SEEK_CUR)
        opened.write(bytes([byte ^ 1]))


class Node:
    """The product with another store."""

    def __init__(self, product, store):
        self.product, self.store, self.first = product, store, product.store

    def __enter__(self):
        self.product.store = self.store
        self.product.write_runtime()
        return self.product

    def __exit__(self, *_):
        self.product.store = self.first
        self.product.write_runtime()


@pytest.fixture(name="depot")
def fixture_depot(product, monkeypatch):
    """A remote, and one key-encryption key for both nodes, as an administrator gives it to them."""
    configuration = product.base / "reprise.toml"
    depot = product.base / "depot"
    configuration.write_text(f'[store]\nkey_file = "{product.base}/key"\n'
                             f'[remote.depot]\nurl = "file://{depot}"\n', encoding="ascii")
    monkeypatch.setenv("REPRISE_CONFIG", str(configuration))
    original = product.write_runtime

    def write_runtime(fault=None, before=()):
        original(fault, [f"export REPRISE_CONFIG={configuration}", *before])
    monkeypatch.setattr(product, "write_runtime", write_runtime)
    product.write_runtime()
    return depot


def documented_commands():
    """The blocks of the chapter "A second machine", each a list of commands."""
    text = (pathlib.Path(__file__).parents[2] / "docs/remotes.md").read_text(encoding="utf-8")
    chapter = text.partition("## A second machine")[2].partition("\n## ")[0]
    return [block.strip().splitlines() for block in re.findall(r"```sh\n(.*?)```", chapter, re.S)]


def run_documented(product, commands, first):
    for command in commands:
        if command.startswith("reprise "):
            product.reprise(*command.split()[1:])
            continue
        local = command.replace("scp ", "cp ").replace("first:/etc/reprise", str(first))
        subprocess.run(local.replace("/etc/reprise", str(product.store)), shell=True, check=True,
                       timeout=60)


def test_the_documented_steps_lead_to_a_second_machine(container, product, monkeypatch):
    """Each has a store and a key of its own: the second one could neither push nor pull."""
    configuration = product.base / "reprise.toml"
    configuration.write_text(f'[remote.depot]\nurl = "file://{product.base}/depot"\n', "ascii")
    monkeypatch.setenv("REPRISE_CONFIG", str(configuration))
    first, second = documented_commands()
    name = container.name
    first, second = ([line.replace("counter ", f"{name} ") for line in lines]
                     for lines in (first, second))
    container.run_workload("counter.py", "--mb", 10)
    run_documented(product, first, None)
    container.remove()
    first_store = product.store
    with Node(product, product.base / "second") as other:
        other.store.mkdir()
        run_documented(other, second, first_store)
        container.refresh()
        assert_moves_on(container)
        assert_memory_is_whole(container)
        assert [row["tag"] for row in other.checkpoints()] == ["moving"]
        # And the other way.
        mine = other.json("checkpoint", "create", name)["checkpoint"]
        other.reprise("checkpoint", "push", mine, "depot")
        container.remove()
        key = other.store / "store.key"
    product.reprise("checkpoint", "rm", "moving")
    denied = product.reprise("restore", "--from", "depot", mine, check=False)
    assert denied.returncode != 0 and "store.key.d" in denied.stderr, denied
    (product.store / "store.key.d").mkdir()
    shutil.copy(key, product.store / "store.key.d" / "second")
    product.reprise("restore", "--from", "depot", name)
    assert product.checkpoints()[0]["id"] == mine
    container.refresh()
    assert_moves_on(container)


def assert_comes_from_the_bucket(container, other, checkpoint):
    """The other node takes the container up, which is removed again."""
    other.reprise("restore", "--from", "bucket", checkpoint)
    container.refresh()
    assert_moves_on(container)
    assert_memory_is_whole(container)
    assert_nothing_left(container)
    container.remove()


def test_a_container_goes_on_at_another_node(container, product, depot):
    container.run_workload("counter.py", "--mb", 40)
    product.reprise("checkpoint", "create", container.name, "--tag", "moving")
    pushed = product.json("checkpoint", "push", "moving")
    assert pushed["remote"] == "depot" and pushed["bytes"] > 40 << 20
    assert product.json("checkpoint", "push", "moving", f"file://{depot}")["packs"] == 0
    identity = pushed["checkpoint"]
    copies = {one["remote"]: one["state"] for one in product.checkpoints()[0]["copies"]}
    assert copies["depot"] == "there"
    assert "depot" in product.reprise("checkpoint", "ls").stdout
    container.remove()
    shutil.rmtree(product.store)  # the first node is gone
    with Node(product, product.base / "other") as other:
        assert other.checkpoints() == []
        assert other.reprise("checkpoint", "pull", identity[:6]).returncode == 0
        assert identity in other.reprise("checkpoint", "ls", "--remote", "depot").stdout
        assert other.json("checkpoint", "pull", identity)["blocks"] == 0
        other.reprise("checkpoint", "rm", identity)
        other.reprise("store", "gc")
        other.reprise("restore", "--from", "depot", identity)
        container.refresh()
        assert_moves_on(container)
        assert_memory_is_whole(container)
        assert_nothing_left(container)
        container.remove()


def test_a_container_is_fetched_from_another_nodes_store(container, product, depot, tmp_path):
    """No depot between: the first node serves its store, the second restores from it."""
    container.run_workload("counter.py", "--mb", 40)
    identity = product.json("checkpoint", "create", container.name)["checkpoint"]
    authority = Authority(tmp_path)
    with serving(product, authority) as url:
        with open(os.environ["REPRISE_CONFIG"], "a", encoding="ascii") as configuration:
            cert, key = authority.issue("reader")
            configuration.write(f'[remote.first]\nurl = "{url}"\nca_file = "{authority.cert}"\n'
                                f'cert_file = "{cert}"\nkey_file = "{key}"\n')
        container.remove()
        with Node(product, product.base / "other") as other:
            # Of a new store the key is another one; the remote has that which is needed.
            assert identity in other.reprise("checkpoint", "ls", "--remote", "first").stdout
            other.reprise("restore", "--from", "first", identity)
            assert identity in other.reprise("checkpoint", "ls", "--remote", "first").stdout
            container.refresh()
            assert_moves_on(container)
            assert_memory_is_whole(container)
            refused = other.reprise("checkpoint", "push", identity, "first", check=False)
            assert refused.returncode == 6 and "another node's store" in refused.stderr
            assert_nothing_left(container)
            container.remove()
    assert not depot.exists()


def configure_bucket(endpoint, directory, more=""):
    secret = directory / "secret"
    secret.write_text(s3.SECRET, encoding="ascii")
    secret.chmod(0o600)
    with open(os.environ["REPRISE_CONFIG"], "a", encoding="ascii") as configuration:
        configuration.write(f'[remote.bucket]\nurl = "s3://bucket/cluster"\n'
                            f'endpoint = "{endpoint}"\naccess_key = "{s3.ACCESS}"\n'
                            f'secret_key_file = "{secret}"\n{more}')


def test_a_bucket_survives_the_node(container, product, depot, tmp_path):
    """Uploaded on its own after the stop; the node is lost, and so is one bit of what it left."""
    with s3.bucket(tmp_path / "s3") as endpoint:
        configure_bucket(endpoint, tmp_path, "upload = true\n")
        container.run_workload("counter.py", "--mb", 40)
        container.stop()
        identity = product.checkpoints()[0]["id"]
        there = {"remote": "bucket", "state": "there"}
        wait_for(lambda: there in product.checkpoints()[0]["copies"], 60,
                 "the checkpoint to be uploaded")
        container.remove()
        shutil.rmtree(product.store)
        pack = max((tmp_path / "s3/bucket/cluster/packs").iterdir(),
                   key=lambda path: path.stat().st_size)
        with Node(product, product.base / "other") as other:
            flip_a_bit(pack)
            refused = other.reprise("restore", "--from", "bucket", identity, check=False)
            assert refused.returncode == 8 and pack.stem in refused.stderr
            assert other.checkpoints() == [] and not container.exists()
            flip_a_bit(pack)
            assert_comes_from_the_bucket(container, other, identity)
    assert not depot.exists()


def test_checkpoints_are_uploaded_in_the_background(container, product, depot):
    with open(os.environ["REPRISE_CONFIG"], "a", encoding="ascii") as configuration:
        configuration.write("upload = true\n")
    # The upload that the stop starts is killed between its packs and the checkpoint's file.
    once = product.base / "once"
    once.touch()
    product.write_runtime(fault=f"push-packs:kill:{once}")
    container.run_workload("counter.py", "--mb", 20)
    container.stop()
    wait_for(lambda: not once.exists(), 60, "the upload to be killed")
    identity = product.checkpoints()[0]["id"]  # also starts the next upload
    wait_for((depot / "checkpoints" / identity).exists, 60, "the checkpoint to be uploaded")
    wait_for(lambda: product.checkpoints()[0]["copies"] == [{"remote": "depot", "state": "there"}],
             20, "the catalog to say so")
    # A remote that cannot be reached is in nobody's way.
    product.write_runtime()
    shutil.rmtree(depot)
    depot.touch()
    container.start()
    assert_moves_on(container)
    container.stop()
    newest = product.checkpoints()[0]["id"]
    assert newest != identity
    # It was told by 'store upload' alone, which nobody calls; a list said "uploading" for ever.
    wait_for(lambda: "uploads fail since" in product.reprise("doctor", check=False).stdout, 60,
             "doctor to tell of the uploads")
    for command in ("ps", "logs"):
        told = product.reprise(command).stderr
        assert "not at 'depot'" in told and f"{depot}" in told and "store upload" in told, told
    assert "depot (upload fails)" in product.reprise("checkpoint", "ls").stdout
    assert product.checkpoints()[0]["copies"] == [{"remote": "depot", "state": "failing"}]
    assert product.reprise("store", "upload", check=False).returncode in (0, 9)
    depot.unlink()
    product.reprise("store", "upload")
    wait_for((depot / "checkpoints" / newest).exists, 60, "the checkpoint to be uploaded")
    wait_for(lambda: product.reprise("ps").stderr == "", 60, "nothing to be told any more")


def test_what_nobody_needs_in_a_bucket_is_freed(container, product, depot, tmp_path):
    """Of two checkpoints that share pages one is removed there; the other one still restores."""
    with s3.bucket(tmp_path / "s3") as endpoint:
        configure_bucket(endpoint, tmp_path)
        container.run_workload("counter.py", "--mb", 20)
        kept = product.json("checkpoint", "create", container.name)["checkpoint"]
        gone = product.json("checkpoint", "create", container.name)["checkpoint"]
        for identity in (kept, gone):
            product.reprise("checkpoint", "push", identity, "bucket")
        there = tmp_path / "s3/bucket/cluster"
        before = set(there.glob("packs/*"))
        product.reprise("checkpoint", "rm", "--remote", "bucket", gone)
        assert [path.name for path in there.glob("checkpoints/*")] == [kept]
        copies = {one["id"]: one["copies"] for one in product.checkpoints()}
        assert copies == {kept: [{"remote": "bucket", "state": "there"}], gone: []}
        # Young packs may be those of an upload that was interrupted.
        assert "kept" in product.reprise("store", "gc", "--remote", "bucket").stdout
        assert set(there.glob("packs/*")) == before
        # A gc that is killed in the middle is in nobody's way.
        killed = product.begin("store", "gc", "--remote", "bucket", "--grace", "0",
                               environment={**product.environment(),
                                            "REPRISE_FAULT": "remote-gc-announced:kill"})
        killed.communicate(timeout=60)
        assert killed.returncode == -9 and len(list(there.glob("notices/*"))) == 1
        product.reprise("checkpoint", "push", gone, "bucket")
        assert set(there.glob("packs/*")) == before
        product.reprise("checkpoint", "rm", "--remote", "bucket", gone)
        product.reprise("store", "gc", "--remote", "bucket", "--grace", "0")
        left = set(there.glob("packs/*"))
        assert left and left < before and not list(there.glob("notices/*"))
        assert [path.name for path in there.glob("notes/*")] == [kept]
        container.remove()
        with Node(product, product.base / "other") as other:
            assert_comes_from_the_bucket(container, other, kept)
    assert not depot.exists()
