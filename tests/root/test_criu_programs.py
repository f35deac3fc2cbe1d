# SPDX-License-Identifier: Apache-2.0
"""A few of CRIU's own test programs, those that once failed; tests/foreign runs all of them."""
import pytest
from harness import host

pytestmark = pytest.mark.requires("criu-programs")

PROGRAMS = ("sigtrap01", "rseq03", "stopped03", "inotify01", "shmemfd", "netns_sub", "netns_sub_veth",
            "tun_ns", "socket-tcpbuf", "mntns_overmount", "file_locks06", "pthread01")


def test_they_find_everything_as_it_was():
    only = [word for name in PROGRAMS for word in ("--only", name)]
    run = host.run(host.CHECKOUT / "tests/foreign/criu-programs", *only, timeout=800)
    for mode in ("clone", "place"):
        assert f"{mode}: {len(PROGRAMS)} of {len(PROGRAMS)} passed" in run.stdout, run.stdout + run.stderr
    assert run.returncode == 0
