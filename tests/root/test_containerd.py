# SPDX-License-Identifier: Apache-2.0
"""The same runtime under containerd: kill is a checkpoint, the same id again is a resume."""
import subprocess

import pytest
from harness.containerd import Containerd, Task
from harness.counting import assert_moves_on, assert_unbroken, seed, steps
from harness.leftovers import assert_nothing_left
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman", "containerd")

CHANGE = "echo changed >/etc/hostname; rm /etc/debian_version; rm -r /etc/pam.d; mkdir /etc/pam.d"
LOOK = "cat /etc/hostname; ls /etc/debian_version /etc/pam.d | grep -c .; true"
BIRTH = "stat -c '%i %w' /etc/hostname"  # inode number and time of birth

COLD = ("--annotation", "reprise.dev/on-restore-failure=cold")

# Takes memory until the kernel ends it, once it was asked to.
GREEDY = """
import os, time
print("READY", flush=True)
while not os.path.exists("/tmp/grow"): time.sleep(0.02)
print("GROWING", flush=True)
hoard = []
while True: hoard.append(bytearray(os.urandom(1 << 20)))
"""


@pytest.fixture(scope="module")
def containerd():
    it = Containerd()
    try:
        yield it.start()
    finally:
        it.close()


@pytest.fixture
def new_task(request, containerd, product):
    request.node.containers = []

    def make(name=None, namespace="default"):
        image = containerd.ctr("image", "ls", "-q", namespace=namespace).stdout
        if not image:
            containerd.import_image(namespace)
        task = Task(containerd, product, name, namespace)
        request.node.containers.append(task)
        return task

    yield make
    product.write_runtime()
    for task in request.node.containers:
        task.remove()
    wait_for(lambda: not containerd.shims(), 30, "the shims to end")


def test_goes_on_in_the_same_container_and_in_a_new_one(new_task):
    task = new_task().run_workload()
    untouched = task.read(LOOK)
    task.exec("sh", "-c", CHANGE)
    changed = task.read(LOOK)
    assert changed.startswith("changed") and changed != untouched
    file = task.read(BIRTH)
    for _ in range(2):
        task.checkpoint()
        task.start()
        assert_moves_on(task)
        assert task.read(LOOK) == changed
        assert task.read(BIRTH) == file, "it is another snapshot"
        assert_nothing_left(task)
    # A new snapshot of the image, twice: the second time on top of what the first laid into it.
    for _ in range(2):
        task.checkpoint()
        task.delete_container()
        task.run("python3", "-u", "/workloads/counter.py")
        assert_moves_on(task)
        assert task.read(LOOK) == changed
        assert_nothing_left(task)
    assert task.read(BIRTH) != file, "it is the old snapshot"
    assert_unbroken(task.lines())
    task.ask("exit", "7")
    assert task.delete_task() == 7


def test_a_caller_in_the_foreground_gets_output_and_exit_code(new_task, containerd, tmp_path):
    task = new_task().run_workload()
    chain = seed(task.lines())
    task.checkpoint()
    before = steps(task.lines())[-1][0]
    words = [*containerd.command("default"), "task", "start", task.id]
    output = tmp_path / "output"
    with open(output, "wb") as file, \
            subprocess.Popen(words, stdout=file, stderr=file, stdin=subprocess.DEVNULL) as caller:
        wait_for(lambda: b"STEP" in output.read_bytes(), 30, "the caller to get output")
        task.refresh()
        task.ask("exit", "7")
        caller.wait(60)
    assert caller.returncode == 7
    assert_unbroken(output.read_text().splitlines(), chain, first=before + 1)


def test_running_out_of_memory_is_reported_after_a_restore(new_task, containerd):
    task = new_task()
    task.run("python3", "-u", "-c", GREEDY, options=("--memory-limit", 64 << 20))
    wait_for(task.ready_lines, 30, "the program to be ready")
    task.checkpoint()
    with subprocess.Popen([*containerd.command("default"), "events"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as events:
        task.start()
        assert "READY" in task.lines() and task.ready_lines() == 1
        task.ask("grow")
        wait_for(lambda: not task.is_alive(), 60, "the kernel to end it")
        assert task.delete_task() == 137
        seen = []
        for line in events.stdout:
            seen.append(line)
            if "/tasks/delete" in line:
                break
        events.terminate()
    assert "GROWING" in task.lines()
    assert [line for line in seen if "/tasks/oom" in line and task.id in line], seen


def test_another_program_under_the_same_id_is_not_the_old_one(new_task):
    task = new_task().run_workload()
    task.checkpoint()
    task.delete_container()
    # Not by default, since what the first one had in memory would be given up in silence.
    with pytest.raises(AssertionError, match="another command"):
        task.run("sh", "-c", "echo OTHER; exec sleep 1000")
    task.delete_container()
    task.run("sh", "-c", "echo OTHER; exec sleep 1000", options=COLD)
    wait_for(lambda: task.times_said("OTHER"), 30, "the other program to run")
    assert task.product.events(task.key)[-2:] == ["restore-failed", "started"]


def test_equal_ids_in_two_namespaces_are_two_containers(new_task):
    one = new_task()
    two = new_task(one.id, namespace="two")
    for task in (one, two):
        task.run_workload()
    for task in (one, two):
        task.kill()
    for task in (one, two):
        assert task.delete_task() == 137
    for task in (two, one):
        task.start()
        assert_moves_on(task)
        assert_unbroken(task.lines())
        assert_nothing_left(task)


def test_without_a_checkpoint_the_signal_is_delivered(new_task, product):
    task = new_task().run_workload("--on-term", "7")
    product.write_runtime(fault="before-seal:fail")
    task.kill()
    assert task.delete_task() == 7
    assert task.times_said("GOTTERM") == 1
    assert product.checkpoints() == []
    assert_nothing_left(task)
    product.write_runtime()
    task.start()
    wait_for(lambda: task.ready_lines() == 2, 30, "it to start cold")


@pytest.mark.parametrize("fault", (None, "before-restore:kill"))
def test_a_restore_that_fails_leaves_the_files_of_the_image(new_task, product, tmp_path, fault):
    held = (*COLD, "--mount", f"type=bind,src={tmp_path},dst=/held,options=rbind:rw")
    command = ("sh", "-c", "exec 3<>/held/file; exec python3 -u /workloads/counter.py")
    task = new_task()
    task.run(*command, options=held)
    wait_for(task.ready_lines, 30, "the program to be ready")
    untouched = task.read(LOOK)
    task.exec("sh", "-c", CHANGE)
    task.checkpoint()
    task.delete_container()
    # After the files were laid into the new snapshot, CRIU itself fails, or our worker is killed.
    if fault:
        product.write_runtime(fault=fault)
    else:
        (tmp_path / "file").unlink()
    task.run(*command, options=held)
    wait_for(lambda: task.ready_lines() == 2, 30, "it to start cold")
    assert task.read(LOOK) == untouched
    assert task.read("cat /etc/debian_version").strip()
    assert product.events(task.key)[-2:] == ["restore-failed", "started"]
    assert_nothing_left(task)
    assert not list(task.containerd.base.glob("root/*overlayfs/snapshots/*/*reprise*"))
