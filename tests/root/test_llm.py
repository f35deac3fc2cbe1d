# SPDX-License-Identifier: Apache-2.0
"""A language model that writes: what it goes on with is what it would have written anyway."""
import pathlib

import pytest
from harness import host
from harness.journey import travel
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman", "llm")

MORE = 200  # bytes, which it writes in a second


def text(container):
    """It is in the container's own file system, and so goes back with it to an older checkpoint."""
    return pathlib.Path(f"/proc/{container.pid}/root/tmp/text").read_bytes()


def assert_writes_the_same(container, uninterrupted):
    before = len(text(container))
    wait_for(lambda: len(text(container)) >= before + MORE, 60, "the text to go on")
    assert not container.has_said("ENDED")
    written = text(container)
    wait_for(lambda: len(text(uninterrupted)) >= len(written), 60, "the other one to come that far")
    same = text(uninterrupted)[:len(written)]
    different = next((i for i, (x, y) in enumerate(zip(written, same)) if x != y), len(written))
    assert written == same, f"of {len(written)} bytes, {different} are the same"


@pytest.mark.fidelity("Applications", "llama.cpp that generates text: equal to that of a twin which is "
                      "never stopped")
def test_llm(new_container, fidelity):
    container, twin = new_container(), new_container()
    for each, opt_in in ((twin, False), (container, True)):
        each.run_workload("llm.py", "/tmp/text", image=host.LLM_IMAGE, opt_in=opt_in)
    travel(container, lambda it: assert_writes_the_same(it, twin), fidelity)
