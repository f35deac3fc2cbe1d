# SPDX-License-Identifier: Apache-2.0
"""src/kube against a real API server: what it tells, and what it does while the server comes and goes."""
import base64
import json
import signal
import subprocess
import urllib.request

import pytest

from cluster import leftovers
from cluster.cluster import Cluster
from harness import host
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("kubernetes")

SPACE = "probe"
SECRETS = f"/api/v1/namespaces/{SPACE}/secrets"
MAPS = f"/api/v1/namespaces/{SPACE}/configmaps"
ACCOUNTS = f"/api/v1/namespaces/{SPACE}/serviceaccounts"


@pytest.fixture(scope="module")
def control():
    """A control plane alone, whose server may be killed."""
    it = Cluster.of_this_process(nodes=0)
    try:
        it.up()
        made(it, "/api/v1/namespaces", {"metadata": {"name": SPACE}})
        yield it
    finally:
        it.down()
    assert leftovers.of(it.layout) == []


def made(cluster, path, what):
    status, answer = cluster.api.request("POST", path, what)
    assert status == 201, answer
    return answer


def removed(cluster, path):
    status, answer = cluster.api.request("DELETE", path)
    assert status == 200, answer


class Probe:
    """kube_probe, and what it says."""

    def __init__(self, directory, cluster, *words, kubeconfig=None):
        self.file = directory / ("-".join(words).replace("/", "-")[-100:] + ".out")
        with self.file.open("wb") as output:
            self.process = subprocess.Popen(
                [host.BIN_DIR / "kube_probe", kubeconfig or cluster.layout.kubeconfig, *words],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def lines(self):
        return self.file.read_text(encoding="utf-8").splitlines()

    def wait_for_lines(self, *expected, deadline=60):
        """These, in this order, after all that was asked for before; others may lie between."""
        def are_there():
            rest = iter(self.lines())
            missing = [one for one in expected if not any(line.startswith(one) for line in rest)]
            assert not missing, "\n".join([f"no {missing[0]} in", *self.lines()])
            return True
        wait_for(are_there, deadline, f"{expected}")

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.send_signal(signal.SIGCONT)
        return self.process.wait(timeout=60)


@pytest.fixture
def probe(control, tmp_path):
    probes = []

    def start(*words, **options):
        probes.append(Probe(tmp_path, control, *words, **options))
        return probes[-1]
    yield start
    for each in probes:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


def restart(cluster):
    """By SIGKILL, as in a crash."""
    cluster.control_plane.kill("apiserver")
    wait_for(cluster.api.ready, 120, "the API server")


def compact(cluster):
    """Takes the history away up to now."""
    def etcd(path, what):
        url = f"http://127.0.0.1:{cluster.layout.port(1)}/v3/{path}"
        with urllib.request.urlopen(url, json.dumps(what).encode(), timeout=30) as answer:
            return json.load(answer)
    now = etcd("kv/range", {"key": base64.b64encode(b"/").decode()})["header"]["revision"]
    etcd("kv/compaction", {"revision": now, "physical": True})


def test_watch_through_changes_a_crash_and_a_lost_history(control, probe):
    made(control, SECRETS, {"metadata": {"name": "a"}})
    watch = probe("watch", SECRETS)
    watch.wait_for_lines("list a", "in-step")
    made(control, SECRETS, {"metadata": {"name": "b"}, "stringData": {"big": "x" * 900_000}})
    made(control, SECRETS, {"metadata": {"name": "c"}})
    removed(control, f"{SECRETS}/c")
    watch.wait_for_lines("list a", "in-step", "change b", "change c", "remove c")
    restart(control)
    watch.wait_for_lines("remove c", "out-of-step busy", "in-step")
    made(control, SECRETS, {"metadata": {"name": "d"}})
    watch.wait_for_lines("out-of-step busy", "in-step", "change d")
    # It sleeps, cut off, while things change and the history of that is taken away.
    watch.process.send_signal(signal.SIGSTOP)
    restart(control)
    removed(control, f"{SECRETS}/a")
    made(control, SECRETS, {"metadata": {"name": "e"}})
    compact(control)
    restart(control)
    watch.process.send_signal(signal.SIGCONT)
    watch.wait_for_lines("change d", "out-of-step", "remove a", "list b d e", "in-step")
    assert not any(line.startswith("error") for line in watch.lines())
    assert watch.end() == 0


def test_watch_ends_within_two_seconds_while_the_server_says_nothing(control, probe):
    watch = probe("watch", SECRETS)
    watch.wait_for_lines("list", "in-step")
    server = control.control_plane
    server.control.signal("apiserver", signal.SIGSTOP)
    try:
        assert watch.end() == 0
    finally:
        server.control.signal("apiserver", signal.SIGCONT)


def test_two_writers_lose_no_swap(control, probe):
    made(control, MAPS, {"metadata": {"name": "counter"}, "data": {"count": "0"}})
    writers = [probe("count", f"{MAPS}/counter", times) for times in ("40", "41")]
    for writer in writers:
        assert writer.process.wait(timeout=60) == 0, writer.lines()
    assert control.api.get(f"{MAPS}/counter")["data"]["count"] == "81"
    conflicts = sum(int(writer.lines()[-1].removeprefix("conflicts ")) for writer in writers)
    assert conflicts > 0, "nobody was ever in the other's way"


def test_lease_passes_from_a_killed_holder_and_at_once_from_one_that_ends(control, probe):
    one = probe("lease", SPACE, "duty", "one")
    one.wait_for_lines("held")
    two = probe("lease", SPACE, "duty", "two")
    three = probe("lease", SPACE, "other-duty", "three")
    three.wait_for_lines("held")
    assert "held" not in two.lines()
    one.end(signal.SIGKILL)
    two.wait_for_lines("held")
    # Nobody can renew: it is lost, and got again by the one who had it when the server is back.
    control.stop("apiserver")
    two.wait_for_lines("held", "because", "not-held")
    control.start("apiserver")
    two.wait_for_lines("held", "not-held", "held", deadline=120)
    assert two.end() == 0
    # So long that the next one has it only because it was given back.
    four = probe("lease", SPACE, "given-back", "four", "600")
    four.wait_for_lines("held")
    five = probe("lease", SPACE, "given-back", "five", "600")
    assert four.end() == 0
    five.wait_for_lines("held")
    path = f"/apis/coordination.k8s.io/v1/namespaces/{SPACE}/leases/given-back"
    assert control.api.get(path)["spec"]["holderIdentity"] == "five"


def test_events_are_counted_where_users_look(control, probe):
    about = made(control, MAPS, {"metadata": {"name": "about"}})["metadata"]
    assert probe("event", SPACE, "about", about["uid"], "6").process.wait(timeout=30) == 0
    found = control.api.get(f"/api/v1/namespaces/{SPACE}/events")["items"]
    event, = (item for item in found if item["involvedObject"]["name"] == "about")
    assert event["reason"] == "Resumed"
    assert event["series"]["count"] == 6
    assert "goes on where it was" in control.kubectl("describe", "configmap", "about",
                                                     "-n", SPACE).stdout


def account(cluster, name):
    """A ServiceAccount that may read Secrets, and a token of it."""
    made(cluster, ACCOUNTS, {"metadata": {"name": name}})
    return made(cluster, f"{ACCOUNTS}/{name}/token",
                {"spec": {"expirationSeconds": 600}})["status"]["token"]


def test_tokens_are_read_as_they_rotate_and_rights_are_named(control, probe, tmp_path):
    rights = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{SPACE}"
    made(control, f"{rights}/roles", {"metadata": {"name": "reader"}, "rules": [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]})
    made(control, f"{rights}/rolebindings", {
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "agent", "namespace": SPACE}]})
    made(control, SECRETS, {"metadata": {"name": "read-me"}})
    token = tmp_path / "token"
    token.write_text(account(control, "agent"), encoding="ascii")
    config = json.loads(control.layout.kubeconfig.read_text(encoding="ascii"))
    config["users"][0]["user"] = {"tokenFile": str(token)}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(config), encoding="ascii")
    reader = probe("get", f"{SECRETS}/read-me", kubeconfig=kubeconfig)
    reader.wait_for_lines("ok")
    # All its tokens go with it; the server remembers one for 10 s.
    removed(control, f"{ACCOUNTS}/agent")
    reader.wait_for_lines("ok", "error denied")
    token.write_text(account(control, "agent"), encoding="ascii")
    reader.wait_for_lines("ok", "error denied", "ok", deadline=60)
    assert reader.end() == 0
    watch = probe("watch", MAPS, kubeconfig=kubeconfig)
    watch.wait_for_lines(
        f"out-of-step denied cannot list configmaps in namespace '{SPACE}': "
        f"'{control.layout.api_url}' does not allow verb 'list' on 'configmaps'")
    unknown = probe("watch", f"/apis/reprise.dev/v1alpha1/namespaces/{SPACE}/nothings")
    unknown.wait_for_lines("out-of-step unsupported")
