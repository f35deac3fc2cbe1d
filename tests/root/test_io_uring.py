# SPDX-License-Identifier: Apache-2.0
"""io_uring and Multipath TCP cannot be saved, so containers under Reprise are told that the kernel has
none: where they have a seccomp filter, since one of ours would not go unnoticed."""
import json

import pytest
from harness.counting import assert_moves_on, assert_resumes, assert_unbroken
from harness.leftovers import assert_nothing_left

pytestmark = pytest.mark.requires("root", "criu", "podman", "io_uring")

TRY = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
fd = libc.syscall(425, 4, ctypes.create_string_buffer(120))
print(errno.errorcode[ctypes.get_errno()] if fd < 0 else "a ring")
"""
# What each kind of socket answers, by domain, type and protocol.
SOCKETS = """
import errno, socket
for kind in (2, 1, 262), (10, 1, 262), (2, 1, 0), (2, 1, 6), (10, 2, 17), (1, 1, 0), (16, 3, 0), (16, 3, 9):
    try:
        socket.socket(*kind).close()
        print(kind, "works")
    except OSError as error:
        print(kind, errno.errorcode[error.errno])
"""
STRICT = """
import ctypes, os
if os.fork() == 0:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(22, 1, 0, 0, 0) == 0:  # PR_SET_SECCOMP, SECCOMP_MODE_STRICT
        libc.syscall(60, 0)  # exit
    os._exit(1)
print("strict", os.wait()[1])
"""
UNCONFINED = ("--security-opt", "seccomp=unconfined")
PRIVILEGED = ("--privileged",)
ALLOWED = ("--annotation", "reprise.dev/io-uring=allow")


def try_inside(container):
    """What a program that is executed in the container gets."""
    return container.exec("python3", "-c", TRY).strip()


def test_programs_fall_back(container):
    container.run_workload("counter.py", "--try-io-uring")
    sockets = container.exec("python3", "-c", SOCKETS).splitlines()
    assert sockets == ["(2, 1, 262) EPROTONOSUPPORT", "(10, 1, 262) EPROTONOSUPPORT", "(2, 1, 0) works",
                       "(2, 1, 6) works", "(10, 2, 17) works", "(1, 1, 0) works", "(16, 3, 0) works",
                       "(16, 3, 9) EINVAL"]
    assert try_inside(container) == "ENOSYS"
    for life in (1, 2):
        container.wait_for_line("IO_URING ENOSYS", count=life)  # by init, under CRIU's filter
        container.stop()
        assert_resumes(container)
        container.ask("try")
        assert try_inside(container) == "ENOSYS"
        assert container.exec("python3", "-c", SOCKETS).splitlines() == sockets
    container.wait_for_line("IO_URING ENOSYS", count=3)
    assert "IO_URING works" not in container.lines()


@pytest.mark.parametrize("options", [UNCONFINED, PRIVILEGED], ids=["unconfined", "privileged"])
def test_no_filter_where_none_is_wanted(container, product, options):
    """The filter of ours was seen by programs that have one of their own: strict mode failed (EINVAL)."""
    container.run_workload("counter.py", options=options)
    for _ in range(2):
        assert "\nSeccomp:\t0\n" in container.proc_status()
        assert container.exec("python3", "-c", STRICT) == "strict 0\n"
        assert try_inside(container) == "a ring"
        container.stop()
        assert_resumes(container)
    assert len(product.checkpoints()) == 2


@pytest.mark.parametrize("options", [(*UNCONFINED, *ALLOWED), PRIVILEGED], ids=["allowed", "privileged"])
def test_a_ring_is_named_and_the_checkpoint_refused(container, product, options):
    container.run_workload("counter.py", "--hold", "io_uring", options=options)
    refused = product.reprise("checkpoint", "create", container.name, check=False)
    assert refused.returncode != 0
    assert "io_uring" in refused.stderr and "reprise.dev/io-uring" in refused.stderr
    assert_nothing_left(container)
    assert_moves_on(container)
    assert_unbroken(container.lines())
    assert product.checkpoints() == []


def test_only_where_it_was_asked_for(container):
    container.run_workload("counter.py", opt_in=False, options=UNCONFINED)
    assert try_inside(container) == "a ring"


def test_broken_configuration_is_left_to_runc(product, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({
        "ociVersion": "1.0.2", "annotations": {"reprise.dev/on-stop": "checkpoint"},
        "root": {"path": "rootfs"}, "linux": {"seccomp": {"syscalls": [{"names": 7}]}}}))
    before = (tmp_path / "config.json").read_bytes()
    result = product.call_runtime("create", "--bundle", tmp_path, "rt-broken")
    assert result.returncode != 0 and "reprise" not in result.stderr
    assert (tmp_path / "config.json").read_bytes() == before
    # Printing it again ended the wrapper (SIGSEGV).
    nested = "[" * 3_000_000 + "]" * 3_000_000
    (tmp_path / "config.json").write_bytes(before[:-1] + b',"x":' + nested.encode() + b"}")
    result = product.call_runtime("create", "--bundle", tmp_path, "rt-broken")
    assert result.returncode != 0 and "is nested too deep" in result.stderr
