# SPDX-License-Identifier: Apache-2.0
"""Reads what workloads/counter.py prints and proves that no step is lost, repeated or invented."""
import hashlib

from harness.waiting import wait_for

MOVED_ON = 30  # seconds in which a container that runs makes steps


def link(previous, number):
    return hashlib.sha256(f"{previous} {number}".encode()).hexdigest()[:16]


def steps(lines):
    """(number, link) of each step."""
    words = [line.split() for line in lines if line.startswith("STEP ")]
    return [(int(word[1]), word[2]) for word in words]


def longest_gap_ms(lines, since=1):
    """The longest time between two steps, by the container's own clock, from step `since` on."""
    words = [line.split() for line in lines if line.startswith("STEP ")]
    return max(int(word[3]) for word in words if int(word[1]) >= since)


def last_step(container):
    found = steps(container.lines())
    return found[-1][0] if found else 0


def seed(lines):
    seeds = [line.split()[1] for line in lines if line.startswith("READY ")]
    assert len(seeds) == 1, f"started cold {len(seeds)} times, not once"
    return seeds[0]


def assert_unbroken(lines, chain=None, first=1):
    """One life of the program from start to now: one READY, and each step follows the one before.

    For the log of a clone or of a container made again, which begins in the middle: `chain` is the
    READY word of the original, `first` the number that must come first.
    """
    chain = chain or seed(lines)
    assert not [line for line in lines if line.startswith("MEMORY BAD")], "memory was damaged"
    for number in range(1, first):
        chain = link(chain, number)
    found = steps(lines)
    assert found, "there is not one step"
    for expected, (number, claimed) in enumerate(found, start=first):
        assert number == expected, f"step {number} came where {expected} was due"
        chain = link(chain, number)
        assert claimed == chain, f"step {number} was computed from other memory"


def assert_moves_on(container, by=5):
    """It makes at least `by` more steps."""
    before = last_step(container)
    wait_for(lambda: last_step(container) >= before + by, MOVED_ON,
             f"{container.name} to count beyond {before}")


def assert_resumes(container):
    """Starts it: it goes on with the step that was due when it was stopped."""
    container.start()
    assert_moves_on(container)
    assert_unbroken(container.lines())


def assert_memory_is_whole(container):
    """The workload itself checks all of its ballast."""
    before = container.lines().count("MEMORY OK")
    container.ask("verify")
    container.wait_for_line("MEMORY", count=before + 1)
    assert container.lines().count("MEMORY OK") == before + 1, "memory was damaged"
