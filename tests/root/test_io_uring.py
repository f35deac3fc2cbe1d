# SPDX-License-Identifier: Apache-2.0
"""io_uring cannot be saved, so containers under Reprise are told that the kernel has none."""
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
UNCONFINED = ("--security-opt", "seccomp=unconfined")
ALLOWED = ("--annotation", "reprise.dev/io-uring=allow")


def try_inside(container):
    """What a program that is executed in the container gets."""
    return container.exec("python3", "-c", TRY).strip()


@pytest.mark.parametrize("options", [UNCONFINED, ("--privileged",), ()],
                         ids=["unconfined", "privileged", "default"])
def test_programs_get_enosys(container, options):
    container.run_workload("counter.py", "--try-io-uring", options=options)
    assert try_inside(container) == "ENOSYS"
    for life in (1, 2):
        container.wait_for_line("IO_URING ENOSYS", count=life)  # by init, under CRIU's filter
        container.stop()
        assert_resumes(container)
        container.ask("try")
        assert try_inside(container) == "ENOSYS"
    container.wait_for_line("IO_URING ENOSYS", count=3)
    assert "IO_URING works" not in container.lines()


def test_annotation_allows_it_and_the_checkpoint_is_refused(container, product):
    container.run_workload("counter.py", "--hold", "io_uring", options=(*UNCONFINED, *ALLOWED))
    assert try_inside(container) == "a ring"
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
