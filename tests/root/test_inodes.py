# SPDX-License-Identifier: Apache-2.0
"""Programs that know their files by inode numbers, which a stop and start in place keeps."""
import pytest
from harness.journey import STOP_AND_START
from harness.leftovers import assert_nothing_left
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")


def done(container):
    lines = container.lines()
    assert not [line for line in lines if line.startswith("WRONG")], lines[-3:]
    return int([line for line in lines if line.startswith("DONE")][-1].split()[1])


@pytest.mark.fidelity("Applications", "SQLite in its default journal mode, in the middle of transactions")
def test_sqlite_goes_on_with_its_default_journal(container, fidelity):
    container.run_workload("rollback_journal.py")
    container.wait_for_line("DONE", count=5)
    for _ in range(3):
        container.stop()
        before = done(container)
        container.start()
        wait_for(lambda since=before: done(container) >= since + 10, 30, "SQLite to write on")
    assert [line for line in container.lines() if line.startswith("READY")] == ["READY"]
    assert_nothing_left(container)
    fidelity.survived(STOP_AND_START)


@pytest.mark.fidelity("Applications", "tail -F, before and after a log rotation")
def test_tail_follows_a_file_by_name(container, fidelity):
    container.run("sh", "-c", "echo READY >/log; exec tail -F /log")
    container.stop()
    container.start()
    container.exec("sh", "-c", "echo same >>/log")
    container.wait_for_line("same")
    # Replaced, as log rotation does: by its inode tail sees that it is another.
    container.exec("sh", "-c", "mv /log /log.1; echo other >/log")
    container.wait_for_line("other")
    said = [line for line in container.lines() if not line.startswith("tail: ")]
    assert said == ["READY", "same", "other"]
    assert container.lines()[1] == "same", "tail took it for another file"
    assert_nothing_left(container)
    fidelity.survived(STOP_AND_START)
