# SPDX-License-Identifier: Apache-2.0
"""What an administrator does to a cluster that has nothing of Reprise: install, upgrade, remove."""
import json
import pathlib
import sys

import pytest

from cluster import leftovers, programs
from cluster.cluster import Cluster
from cluster.processes import run
from harness import host, s3
from harness.counting import assert_unbroken, steps
from harness.waiting import wait_for
from installation import COUNTER, Installation, agents, another_image, commands, state_of
from pods import ON_DISRUPTION, RUNNING, Pods

pytestmark = pytest.mark.requires("kubernetes")


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    before = leftovers.shared()
    it = Cluster.of_this_process(bin_dir=None, dns=False)
    try:
        it.up()
        yield Installation(it, tmp_path_factory.mktemp("admin"))
    finally:
        it.down()
    assert leftovers.of(it.layout) == []
    assert leftovers.shared() == before


@pytest.fixture
def pods(installation):
    it = Pods(installation.cluster)
    yield it
    it.remove()


def evict_and_go_on(pod):
    """It goes on in its replacement."""
    uid = pod.get()["metadata"]["uid"]
    with pod.followed() as before:
        pod.evict()

        def other():
            found = pod.get()
            return found and found["metadata"]["uid"] != uid and pod.is_running()
        wait_for(other, RUNNING, f"another pod '{pod.name}'")
    wait_for(lambda: steps(pod.lines()), RUNNING, f"a step of '{pod.name}'")
    first = steps(pod.lines())[0][0]
    assert first == steps(before)[-1][0] + 1, "it began anew, or steps are lost or done twice"
    return pod


def metrics_of(node):
    """By name with labels, as a Prometheus on the node reads them."""
    script = ("import urllib.request as r; "
              "print(r.urlopen('http://127.0.0.1:7435/metrics').read().decode())")
    text = node.run(sys.executable, "-c", script).stdout
    rows = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in rows}


def test_a_pod_is_evicted_and_goes_on(installation, pods):
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION, node="n1")
    pod.wait_for_line("STEP 5 ")
    evict_and_go_on(pod)
    assert_unbroken(installation.bystander.lines())  # containerd was started again under it
    assert installation.bystander.container()["restartCount"] == 0

    def counted():
        found = metrics_of(pod.node)
        return found if found.get('reprise_checkpoints{phase="Consumed"}') == 1 else None
    found = wait_for(counted, RUNNING, "the checkpoint to be consumed")
    for name in ('reprise_sessions_total{session="checkpoint",trigger="stop",outcome="ok"}',
                 'reprise_sessions_total{session="restore",trigger="create",outcome="ok"}',
                 'reprise_phase_seconds_count{session="checkpoint",phase="seal"}',
                 'reprise_answers_total{question="ending",answer="checkpoint"}',
                 'reprise_answers_total{question="create",answer="goes-on"}', "reprise_in_step"):
        assert found[name] == 1, name
    assert found["reprise_checkpoint_bytes_total"] > 100_000
    assert found['reprise_api_requests_total{method="POST",code="201"}'] >= 1


def test_a_user_asks_about_pods(installation, pods):
    """By `kubectl reprise`."""
    (installation.directory / "kubectl-reprise").symlink_to(pathlib.Path(host.BIN_DIR) / "reprise")
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION, node="n2")
    pod.wait_for_line("STEP 3 ")

    def ask(*words):
        """Exit status, and what is printed."""
        command = f"kubectl reprise -n {pods.namespace} {' '.join(words)}"
        return installation.type(f'PATH="$PWD:$PATH" {command} || echo "$?"')

    assert "preempted it is saved; when it is deleted it gets its signal" in ask("doctor", "db-0")
    assert "; it runs on\n" in ask("checkpoint", "db-0", "2>&1")  # by the privileged container
    evict_and_go_on(pod)
    assert "it went on from Checkpoint 'db-0-" in ask("doctor", "db-0")
    history = ask("lives", "db-0")
    assert "db-0 on n2  Consumed  -> db-0 on n2" in history
    life = json.loads(ask("lives", "statefulset/db", "--json"))["lives"][0]
    assert (life["node"], life["phase"], life["claimed_by"]["node"]) == ("n2", "Consumed", "n2")
    assert "Pods are saved here, and go on here." in ask("doctor", "node/n2")
    examined = json.loads(ask("doctor", "sts/db", "--json"))["pods"]
    assert [each["pod"] for each in examined] == ["db-0"]
    plain = pods.run("plain", "sleep", "1000", runtime=None).wait_running()
    told = json.loads(ask("doctor", plain.name, "--json").removesuffix("1\n"))
    assert [remark["text"] for remark in told["remarks"] if remark["weight"] == "no"] == [
        "it does not run under Reprise: it names no runtime class",
        "no annotation and no policy asks for a checkpoint"]
    assert ask("doctor", "nobody").endswith("3\n")
    assert ask("doctor").endswith("2\n")


def test_the_five_minutes_of_the_document(installation):
    printed = installation.type("".join(commands("In five minutes")))
    counted = [int(line) for line in printed.splitlines() if line.isdecimal()]
    assert counted and counted[0] > 1, printed
    assert counted == list(range(counted[0], counted[0] + len(counted)))
    assert "Consumed" in printed


def test_an_agent_writes_for_its_own_node_alone(installation, pods):
    def act(node, verb, checkpoint, *more):
        """As the agent of a node, by a token like its own."""
        token = installation.token(node)
        words = ("--token", token, "--kubeconfig=/dev/null", "--server",
                 pods.cluster.layout.api_url, "--certificate-authority",
                 pods.cluster.layout.keys / "ca.crt")
        done = run(programs.find("kubectl"), *words, "-n", pods.namespace, verb, *more, "-f", "-",
                   check=False, input=json.dumps(checkpoint))
        return "" if done.returncode == 0 else done.stderr

    def checkpoint(name, node):
        return {"apiVersion": "reprise.dev/v1alpha1", "kind": "Checkpoint",
                "metadata": {"name": name, "namespace": pods.namespace},
                "spec": {"pod": "p", "podUID": "u", "node": node, "containers": ["main"],
                         "owner": {"kind": "StatefulSet", "uid": "o"}}}

    def get(name):
        path = f"/apis/reprise.dev/v1alpha1/namespaces/{pods.namespace}/checkpoints/{name}"
        return pods.cluster.api.get(path)

    def claim(name, node, claimer):
        status = {**get(name).get("status", {"phase": "Promised"}),
                  **({"claimedBy": {"podUID": "other", "node": claimer}} if claimer else {})}
        return act(node, "replace", {**get(name), "status": status}, "--subresource=status")

    # Under the name that a promise for that pod would get: another nobody looks at.
    assert act("n1", "create", checkpoint("p-u", "n1")) == ""
    assert "node 'n2' makes and removes no Checkpoints of node 'n1'" in act(
        "n2", "create", checkpoint("two", "n1"))
    assert "makes and removes no Checkpoints" in act("n2", "delete", checkpoint("p-u", "n1"))
    # Its agent has saved no such pod.
    wait_for(lambda: get("p-u").get("status", {}).get("phase") == "Withdrawn", RUNNING,
             "the forged Checkpoint to be withdrawn")
    assert "claims nothing for another" in claim("p-u", "n1", "n2")
    # Whoever claimed it may be gone for good.
    assert claim("p-u", "n2", "n2") == ""
    free = {key: value for key, value in get("p-u")["status"].items() if key != "claimedBy"}
    assert act("n1", "replace", {**get("p-u"), "status": free}, "--subresource=status") == ""
    assert act("n1", "delete", checkpoint("p-u", "n1")) == ""

    pods.cluster.apply(checkpoint("far", "n3"))
    assert "node 'n2' has not claimed this Checkpoint of node 'n3'" in claim("far", "n2", None)
    assert "has not claimed" in claim("far", "n2", "n1")
    assert claim("far", "n2", "n2") == ""
    # There is no such pod on n2, so its agent lets go of it.
    wait_for(lambda: "claimedBy" not in get("far")["status"], RUNNING, "the claim to be let go of")

    # Nor does anybody take over another's claim, of the same pod or not.
    taken = {**get("far"), "status": {"claimedBy": {"podUID": "other", "node": "n3"}}}
    path = taken["metadata"]["namespace"] + "/checkpoints/far/status"
    assert pods.cluster.api.request(
        "PUT", f"/apis/reprise.dev/v1alpha1/namespaces/{path}", taken)[0] == 200
    assert "it is claimed for node 'n3'" in claim("far", "n2", "n2")

    # Requests: an agent makes none, and answers and removes those that its own node has.
    path = f"/apis/reprise.dev/v1alpha1/namespaces/{pods.namespace}/checkpointrequests"
    request = {"apiVersion": "reprise.dev/v1alpha1", "kind": "CheckpointRequest",
               "metadata": {"name": "now", "namespace": pods.namespace}, "spec": {"pod": "nobody"}}
    assert act("n1", "create", request) != ""
    pods.cluster.apply(request)

    def answer(node, of):
        now = pods.cluster.api.get(f"{path}/now")
        status = {"phase": "Running", **now.get("status", {}), "node": of}
        return act(node, "replace", {**now, "status": status}, "--subresource=status")
    assert "node 'n1' does not answer this request" in answer("n1", "n2")
    assert answer("n1", "n1") == ""
    # The agent did not take it up in this life, and says so.
    wait_for(lambda: pods.cluster.api.get(f"{path}/now")["status"]["phase"] == "Failed", RUNNING,
             "the request to be given up")
    assert "node 'n2' does not answer this request" in answer("n2", "n2")
    assert "node 'n2' does not answer" in act("n2", "delete", request)
    assert act("n1", "delete", request) == ""

    # Whatever rights somebody has, he makes none and writes none; the most that he can is delete.
    pods.kubectl("create", "role", "all", "--verb=*",
                 "--resource=checkpoints.reprise.dev,checkpoints.reprise.dev/status")
    pods.kubectl("create", "rolebinding", "owner", "--role=all", "--user=owner")

    def owner(*words, **options):
        return pods.kubectl("--as=owner", *words, check=False, **options)
    forged = json.dumps(checkpoint("forged", "n1"))
    wait_for(lambda: "only the agents of the nodes make Checkpoints" in
             owner("create", "-f", "-", input=forged).stderr, RUNNING, "the right and the rule")
    patch = ("patch", "checkpoint", "far", "--subresource=status", "--type=merge",
             "-p", '{"status": {"phase": "Claimable"}}')
    assert "only the agents of the nodes" in owner(*patch).stderr
    assert owner("delete", "checkpoint", "far").returncode == 0

    # Who may edit a namespace sees them, and that is all.
    pods.kubectl("create", "rolebinding", "dev", "--clusterrole=edit", "--user=dev")

    def may(verb):
        done = pods.kubectl("auth", "can-i", verb, "checkpoints.reprise.dev", "--as=dev",
                            check=False)
        return done.stdout.strip()
    wait_for(lambda: may("list") == "yes", RUNNING, "the role to be aggregated")
    assert {may(verb) for verb in ("create", "update", "patch", "delete")} == {"no"}


def assert_mended(installation):
    """What somebody took out of containerd's files is there again, and containerd knows of it."""
    node = installation.nodes[0]
    before = state_of(node), installation.containerds()
    node.run("sh", "-c", "cd /etc/containerd && rm -f conf.d/reprise.toml && "
                         "sed -i '/begin reprise-node/,/end reprise-node/d' config.toml")
    assert state_of(node) != before[0]
    installation.cluster.kubectl("-n", "reprise-system", "delete", "pods", "--all")
    installation.wait("reprise-system", "reprise-agent")
    assert state_of(node).replace("\n\n", "\n") == before[0].replace("\n\n", "\n")
    started = installation.containerds()
    assert started[0] != before[1][0] and started[1:] == before[1][1:]


def assert_another_key_is_refused(installation):
    """A node keeps the key with which it has sealed what it holds, and says so."""
    node = installation.nodes[1]
    key = node.disk("/etc/reprise/store.key")
    own = key.read_text()
    key.write_text("ab" * 32)
    installation.cluster.kubectl("-n", "reprise-system", "delete", "pods", "--all")
    wait_for(lambda: "is another than the cluster's" in installation.log(node, "install"), RUNNING,
             "the key to be refused")
    assert key.read_text() == "ab" * 32
    key.write_text(own)
    installation.cluster.kubectl("-n", "reprise-system", "delete", "pods", "--all")
    installation.wait("reprise-system", "reprise-agent")


@pytest.mark.nightly
def test_a_remote_by_the_charts_values(installation, pods, tmp_path):
    """Its credentials are a Secret's; without them nodes have it no longer."""
    cluster, node = installation.cluster, installation.nodes[0]
    settings = node.disk("/etc/reprise/reprise.toml")
    with s3.bucket(tmp_path, cluster.layout.host_address) as endpoint:
        cluster.kubectl("-n", "reprise-system", "create", "secret", "generic", "reprise-remote",
                        f"--from-literal=access-key={s3.ACCESS}",
                        f"--from-literal=secret-key={s3.SECRET}")
        cluster.kubectl("apply", "-f", "-", input=agents(
            remote={"url": "s3://bucket/nodes", "endpoint": endpoint}))
        installation.wait("reprise-system", "reprise-agent")
        assert s3.SECRET not in settings.read_text(encoding="utf8")
        pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION, node="n1")
        pod.wait_for_line("STEP 5 ")
        cluster.kubectl("cordon", "n1", "n2")
        try:
            pod.evict()
            path = f"/apis/reprise.dev/v1alpha1/namespaces/{pods.namespace}/checkpoints"
            wait_for(lambda: [each for each in cluster.api.get(path)["items"]
                              if each.get("status", {}).get("remote") == "cluster"],
                     RUNNING, "the upload")
            assert list(tmp_path.glob("bucket/nodes/checkpoints/*"))
        finally:
            cluster.kubectl("uncordon", "n1", "n2")
    installation.apply()
    assert not settings.exists()


@pytest.mark.nightly
def test_upgrade_under_a_pod_and_remove(installation, pods, tmp_path):
    cluster, nodes = installation.cluster, installation.nodes
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION, node="n1")
    pod.wait_for_line("STEP 5 ")
    started = installation.containerds()

    # Again: nothing is to be done.
    cluster.kubectl("-n", "reprise-system", "delete", "pods", "--all")
    installation.wait("reprise-system", "reprise-agent")
    assert installation.containerds() == started

    assert_mended(installation)
    assert_another_key_is_refused(installation)

    archive = another_image(tmp_path)
    started = installation.containerds()
    for node in nodes:
        node.import_image(archive)
    installation.apply("reprise.dev/reprise:next")
    assert installation.containerds() == started
    evict_and_go_on(pod)  # saved by the new version

    installation.remove(pods, pod)
    assert [state_of(node) for node in nodes] == installation.clean
    assert_unbroken(installation.bystander.lines())
