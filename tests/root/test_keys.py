# SPDX-License-Identifier: Apache-2.0
"""Keys that outlive containers: what others make anew each time (--rm, quadlet, compose) goes on."""
import pytest
from harness import host
from harness.container import podman
from harness.counting import assert_moves_on, assert_unbroken, seed, steps
from harness.leftovers import assert_nothing_left
from harness.product import ANNOTATION
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")


def gone(container):
    wait_for(lambda: not container.exists(), 30, f"{container.name} to be removed")


def assert_goes_on(container, chain):
    assert_moves_on(container)
    assert_unbroken(container.lines(), chain, steps(container.lines())[0][0])


def test_a_container_with_a_key_goes_on_when_it_is_made_anew(container, new_container, product):
    """It began anew each time, and each stop left a checkpoint for a container that never came."""
    options = ("--rm", "--annotation", f"reprise.dev/key={container.name}")
    container.run_workload("counter.py", options=options)
    assert_moves_on(container)
    chain = seed(container.lines())
    # One at a time: the second one would be a copy of what runs.
    second = new_container()
    refused = podman("--runtime", product.runtime, "run", "-d", "--name", second.name,
                     "--annotation", ANNOTATION, *options, host.IMAGE, "sleep", "100", check=False)
    assert refused.returncode != 0, refused
    assert f"the key '{container.name}'" in refused.stderr and container.id in refused.stderr
    first = container.id
    product.reprise("stop", container.name)
    gone(container)
    container.run_workload("counter.py", options=options, ready=None)
    assert container.id != first
    assert_goes_on(container, chain)
    # Its past is its own, under its name and under its key.
    for name in (container.name, f"@{container.name}"):
        assert product.events(name)[-3:] == ["checkpointed", "ended", "restored"]
    # Another program under the key is no continuation, and says so.
    container.stop()
    gone(container)
    container.run_workload("counter.py", "--mb", "5", options=options)
    assert_moves_on(container)
    started = product.lives(container.name)[-1]
    assert started["event"] == "started" and "differs" in started["detail"], started
    assert_nothing_left(container)


@pytest.mark.parametrize("labels", [
    ("PODMAN_SYSTEMD_UNIT=rt.service",),
    ("PODMAN_SYSTEMD_UNIT=podman-compose@rt.service", "io.podman.compose.project=rt",
     "com.docker.compose.service=counter", "com.docker.compose.container-number=1"),
], ids=["quadlet", "compose"])
def test_what_makes_containers_anew_is_known_by_its_labels(container, product, labels):
    # Others of this host may be tested at the same time.
    options = [word for label in labels for word in ("--label", label.replace("rt", container.name))]
    options += ["--rm", "--replace"]
    container.run_workload("counter.py", options=options)
    assert_moves_on(container)
    chain = seed(container.lines())
    container.stop()
    gone(container)
    container.run_workload("counter.py", options=options, ready=None)
    assert_goes_on(container, chain)
    [row] = [row for row in product.json("ps")["containers"] if row["name"] == container.name]
    assert row["lives"] >= 1 and row["last_checkpoint"]
    # A copy beside it does not take its place.
    [checkpoint] = product.checkpoints()
    copy = f"{container.name}-copy"
    try:
        told = product.reprise("restore", checkpoint["id"], "--name", copy)
        assert "resumed" in told.stdout
        assert_moves_on(container)
    finally:
        podman("rm", "-f", "-t", "0", copy, check=False)


def test_what_waits_for_a_container_that_is_gone_goes_with_the_next_stop(container, product):
    """Without a key, --rm leaves a checkpoint at each stop, which nothing continues from."""
    for _ in range(2):
        container.run("sleep", "1000", options=("--rm",), ready=None)
        container.stop()
        gone(container)
    assert len(product.checkpoints()) == 2  # the first, superseded, and the one that waits
    product.reprise("store", "prune")
    [kept] = product.checkpoints()
    assert not kept["pending"]
    # And it is still there to be taken up.
    assert "resumed" in product.reprise("restore", container.name).stdout
