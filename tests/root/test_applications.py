# SPDX-License-Identifier: Apache-2.0
"""Servers that are not ours, as they come, with clients that stay connected."""
import pytest
from harness import host
from harness.journey import travel
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman", "apps")

HISTORY = "select count(*), coalesce(sum(delta), 0) from pgbench_history"
SUMS = " union all ".join(f"select sum({column}) from pgbench_{table}" for column, table in
                          (("abalance", "accounts"), ("bbalance", "branches"), ("tbalance", "tellers")))


def ask_postgres(container, query):
    # One statement sees one snapshot, whatever the clients do meanwhile.
    answer = container.exec("psql", "-h", "127.0.0.1", "-U", "postgres", "-qAt", "-F", " ", "-c", query,
                            "postgres")
    return [[int(word) for word in line.split()] for line in answer.splitlines()]


def assert_books_balance(container):
    rows = ask_postgres(container, f"select 0, sum(delta) from pgbench_history union all "
                                   f"select 1, x from ({SUMS}) as t(x)")
    assert len({amount for _, amount in rows}) == 1, rows


def history(container):
    return ask_postgres(container, HISTORY)[0][0]


def assert_postgres_goes_on(container):
    before = history(container)
    wait_for(lambda: history(container) > before + 20, 60, "the clients to go on")
    assert_books_balance(container)
    assert not container.has_said("CLIENTS ENDED"), container.lines()[-1]


@pytest.mark.fidelity("Applications", "PostgreSQL 17 with four clients over TCP: no transaction lost, "
                      "no crash recovery")
def test_postgres_and_its_clients(container, fidelity):
    """Processes of another user, System V and POSIX shared memory, TCP between them."""
    container.run_workload("postgres.sh", image=host.APPS_IMAGE, options=("--shm-size", "128m"))
    travel(container, assert_postgres_goes_on, fidelity)
    assert "crash" not in container.exec("cat", "/tmp/postgres.log"), "it was recovered, not resumed"


def answers(container):
    assert not [line for line in container.lines() if line.startswith("ERROR")]
    return [int(line.split()[1]) for line in container.lines() if line.startswith("ANSWER")]


def assert_same_connection_is_answered(container):
    before = len(answers(container))
    wait_for(lambda: len(answers(container)) >= before + 5, 60, "answers to go on")
    # A log of a container that was made again begins in the middle.
    assert answers(container) == list(range(answers(container)[0], answers(container)[-1] + 1))


@pytest.mark.parametrize("server", [
    pytest.param("nginx", marks=pytest.mark.fidelity(
        "Applications", "nginx with a client that keeps its connection")),
    pytest.param("node", marks=pytest.mark.fidelity(
        "Applications", "Node.js server with a worker thread and a client that keeps its connection"))])
def test_server_with_a_connection_that_stays(container, fidelity, server):
    container.run_workload("keepalive.py", server, image=host.APPS_IMAGE)
    travel(container, assert_same_connection_is_answered, fidelity)
