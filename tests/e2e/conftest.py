# SPDX-License-Identifier: Apache-2.0
"""Fixtures of lane `e2e`: one real Kubernetes for all tests of a run, the product on its nodes."""
import os

import pytest

from cluster import leftovers
from cluster.cluster import Cluster
from harness import requirements
from pods import Pods
from product import StandIn

os.environ["PODMAN_IGNORE_CGROUPSV1_WARNING"] = "1"


def pytest_runtest_setup(item):
    requirements.enforce(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that fails shows the cluster."""
    outcome = yield
    report = outcome.get_result()
    cluster = getattr(item, "funcargs", {}).get("cluster")
    if report.failed and call.when == "call" and cluster is not None:
        report.sections.append(("cluster", cluster.diagnose()))


@pytest.fixture(scope="session")
def cluster():
    before = leftovers.shared()
    it = Cluster.of_this_process()
    try:
        it.up()
        yield it
    finally:
        it.down()
    assert leftovers.of(it.layout) == []
    assert leftovers.shared() == before


@pytest.fixture
def pods(cluster):
    """Makes pods, and whatever else, in a namespace of the test's own that is removed with it."""
    it = Pods(cluster)
    yield it
    it.remove()


@pytest.fixture
def agent(cluster):
    """Puts an agent in the place of a node's that answers in one manner (agent_stand_in), or none."""
    made = []

    def make(manner, node="n1"):
        made.append(StandIn(cluster.nodes[node], manner))
        return made[-1]
    yield make
    for each in made:
        each.close()
