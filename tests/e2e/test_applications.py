# SPDX-License-Identifier: Apache-2.0
"""Servers that are not ours go on in the replacement of their pod, with their clients inside."""
import pytest

from cluster import images
from going_on import uid_of, wait_replaced
from harness import host
from harness.waiting import wait_for
from pods import ON_DISRUPTION

pytestmark = [pytest.mark.requires("kubernetes", "apps"), pytest.mark.nightly]

PATIENCE = 120  # seconds
WORKLOADS = {"name": "workloads", "hostPath": {"path": str(host.WORKLOADS)}}
HISTORY = "select count(*) from pgbench_history"
BOOKS = "select (select sum(delta) from pgbench_history) = " \
        "all (select sum(abalance) from pgbench_accounts union all " \
        "select sum(bbalance) from pgbench_branches union all select sum(tbalance) from pgbench_tellers)"


@pytest.fixture
def run(cluster, pods):
    """Runs a workload of lane `root` in a pod of a StatefulSet; what it keeps in `data` is in an
    emptyDir."""
    def run(image, *command, data=None):
        node = cluster.nodes["n1"]
        node.import_image(images.of_podman(image))
        mounts = [{"name": "workloads", "mountPath": "/workloads", "readOnly": True},
                  *([{"name": "data", "mountPath": data}] if data else [])]
        pod = pods.run_set("app", *command, annotations=ON_DISRUPTION, node="n1",
                           container={"image": image, "volumeMounts": mounts},
                           # Else Node.js would use io_uring, which cannot be saved.
                           securityContext={"seccompProfile": {"type": "RuntimeDefault"}},
                           volumes=[WORKLOADS, {"name": "data", "emptyDir": {}}])
        wait_for(lambda: any(line.startswith("READY") for line in pod.lines()), PATIENCE, "READY")
        return pod
    return run


def replace(pod):
    uid = uid_of(pod)
    pod.evict()
    wait_replaced(pod, uid)


def ask(pod, query):
    return pod.exec("psql", "-h", "127.0.0.1", "-U", "postgres", "-qAt", "-c", query,
                    "postgres").strip()


def test_postgres_and_its_clients_on_an_emptydir(run):
    pod = run(host.APPS_IMAGE, "sh", "/workloads/postgres.sh", data="/var/lib/reprise-pg")
    for _ in range(2):
        before = int(ask(pod, HISTORY))
        replace(pod)
        wait_for(lambda b=before: int(ask(pod, HISTORY)) > b + 20, PATIENCE, "the clients")
        assert ask(pod, BOOKS) == "t"
    assert "CLIENTS ENDED" not in "".join(pod.lines())
    assert "crash" not in pod.exec("cat", "/tmp/postgres.log"), "it was recovered, not resumed"


def counted(lines, word):
    return [int(line.split()[1]) for line in lines if line.startswith(word)]


@pytest.mark.parametrize("image, command, word", [
    (host.IMAGE, ("python3", "/workloads/redis_keys.py", "100000"), "COUNT"),
    (host.APPS_IMAGE, ("python3", "/workloads/keepalive.py", "nginx"), "ANSWER"),
    (host.APPS_IMAGE, ("python3", "/workloads/keepalive.py", "node"), "ANSWER")],
    ids=["redis", "nginx", "node"])
def test_server_with_a_client_that_stays_connected(run, image, command, word):
    pod = run(image, *command)
    wait_for(lambda: counted(pod.lines(), word), PATIENCE, "the client")
    with pod.followed() as printed:
        replace(pod)
    before = counted(printed, word)
    wait_for(lambda: len(counted(pod.lines(), word)) > 5, PATIENCE, "the client to go on")
    after = counted(pod.lines(), word)
    assert after == list(range(before[-1] + 1, before[-1] + 1 + len(after)))
    assert not [line for line in pod.lines() if line.startswith("ERROR")]


def test_notebook(run):
    pod = run(host.SCIENCE_IMAGE, "python3", "/workloads/notebook.py", "serve")
    kernel = next(line for line in pod.lines() if line.startswith("READY")).split()[1]
    notebook = ("python3", "/workloads/notebook.py", "run", kernel)
    pod.exec(*notebook, "x = 41")
    replace(pod)
    # IPython's history is an SQLite database on the root file system: docs/kubernetes.md.
    assert "42" in pod.exec(*notebook, "print(x + 1)").split()
    assert "ENDED" not in pod.lines()
