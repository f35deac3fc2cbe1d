# SPDX-License-Identifier: Apache-2.0
"""What the other tests rely on to fail: each check here sees what it is there to see."""
import shutil
import subprocess

import pytest
from harness import host, leftovers
from harness.container import podman
from harness.counting import assert_unbroken, link
from harness.waiting import wait_for

SEED = "5eed"


def chain(numbers):
    lines, last = [f"READY {SEED}"], SEED
    for number in numbers:
        last = link(last, number)
        lines.append(f"STEP {number} {last} 20")
    return lines


def test_unbroken_chain_passes():
    assert_unbroken(chain([1, 2, 3]))
    assert_unbroken(chain([1, 2, 3, 4])[3:], chain=SEED, first=3)


@pytest.mark.parametrize("lines", [
    chain([1, 2, 4]),
    chain([1, 2, 2, 3]),
    chain([1, 2]) + chain([1, 2]),
    chain([1]) + ["STEP 2 0123456789abcdef 20"],
    chain([1, 2]) + ["MEMORY BAD 7"],
    chain([]),
], ids=["lost", "repeated", "started again", "other memory", "damaged ballast", "no step"])
def test_broken_chain_fails(lines):
    with pytest.raises(AssertionError):
        assert_unbroken(lines)


def test_wait_for_fails_after_its_deadline_and_tells_why():
    def never():
        assert False, "the reason"
    with pytest.raises(AssertionError, match="0.1 s for the impossible: the reason"):
        wait_for(never, 0.1, "the impossible")


def found(container, what):
    return any(what in item for item in leftovers.find(container))


@pytest.mark.requires("root", "podman")
def test_every_kind_of_leftover_is_found(container, product):
    container.run_workload("counter.py")
    assert leftovers.find(container) == []

    podman("pause", container.name)
    assert found(container, "frozen: ")
    podman("unpause", container.name)

    inside = ("nsenter", f"--net=/proc/{container.pid}/ns/net", "nft")
    assert host.works(*inside, "add", "table", "inet", "CRIU-test")
    assert found(container, "network lock 'table inet CRIU-test'")
    assert host.works(*inside, "delete", "table", "inet", "CRIU-test")

    staging = product.store / "staging" / "half"
    staging.mkdir(parents=True)
    assert found(container, "staging directory 'half'")
    staging.rmdir()

    mounted = product.run_dir / "mounted"
    mounted.mkdir()
    assert host.works("mount", "-t", "tmpfs", "none", mounted)
    assert found(container, f"mount '{mounted}'")
    assert host.works("umount", mounted)

    worker = product.base / "reprise-worker"
    shutil.copy("/bin/sleep", worker)
    with subprocess.Popen([worker, "60"], env=product.environment()) as process:
        wait_for(lambda: found(container, f"process ({process.pid}, 'reprise-worker'"), 60,
                 "the process to be found")
        process.kill()
    assert leftovers.find(container) == []
