# SPDX-License-Identifier: Apache-2.0
"""A mistake in the configuration file costs nobody what a container has."""
import pytest
from harness.counting import assert_resumes
from harness.leftovers import assert_nothing_left

pytestmark = pytest.mark.requires("root", "criu", "podman")


@pytest.fixture(name="configuration")
def fixture_configuration(product, monkeypatch):
    """The file, which alone says where the store is."""
    file = product.base / "reprise.toml"
    file.write_text(f'[store]\npath = "{product.store}"\n', encoding="ascii")
    monkeypatch.setenv("REPRISE_CONFIG", str(file))
    product.write_runtime(before=["unset REPRISE_STORE", f"export REPRISE_CONFIG={file}"])
    yield file
    product.write_runtime()


def test_a_mistake_costs_nothing(container, product, configuration):
    """It had its signal, was killed ten seconds later, and its history said nothing of the mistake."""
    understood = configuration.read_text(encoding="ascii")
    container.run_workload("counter.py", "--on-term", "9")
    configuration.write_text(understood + "pathh = 7\n", encoding="ascii")
    container.stop()
    # What it goes on from is not known: it does not begin anew.
    started = container.start(check=False)
    assert started.returncode != 0 and "pathh" in started.stderr, started.stderr
    # No other remedy helps: 'reprise start --cold' was named, and reads the same file.
    assert "correct that file" in started.stderr and "--cold" not in started.stderr, started.stderr
    doctor = product.reprise("doctor", check=False)
    assert doctor.returncode != 0 and "pathh" in doctor.stdout + doctor.stderr
    configuration.write_text(understood, encoding="ascii")
    assert "checkpointed" in product.events(container.name)
    assert_resumes(container)
    assert_nothing_left(container)


def test_others_run_all_the_same(container, configuration):
    configuration.write_text("pathh = 7\n", encoding="ascii")
    container.run_workload("counter.py", opt_in=False)
    container.stop()
