# SPDX-License-Identifier: Apache-2.0
"""What cannot be saved is found by `reprise doctor`, and by a checkpoint before it touches anything."""
import pytest
from harness.counting import assert_moves_on, assert_resumes, assert_unbroken
from harness.leftovers import assert_nothing_left

pytestmark = pytest.mark.requires("root", "criu", "podman", "io_uring")

# Kind of workloads/holding.py, and what must be said about it.
SEEN = {"io_uring": "is an io_uring", "userfaultfd": "is a userfaultfd",
        "queue": "is the POSIX message queue '/held (deleted)'",
        "closed_queue": "has the POSIX message queue '/held'",
        "vsock": "is a socket of the protocol 'AF_VSOCK'", "device": "is the device '/dev/fuse' (10:",
        "sandbox": "lives in a user namespace of its own", "traced": "is traced by process "}


def hold(*kinds):
    return [word for kind in kinds for word in ("--hold", kind)]


def test_each_is_named_with_a_remedy(container, product):
    container.run_workload("counter.py", *hold(*SEEN),
                           options=("--privileged", "--annotation", "reprise.dev/io-uring=allow"))
    findings = product.reprise("doctor", container.name, "--json", check=False)
    assert findings.returncode != 0
    for told in SEEN.values():
        assert told in findings.stdout
    refused = product.reprise("checkpoint", "create", container.name, check=False)
    assert refused.returncode != 0
    assert "(python3), descriptor " in refused.stderr and "hint: " in refused.stderr
    assert "more: see 'reprise doctor'" in refused.stderr
    assert_nothing_left(container)
    assert_moves_on(container)

    container.ask("release")
    container.wait_for_line("RELEASED")
    assert product.reprise("doctor", container.name).returncode == 0
    container.stop()
    assert len(product.checkpoints()) == 1
    assert_resumes(container)
    assert_unbroken(container.lines())
