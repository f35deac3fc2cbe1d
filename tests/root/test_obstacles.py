# SPDX-License-Identifier: Apache-2.0
"""What cannot be saved is found by `reprise doctor`, and by a checkpoint before it touches anything."""
import random

import pytest
import test_features
from harness import host
from harness.container import podman
from harness.counting import assert_moves_on, assert_resumes, assert_unbroken
from harness.leftovers import assert_nothing_left

PROGRAMS = 6

pytestmark = pytest.mark.requires("root", "criu", "podman", "io_uring")

# Kind of workloads/holding.py: what it is, and what must be said about it.
SEEN = {"io_uring": ("io_uring (answers ENOSYS, unless the user declines)", "is an io_uring"),
        "userfaultfd": ("userfaultfd", "is a userfaultfd"),
        "queue": ("POSIX message queue, deleted", "is the POSIX message queue '/held (deleted)'"),
        "closed_queue": ("POSIX message queue with content", "has the POSIX message queue '/held'"),
        "vsock": ("Socket of a protocol that CRIU does not know", "is a socket of the protocol 'AF_VSOCK'"),
        "netlink_group": ("Netlink socket that listens to a group above 32, or without an address",
                          "listens to a group above 32 of a netlink protocol"),
        "netlink_unbound": ("Netlink socket that listens to a group above 32, or without an address",
                            "listens to groups of a netlink protocol without an address of its own"),
        "bpf_filter": ("Socket with a BPF program (`SO_ATTACH_BPF`)", "is a socket with a BPF program"),
        "hidden_file": ("File or directory in use that a mount hides",
                        "is '/hidden/file', which a mount on it or above it hides"),
        "watched_twice": ("One file in an epoll under several descriptors (`dup`)",
                          "is an epoll that watches one file under the descriptors"),
        "terminal_by_name": ("/dev/tty, opened by another process than the terminal's holder (`less` in a shell)",
                             "is its terminal by the name of /dev/tty"),
        "device": ("Foreign device", "is the device '/dev/fuse' (10:"),
        "sandbox": ("Nested user namespace", "lives in a user namespace of its own"),
        "traced": ("Traced process", "is traced by process "),
        "deadline": ("Process that is scheduled by deadlines", "is scheduled by deadlines"),
        "own_directory": ("Thread with a working directory or descriptors of its own",
                          "has a thread with a working directory of its own"),
        "own_descriptors": ("Thread with a working directory or descriptors of its own",
                            "has a thread with descriptors of its own"),
        "own_network": ("Thread in a namespace of its own", "has a thread in a network namespace of its own"),
        "other_children": ("Process whose children are to live in another namespace",
                           "starts its children in a PID namespace of their own"),
        "first_ended": ("Process whose first thread has ended", "goes on although its first thread has ended"),
        "shared_directory": ("Processes that share memory or a working directory",
                             "shares its working directory with process "),
        "segments": ("Memory segments of a process (`modify_ldt`)", "has memory segments of its own"),
        "packets": ("Pipe in packet mode", "is a pipe in packet mode"),
        "detached_file": ("File on a mount that is gone", "is the file '/file' on no mount of the container"),
        "memory_program": ("Program that was started from memory", "that was started from memory (memfd)"),
        "thread_pidfd": ("pidfd of a thread", "is a pidfd of a thread"),
        "deleted_watch": ("Watched file that was deleted (inotify)",
                          "has the file '/var/watched-and-deleted (deleted)' open, which is being watched")}


def hold(*kinds):
    return [word for kind in kinds for word in ("--hold", kind)]


def test_each_is_named_with_a_remedy(container, product, fidelity):
    container.run_workload("counter.py", *hold(*SEEN),
                           options=("--privileged", "--annotation", "reprise.dev/io-uring=allow"))
    findings = product.reprise("doctor", container.name, "--json", check=False)
    assert findings.returncode != 0
    for what, told in SEEN.values():
        assert told in findings.stdout
        fidelity.of("What cannot be saved", what, "named by `doctor`")
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


def test_mounts_that_cannot_come_back_are_named(container, product):
    """Podman's own kinds: a file system that CRIU does not know, a directory of the host with other
    mounts in it, of which the restored container had its own ones, and a volume that lives in memory."""
    top, volume = product.base / "top", container.name
    (top / "below").mkdir(parents=True)
    assert host.run("mount", "-t", "tmpfs", "none", top / "below").returncode == 0
    podman("volume", "create", "--opt", "type=tmpfs", "--opt", "device=tmpfs", volume)
    try:
        container.run_workload("counter.py", options=("--mount", "type=ramfs,destination=/memory",
                                                      "-v", f"{top}:/top", "-v", f"{volume}:/volume"))
        told = product.reprise("doctor", container.name, check=False)
        assert told.returncode != 0
        assert "is of the kind 'ramfs', which cannot be saved" in told.stdout
        assert "'/top/below'" in told.stdout and "is a mount of the host (tmpfs)" in told.stdout
        assert "lives in memory" not in told.stdout, "it is empty"
        container.exec("touch", "/volume/file")
        assert "lives in memory (tmpfs)" in product.reprise("doctor", container.name, check=False).stdout
        refused = product.reprise("checkpoint", "create", container.name, check=False)
        assert refused.returncode != 0 and "2 more: see 'reprise doctor'" in refused.stderr
        assert_nothing_left(container)
        assert_moves_on(container)
    finally:
        container.remove()
        podman("volume", "rm", "-f", volume)
        host.run("umount", top / "below")


def features_of(choice):
    """Some kernel features, each in a process of its own."""
    return choice.sample(sorted(test_features.FEATURES), choice.randrange(1, 8))


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_what_doctor_passes_a_checkpoint_does_not_fail(container, product, seed):
    """The two judge programs of every mixture alike: those that can be saved, and the others."""
    choice = random.Random(seed)
    held = choice.sample(sorted(SEEN), choice.randrange(0, 3)) if seed % 2 else []
    features = features_of(choice)
    container.run("sh", "-c", f"{' '.join(('python3 -u /workloads/counter.py', *hold(*held)))} & "
                  f"exec python3 -u /workloads/features.py {' '.join(features)}",
                  options=("--privileged", "--shm-size", "64m", *test_features.TMPFS,
                           "--annotation", "reprise.dev/io-uring=allow"),
                  ready=f"READY {len(features)}")
    container.wait_for_line("STEP")
    passed = product.reprise("doctor", container.name, check=False).returncode == 0
    made = product.reprise("checkpoint", "create", container.name, check=False)
    assert passed == (not held), f"{held} with {features}"
    assert (made.returncode == 0) == passed, f"{held} with {features}: {made.stderr}"
    assert_nothing_left(container)
    assert_moves_on(container)
    test_features.checks(container)
