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
from harness.leftovers import assert_nothing_left, stopped_session

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
