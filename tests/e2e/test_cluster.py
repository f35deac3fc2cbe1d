# SPDX-License-Identifier: Apache-2.0
"""The cluster that the other tests stand on is a real one, and leaves the host as it was."""
import json
import sys

import pytest

from cluster import leftovers
from cluster.cluster import Cluster
from cluster.layout import HERE, Layout
from cluster.node_files import PAUSE
from cluster.processes import run
from harness.counting import assert_moves_on, assert_unbroken
from harness.waiting import wait_for
from pods import OPT_IN

pytestmark = pytest.mark.requires("kubernetes")

COUNTER = ("python3", "-u", "/workloads/counter.py")
SERVER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(os.uname().nodename.encode())
print("READY", flush=True)
http.server.HTTPServer(("", 8080), Handler).serve_forever()
"""
FETCH = """
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], timeout=9).read().decode())
"""


def fetched(pod, url):
    """Once it can be: a Service takes a moment to reach all nodes."""
    def fetch():
        try:
            return pod.exec("python3", "-c", FETCH, url).strip()
        except RuntimeError as error:
            raise AssertionError(str(error)) from None
    return wait_for(fetch, 30, url)


def test_pods_of_both_nodes_reach_each_other_by_address_and_by_name(pods):
    web = pods.run("web", "python3", "-c", SERVER, node="n1", labels={"app": "web"})
    pods.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}})
    clients = [pods.run(f"client-{runtime or 'runc'}-{node}", "sleep", "1000", runtime=runtime,
                        node=node) for runtime, node in (("reprise", "n2"), (None, "n1"))]
    web.wait_for_line("READY")
    for client in clients:
        client.wait_running()
        assert fetched(client, f"http://{web.address}:8080") == "web"
        assert fetched(client, f"http://web.{pods.namespace}.svc.cluster.local") == "web"


def test_power_cut_takes_all_that_ran_and_the_node_returns(cluster, pods):
    pods.run("counter", *COUNTER, node="n2", annotations=OPT_IN, restartPolicy="Always")
    elsewhere = pods.run("elsewhere", *COUNTER, node="n1")
    counter = pods.run("other", *COUNTER, node="n2").wait_running()
    elsewhere.wait_for_line("STEP")
    cluster.power_cut("n2")
    assert leftovers.of_node(cluster.nodes["n2"].layout) == []
    assert_moves_on(elsewhere)
    assert_unbroken(elsewhere.lines())
    cluster.power_on("n2")
    # It was never told to restart, so this is its end; the other begins anew.
    assert counter.exit_code() != 0
    restarted = wait_for(lambda: pods.pod("counter").container()["restartCount"], 60,
                         "the pod to be restarted")
    assert restarted == 1
    pods.pod("counter").wait_running()


def test_parts_can_be_stopped_killed_and_started_again(cluster, pods):
    counter = pods.run("counter", *COUNTER, node="n1")
    counter.wait_for_line("STEP")
    kubelet = cluster.nodes["n1"]
    kubelet.stop("kubelet")
    late = pods.run("late", "sleep", "1000", node="n1")
    kubelet.kill("containerd")
    wait_for(lambda: kubelet.ctr("version", check=False).returncode == 0, 30, "containerd")
    assert not late.get()["status"].get("containerStatuses")
    kubelet.start("kubelet")
    late.wait_running()
    cluster.stop("apiserver")
    assert not cluster.api.ready()
    cluster.start("apiserver")
    wait_for(cluster.api.ready, 120, "the API server")
    assert_moves_on(counter)
    assert_unbroken(counter.lines())


def test_second_cluster_stands_beside_and_leaves_nothing(cluster):
    shared = leftovers.shared()
    second = Cluster.of_this_process(nodes=1, dns=False, images=[], bin_dir=None)
    try:
        second.up()
        assert second.layout.number != cluster.layout.number
        second.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "idle"},
                      "spec": {"containers": [{"name": "main", "image": PAUSE}]}})
        wait_for(lambda: second.api.get("/api/v1/namespaces/default/pods/idle")["status"]["phase"]
                 == "Running", 60, "a pod of the second cluster")
        assert cluster.api.get("/api/v1/namespaces/default/pods/idle") is None
        assert second.api.get("/apis/node.k8s.io/v1/runtimeclasses")["items"] == []
        assert leftovers.of(second.layout) != []
    finally:
        second.down()
    assert leftovers.of(second.layout) == []
    assert leftovers.shared() == shared


def test_what_a_killed_run_has_left_is_removed_by_the_next(cluster):
    """One that could not clean up; its cluster runs on until then."""
    script = ("import os, sys; sys.path[:0] = sys.argv[1:]; from cluster.cluster import Cluster; "
              "it = Cluster.of_this_process(nodes=1, dns=False, images=[]); it.up(); "
              "print(it.layout.number, flush=True); os._exit(0)")
    told = run(sys.executable, "-B", "-c", script, HERE.parent, HERE.parents[1] / "root").stdout
    left = Layout(int(told))
    assert leftovers.of(left) != []
    following = Cluster.of_this_process(nodes=0)
    try:
        assert following.layout.number == left.number
        assert leftovers.of(left) == [f"file: {left.state}"], "but for the place of the new one"
    finally:
        following.down()
    assert leftovers.of(left) == []


def test_command_brings_one_up_and_down(cluster):
    """A control plane alone, as tests of the API's client want it."""
    number = 5 if cluster.layout.number != 5 else 4

    def command(*words, check=True):
        return run(HERE / "cluster", f"--number={number}", *words, check=check)
    assert command("kubectl", "version", check=False).returncode == 1
    command("up", "--nodes", "0")
    try:
        namespaces = json.loads(command("kubectl", "get", "namespaces", "-o", "json").stdout)
        assert "kube-system" in [item["metadata"]["name"] for item in namespaces["items"]]
        assert "apiserver" in command("logs").stdout.split()
        assert f"KUBECONFIG={Layout(number).kubeconfig}" in command("env").stdout
        assert command("enter", "n1", "true", check=False).stderr == \
            "cluster: there is no node 'n1'\n"
    finally:
        command("down")
    assert leftovers.of(Layout(number)) == []
    entered = run(HERE / "cluster", f"--number={cluster.layout.number}", "enter", "n1", "reprise",
                  "--version")
    assert entered.stdout, "the product is at hand on a node"
