# SPDX-License-Identifier: Apache-2.0
"""Processes of other users, whose limits CRIU may not ask for on a host without CAP_SYS_RESOURCE."""
import os
import pathlib
import resource
import subprocess

import pytest
from harness import host
from harness.counting import assert_moves_on, assert_resumes, assert_unbroken

pytestmark = pytest.mark.requires("root", "criu", "podman")

LIBRARY = host.BIN_DIR / "reprise-limits.so"
OTHER = 1234
# So that what is tested here is tested on any host.
WITHOUT_CAPABILITY = ('[ -n "$LESS" ] || LESS=1 exec setpriv --bounding-set=-sys_resource '
                      '"$0" "$@"',)


@pytest.fixture(autouse=True)
def without_capability(product):
    product.write_runtime(before=WITHOUT_CAPABILITY)


def processes(container):
    """Init and its children, oldest first."""
    children = pathlib.Path(f"/proc/{container.pid}/task/{container.pid}/children").read_text()
    return [container.pid, *map(int, children.split())]


def facts(pid):
    """What must be the same after a restore."""
    process = pathlib.Path(f"/proc/{pid}")
    ids = [line for line in (process / "status").read_text().splitlines()
           if line.startswith(("Uid:", "Gid:", "Groups:"))]
    return (process / "limits").read_text(), ids


def assert_no_library(pid):
    """What was preloaded into CRIU is not in the container."""
    process = pathlib.Path(f"/proc/{pid}")
    assert LIBRARY.name not in (process / "maps").read_text()
    assert b"LD_PRELOAD" not in (process / "environ").read_bytes()


def assert_survives(container, uid):
    assert_moves_on(container)
    before = [facts(pid) for pid in processes(container)]
    assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}" in before[-1][1]
    for _ in range(2):
        container.stop()
        assert container.product.checkpoints(), container.product.diagnose()
        assert_resumes(container)
        assert [facts(pid) for pid in processes(container)] == before
        for pid in processes(container):
            assert_no_library(pid)
    assert_unbroken(container.lines())


def test_container_of_another_user(container):
    container.run_workload("counter.py", "--mb", 5, "--loopback",
                           options=("--user", f"{OTHER}:{OTHER}"))
    assert_survives(container, OTHER)


def test_child_of_another_user_with_its_own_limits(container):
    container.run_workload("as_user.py", OTHER, 100, 200, "python3", "-u",
                           "/workloads/counter.py", "--mb", 5)
    assert "Max open files            100                  200" in \
        facts(processes(container)[-1])[0]
    assert_survives(container, OTHER)


def test_hard_limit_that_cannot_be_raised_is_told(container, product):
    container.run_workload("counter.py", options=("--ulimit", "nofile=1000:3000"))
    assert "Max open files            1000                 3000" in facts(container.pid)[0]
    container.stop()
    product.write_runtime(before=("ulimit -n 2000", *WITHOUT_CAPABILITY))
    assert_resumes(container)
    [restored] = [life for life in product.lives(container.name) if life["event"] == "restored"]
    assert restored["detail"].endswith("CAP_SYS_RESOURCE: open files (3000, here 2000)")
    assert "2000                 2000" in facts(container.pid)[0]


# --- the library alone, in a process that may not ask


@pytest.fixture
def sleeper():
    """A process of another user with limits that nobody else has."""
    def become():
        resource.setrlimit(resource.RLIMIT_NOFILE, (77, 88))
        os.setgid(OTHER)
        os.setuid(OTHER)
    with subprocess.Popen(["sleep", "60"], preexec_fn=become) as process:
        yield process
        process.kill()


ASK = f"""
import ctypes, resource, sys
pid = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
class Limit(ctypes.Structure):
    _fields_ = [("soft", ctypes.c_ulong), ("hard", ctypes.c_ulong)]
def ask(function, *arguments):
    old = Limit()
    words = [ctypes.c_long(word) for word in (*arguments, pid, {resource.RLIMIT_NOFILE}, 0)]
    status = function(*words, ctypes.byref(old))
    print(status, ctypes.get_errno() if status else 0, old.soft, old.hard)
ask(libc.prlimit)
ask(libc.prlimit64)
ask(libc.syscall, 302)
new = Limit(10, 20)
print(libc.prlimit(pid, {resource.RLIMIT_NOFILE}, ctypes.byref(new), None), ctypes.get_errno())
print(libc.syscall(39) == __import__("os").getpid())
"""


def ask_without_capability(pid, preload):
    environment = {**os.environ, **({"LD_PRELOAD": str(LIBRARY)} if preload else {})}
    result = subprocess.run(["setpriv", "--bounding-set=-sys_resource", "/usr/bin/python3", "-c",
                             ASK, str(pid)], capture_output=True, text=True, check=True,
                            env=environment)
    assert result.stderr == "", result.stderr
    return result.stdout.splitlines()


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the system calls' numbers are x86-64's")
def test_library_answers_what_the_kernel_refuses(sleeper):
    refused = ["-1 1 0 0"] * 3
    changed = ["-1 1", "True"]  # a limit is never set, and other system calls pass through
    assert ask_without_capability(sleeper.pid, preload=False) == refused + changed
    assert ask_without_capability(sleeper.pid, preload=True) == ["0 0 77 88"] * 3 + changed
