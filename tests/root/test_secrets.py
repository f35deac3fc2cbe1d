# SPDX-License-Identifier: Apache-2.0
"""Nothing that a session writes holds a secret of the container in plain, nor does what is pushed."""
import os
import pathlib
import secrets
import signal
import subprocess

import pytest
from harness.container import podman
from harness.counting import assert_moves_on
from harness.leftovers import assert_nothing_left, spools, stopped_session

pytestmark = pytest.mark.requires("root", "criu", "podman")


def files_below(*roots):
    for root in roots:
        for directory, _, names in os.walk(root):
            yield from (pathlib.Path(directory) / name for name in names)


def places_of(secrets_of, *roots):
    """Which file holds which secret, of all that are there now."""
    found = []
    for file in files_below(*roots):
        try:
            content = file.read_bytes() if file.is_file() else b""
        except FileNotFoundError:
            continue
        found += [f"{kind} in {file}" for kind, secret in secrets_of.items()
                  if secret.encode() in content]
    return found


def test_no_secret_is_written_in_plain(container, product):
    """`podman run --env` and arguments lay in the catalog for good, and in staging for a session."""
    depot = product.base / "depot"
    known = {kind: f"rt{kind}{secrets.token_hex(12)}" for kind in
             ("env", "argument", "secret", "file", "memory")}
    ours = (product.store, product.run_dir, depot)
    name = "rt-" + secrets.token_hex(4)
    subprocess.run(["podman", "secret", "create", name, "-"], input=known["secret"], text=True,
                   check=True, capture_output=True, timeout=60)
    try:
        container.run("sh", "-c", "exec python3 -u /workloads/counter.py --mb 5", known["argument"],
                      options=("--env", f"SECRET={known['env']}", "--secret", name))
        container.exec("sh", "-c", f"echo {known['file']} >/root/file; echo {known['memory']} >/dev/shm/m")
        product.write_runtime(fault="before-dump:stop")
        stopping = container.begin("stop", "-t", 60, container.name)
        session = stopped_session(product)
        assert not places_of(known, *ours)
        product.write_runtime()
        os.kill(session, signal.SIGCONT)
        assert stopping.wait(timeout=120) == 0
        assert_nothing_left(container)
        assert not places_of(known, *ours)
        [checkpoint] = product.checkpoints()
        product.reprise("checkpoint", "push", checkpoint["id"], f"file://{depot}")
        assert not places_of(known, *ours)
        container.start()
        assert_moves_on(container)
        assert known["file"] in container.exec("cat", "/root/file")
        assert not places_of(known, *ours)
        product.reprise("checkpoint", "rm", checkpoint["id"])
        assert not places_of(known, *ours)
    finally:
        podman("secret", "rm", name)


@pytest.mark.parametrize("ends", [True, False], ids=["ends", "runs-on"])
def test_memory_and_files_lie_nowhere_while_they_are_taken(container, product, ends):
    """CRIU wrote memory into files, and tar file changes beside the store."""
    known = {kind: f"rt{kind}{secrets.token_hex(12)}" for kind in ("env", "file", "shared")}
    container.run("sh", "-c", "exec python3 -u /workloads/counter.py --mb 5",
                  options=("--env", f"SECRET={known['env']}"))
    container.exec("sh", "-c", f"echo {known['file']} >/root/file; echo {known['shared']} >/dev/shm/m")
    product.write_runtime(fault="files-copied:stop")
    taking = (container.begin("stop", "-t", 60, container.name) if ends
              else product.begin("checkpoint", "create", container.name, environment={
                  **product.environment(), "REPRISE_FAULT": "files-copied:stop"}))
    session = stopped_session(product)
    try:
        places = spools(product)
        assert places, "there is no spool to look into"
        assert any(file.name.startswith("pagemap-") for file in files_below(*places))
        assert not any(file.name.startswith("pages-") for file in files_below(*places))
        assert not places_of(known, product.store, product.run_dir, *places)
    finally:
        product.write_runtime()
        os.kill(session, signal.SIGCONT)
    assert taking.wait(timeout=120) == 0
    assert_nothing_left(container)
    if ends:
        container.start()
    assert_moves_on(container)
    assert known["file"] in container.exec("cat", "/root/file")
    assert known["shared"] in container.exec("cat", "/dev/shm/m")
