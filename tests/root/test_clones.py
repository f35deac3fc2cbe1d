# SPDX-License-Identifier: Apache-2.0
"""Clones beside their original: limits, addresses, ports and names of their own."""
import socket

import pytest
from harness import api, cgroup, host
from harness.container import podman, unique_name
from harness.counting import (assert_memory_is_whole, assert_moves_on, assert_unbroken, last_step,
                              seed, steps)
from harness.leftovers import assert_nothing_left
from harness.product import ANNOTATION

pytestmark = pytest.mark.requires("root", "criu", "podman")

INVALID_INPUT = 2  # exit status: ErrorCode::kInvalidInput
MEGABYTE = 1 << 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def assert_limits(container, megabytes, quota, cpus, pids):
    assert cgroup.limit(container, "memory") == str(megabytes * MEGABYTE)
    assert cgroup.limit(container, "cpu quota") == str(quota)
    assert cgroup.limit(container, "cpus") == cpus
    assert cgroup.limit(container, "pids") == str(pids)


def test_limits_of_the_new_container_apply(container, new_container, product):
    container.run_workload("counter.py", "--mb", 40, options=("--memory", "512m"))
    assert_moves_on(container)
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    chain = seed(container.lines())
    limits = ("--memory", "300m", "--cpus", "1.5", "--cpuset-cpus", "0", "--pids-limit", "77")
    clone = new_container(unique_name())
    product.reprise("restore", checkpoint, "--name", clone.name, *limits,
                    "--hostname", "asked", "--", "--label", "copy=yes")
    clone.refresh()
    assert_limits(clone, megabytes=300, quota=150000, cpus="0", pids=77)
    assert clone.inspect()["Config"]["Labels"]["copy"] == "yes"
    assert_memory_is_whole(clone)
    assert_unbroken(clone.lines(), chain, steps(clone.lines())[0][0])
    # Limits outlive the next stop.
    clone.stop()
    clone.start()
    assert_limits(clone, megabytes=300, quota=150000, cpus="0", pids=77)
    # Less memory than the processes hold is refused before anything is made.
    short = new_container(unique_name())
    refused = product.reprise("restore", checkpoint, "--name", short.name, "--memory", "40m",
                              check=False)
    assert refused.returncode == INVALID_INPUT and "'40m' is too low" in refused.stderr
    assert "--memory" in refused.stderr.partition("hint:")[2]
    assert not short.exists()
    # What the hint says is enough.
    least = refused.stderr.partition("hint:")[2].partition("--memory ")[2].partition("'")[0]
    product.reprise("restore", checkpoint, "--name", short.name, "--memory", least)
    short.refresh()
    assert_memory_is_whole(short)
    # The original has kept its own.
    assert cgroup.limit(container, "memory") == str(512 * MEGABYTE)
    assert_moves_on(container)
    assert_unbroken(container.lines())
    assert_nothing_left(container)


def test_a_container_that_plain_podman_made_comes_back_from_its_own_image(container, product):
    """Nobody had recorded the command of one that no command of Reprise ever saw; and a tag that moved
    gave the process of one image the files of another."""
    tag = f"localhost/{container.name}:latest"
    maker = f"{container.name}-image"

    def build(version):
        podman("run", "--replace", "--name", maker, host.IMAGE, "sh", "-c",
               f"echo version-{version} >/etc/version")
        images.append(podman("commit", "-q", maker, tag).stdout.strip())
        podman("rm", maker)
    images = []
    try:
        build(1)
        container.run("python3", "-u", "/workloads/counter.py", image=tag)
        assert_moves_on(container)
        build(2)
        container.stop()
        podman("rm", container.name)
        [checkpoint] = product.checkpoints()
        assert checkpoint["name"] == container.name
        product.reprise("restore", container.name)
        container.refresh()
        assert_moves_on(container)
        assert container.exec("cat", "/etc/version") == "version-1\n"
        assert_nothing_left(container)
    finally:
        container.remove()
        podman("rm", "-f", maker, check=False)
        for image in images:
            podman("rmi", "-f", image, check=False)


def test_a_container_that_the_api_made_is_made_anew(container, product):
    """There is no command to record: what Podman keeps of it says how it runs."""
    key, _, value = ANNOTATION.partition("=")
    with api.service(product.runtime) as path:
        api.create(path, {
            "name": container.name, "image": host.IMAGE,
            "command": ["python3", "-u", "/workloads/counter.py"], "annotations": {key: value},
            "env": {"SAID": "by the API"}, "hostname": "counting", "stop_timeout": 33,
            "resource_limits": {"memory": {"limit": 300 * MEGABYTE}},
            "mounts": [{"type": "bind", "source": str(host.WORKLOADS),
                        "destination": "/workloads", "options": ["ro"]}]})
    container.start()
    container.wait_for_line("READY")
    assert_moves_on(container)
    chain = seed(container.lines())
    container.stop()
    podman("rm", container.name)
    assert "resumed" in product.reprise("restore", container.name).stdout
    container.refresh()
    assert_moves_on(container)
    assert_unbroken(container.lines(), chain, steps(container.lines())[0][0])
    now = container.inspect()
    assert "SAID=by the API" in now["Config"]["Env"] and now["Config"]["StopTimeout"] == 33
    assert now["Config"]["Hostname"] == "counting"
    assert cgroup.limit(container, "memory") == str(300 * MEGABYTE)


def test_limits_apply_in_the_same_name(container, product):
    container.run_workload("counter.py", "--mb", 20)
    assert_moves_on(container)
    container.stop()
    chain, last, old_id = seed(container.lines()), last_step(container), container.id
    refused = product.reprise("restore", container.name, "--memory", "16m", check=False)
    assert refused.returncode == INVALID_INPUT
    product.reprise("restore", container.name, "--memory", "200m", "--pids-limit", "55")
    container.refresh()
    assert container.id != old_id
    assert cgroup.limit(container, "memory") == str(200 * MEGABYTE)
    assert cgroup.limit(container, "pids") == "55"
    assert_moves_on(container)
    assert_unbroken(container.lines(), chain, first=last + 1)
    assert_nothing_left(container)


def test_what_one_container_can_have_is_not_taken_from_the_original(container, new_container,
                                                                    product):
    port, other = free_port(), free_port()
    container.run_workload("counter.py", options=("-p", f"127.0.0.1:{port}:80", "--ip",
                                                  "10.88.77.7"))
    assert_moves_on(container)
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    clone = new_container(unique_name())
    made = product.reprise("restore", checkpoint, "--name", clone.name)
    assert f"--publish 127.0.0.1:{port}:80" in made.stderr and "--ip 10.88.77.7" in made.stderr
    clone.refresh()
    assert clone.address() != container.address() == "10.88.77.7"
    assert_moves_on(clone)
    # A port of its own is given to it, and one that is taken is refused by name.
    third = new_container(unique_name())
    product.reprise("restore", checkpoint, "--name", third.name, "-p", f"127.0.0.1:{other}:80")
    third.refresh()
    assert third.inspect()["HostConfig"]["PortBindings"]["80/tcp"][0]["HostPort"] == str(other)
    fourth = new_container(unique_name())
    refused = product.reprise("restore", checkpoint, "--name", fourth.name, "-p",
                              f"127.0.0.1:{port}:80", check=False)
    assert refused.returncode != 0 and str(port) in refused.stderr
    assert "address already in use" in refused.stderr, refused.stderr
    assert not fourth.exists()
    # Once the original is gone, its name, address and port are free for it.
    container.remove()
    product.reprise("restore", checkpoint)
    container.refresh()
    assert container.address() == "10.88.77.7"
    assert container.inspect()["HostConfig"]["PortBindings"]["80/tcp"][0]["HostPort"] == str(port)
    assert_moves_on(container)
    assert_nothing_left(container)


def test_host_name_is_that_of_the_new_container(container, new_container, product):
    container.run_workload("counter.py", options=("--cap-add", "SYS_ADMIN"))
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    default, asked = new_container(unique_name()), new_container(unique_name())
    product.reprise("restore", checkpoint, "--name", default.name)
    product.reprise("restore", checkpoint, "--name", asked.name, "--hostname", "asked")
    default.refresh()
    assert default.exec("hostname").strip() == default.id[:12]
    assert asked.exec("hostname").strip() == "asked"
    assert container.exec("hostname").strip() == container.id[:12]

    # One that the program has set itself is part of what it was: it is kept, unlike a default.
    container.exec("hostname", "own")
    checkpoint = product.json("checkpoint", "create", container.name)["checkpoint"]
    own = new_container(unique_name())
    product.reprise("restore", checkpoint, "--name", own.name)
    assert own.exec("hostname").strip() == "own"
