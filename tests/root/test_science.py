# SPDX-License-Identifier: Apache-2.0
"""What research runs: a notebook, a Java program, a parallel job. All state is compared exactly."""
import random

import pytest
from harness import host
from harness.journey import STOP_AND_START, travel
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman", "science")

SET_UP = """
import hashlib, numpy, random
matrix = numpy.random.default_rng().random((1000, 1000))
product = matrix @ matrix
numbers = random.Random(7)
counter = 0
def digest():
    return hashlib.sha256(matrix.tobytes() + product.tobytes()).hexdigest()
print(digest())
"""
NEXT = "counter += 1; print(counter, numbers.random(), digest())"
HISTORY_IS_LOST = "attempt to write a readonly database"


class Notebook:
    """What a kernel in the container must say next, and whether it does."""

    def __init__(self, container):
        self.original = container.id
        self.kernel = container.wait_for_line("READY").split()[1]
        self.digest = self.run(container, SET_UP).strip()
        self.numbers = random.Random(7)
        self.counter = 0

    def call(self, container, *words):
        return container.exec("python3", "/workloads/notebook.py", *words)

    def run(self, container, code):
        return self.call(container, "run", self.kernel, code)

    def assert_goes_on(self, container):
        """Through a new connection, and not one run lost, repeated or begun anew; beside a new kernel."""
        self.counter += 1
        code = f"{NEXT}  # input {self.counter}"
        printed = self.run(container, code).splitlines()
        if container.id == self.original:
            wait_for(lambda: code in self.call(container, "history").splitlines(), 30,
                     "the input to be in the history")
        else:
            # SQLite, with its default journal, refuses to write once its file has another inode.
            printed = [line for line in printed if HISTORY_IS_LOST not in line]
        assert printed == [f"{self.counter} {self.numbers.random()} {self.digest}"]
        assert self.call(container, "new", "print(6 * 7)") == "42\n"


@pytest.mark.fidelity("Applications", "Jupyter server: a kernel's variables and random numbers, through "
                      "new connections; new kernels")
def test_notebook(container, fidelity):
    container.run_workload("notebook.py", "serve", image=host.SCIENCE_IMAGE)
    notebook = Notebook(container)
    notebook.assert_goes_on(container)
    travel(container, notebook.assert_goes_on, fidelity)
    fidelity.of("Applications", "IPython writes its history on (SQLite with its default journal)",
                STOP_AND_START)
    assert not container.has_said("ENDED")


def rounds(container):
    """Number and words of each, which must follow each other; BAD must not be said."""
    assert not [line for line in container.lines() if line.startswith("BAD")], container.lines()[-1]
    words = [line.split()[1:] for line in container.lines() if line.startswith("ROUND")]
    found = [(int(number), rest) for number, *rest in words]
    # A log of a container that was made again begins in the middle.
    for (number, _), (following, _) in zip(found, found[1:]):
        assert following == number + 1, f"round {following} came where {number + 1} was due"
    return dict(found)


def assert_rounds_go_on(container, expected):
    """`expected(n)` tells what rounds 1 to n must say, each as a list of words."""
    before = max(rounds(container), default=0)
    wait_for(lambda: max(rounds(container), default=0) >= before + 5, 60, f"five rounds after {before}")
    said = rounds(container)
    due = expected(max(said))
    assert said == {number: due[number - 1] for number in said}


HEAP_CLASSES, HEAP_EACH = 97, 6000  # as in workloads/heap.java


def heap_sums(last):
    entries = HEAP_CLASSES * HEAP_EACH
    total, written, due = 31 * entries * (entries - 1) // 2, [0] * HEAP_CLASSES, []
    for number in range(1, last + 1):
        which = number % HEAP_CLASSES
        total += HEAP_EACH * (number - written[which])
        written[which] = number
        due.append([str(entries), str(total)])
    return due


@pytest.mark.fidelity("Applications", "OpenJDK 21 with threads and a 200 MB heap under G1: every object, "
                      "in every round")
def test_java(container, fidelity):
    container.run("java", "-Xmx512m", "-XX:+UseG1GC", "/workloads/heap.java", image=host.SCIENCE_IMAGE)
    travel(container, lambda it: assert_rounds_go_on(it, heap_sums), fidelity)


def chaotic_numbers(last):
    """As workloads/allreduce.py computes them in arrays, in the same order of operations."""
    mine, other = ([(1 + rank + 2 * i) / 11 for i in range(4)] for rank in range(2))
    due = []
    for _ in range(last):
        total = [x + y for x, y in zip(mine, other)]
        mine, other = ([3.99 * (0.8 * x + 0.1 * t) * (1 - (0.8 * x + 0.1 * t))
                        for x, t in zip(numbers, total)] for numbers in (mine, other))
        due.append([number.hex() for number in mine + other])
    return due


@pytest.mark.fidelity("Applications", "Open MPI 5, two ranks that reduce and exchange arrays: equal to "
                      "the last bit")
def test_mpi(container, fidelity):
    container.run("mpirun", "--allow-run-as-root", "--oversubscribe", "-np", "2", "python3",
                  "/workloads/allreduce.py", image=host.SCIENCE_IMAGE)
    travel(container, lambda it: assert_rounds_go_on(it, chaotic_numbers), fidelity)
