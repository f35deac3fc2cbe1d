# SPDX-License-Identifier: Apache-2.0
"""Fixtures of lane `root`: real containers under the product that was built."""
import os

import pytest

from harness import requirements
from harness.container import Container
from harness.fidelity import Evidence, Fidelity
from harness.product import Product

os.environ["PODMAN_IGNORE_CGROUPSV1_WARNING"] = "1"
# A fault left in the caller's shell would be in every session.
os.environ.pop("REPRISE_FAULT", None)


def pytest_runtest_setup(item):
    requirements.enforce(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that fails shows the sessions and what its containers printed."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed or call.when == "teardown":
        return
    product = getattr(item, "funcargs", {}).get("product")
    if product is None:
        return
    report.sections.append(("sessions", product.diagnose()))
    for container in getattr(item, "containers", []):
        if container.log_path and container.log_path.exists():
            report.sections.append((f"output of {container.name}",
                                    "\n".join(container.lines()[-30:])))


@pytest.fixture(scope="session")
def evidence():
    it = Evidence()
    yield it
    it.write()


@pytest.fixture
def fidelity(request, evidence):
    """Notes what survived, for docs/fidelity.md."""
    return Fidelity(evidence, request.node.get_closest_marker("fidelity"))


@pytest.fixture
def product():
    it = Product()
    yield it
    it.close()


@pytest.fixture
def new_container(request, product):
    """Makes containers that are removed when the test ends, whatever became of them."""
    request.node.containers = []

    def make(name=None, of=product):
        container = Container(of, name)
        request.node.containers.append(container)
        return container

    yield make
    # Cleaning up must not take checkpoints, nor meet the fault of the test.
    product.write_runtime()
    for container in request.node.containers:
        container.remove()


@pytest.fixture
def container(new_container):
    return new_container()
