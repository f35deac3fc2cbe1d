# SPDX-License-Identifier: Apache-2.0
"""Applications that are not ours, as they come, over two stops and starts."""
import pytest
from harness import host
from harness.leftovers import assert_nothing_left
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman", "apps")

ROUNDS = 2
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


def test_postgres_and_its_clients(container):
    """Processes of another user, System V and POSIX shared memory, TCP between them."""
    container.run_workload("postgres.sh", image=host.APPS_IMAGE, options=("--shm-size", "128m"))
    for _ in range(ROUNDS):
        container.stop()
        assert len(container.product.checkpoints()) > 0, "it was stopped without a checkpoint"
        container.start()
        before = history(container)
        wait_for(lambda: history(container) > before + 20, 60, "the clients to go on")
        assert_books_balance(container)
        assert not container.has_said("CLIENTS ENDED"), container.lines()[-1]
        assert_nothing_left(container)


def answers(container):
    assert not [line for line in container.lines() if line.startswith("ERROR")]
    return [int(line.split()[1]) for line in container.lines() if line.startswith("ANSWER")]


@pytest.mark.parametrize("server", ["nginx", "node"])
def test_server_with_a_connection_that_stays(container, server):
    container.run_workload("keepalive.py", server, image=host.APPS_IMAGE)
    wait_for(lambda: len(answers(container)) >= 5, 60, "answers")
    for _ in range(ROUNDS):
        container.stop()
        assert len(container.product.checkpoints()) > 0, "it was stopped without a checkpoint"
        before = len(answers(container))
        container.start()
        wait_for(lambda: len(answers(container)) >= before + 5, 60, "answers after the start")
        assert answers(container) == list(range(1, len(answers(container)) + 1))
        assert_nothing_left(container)
