# SPDX-License-Identifier: Apache-2.0
"""What people do with a running pod works under the product as under runc, opted in or not."""
import contextlib
import re
import subprocess
import urllib.request

import pytest

from harness.waiting import wait_for
from pods import OPT_IN

pytestmark = pytest.mark.requires("kubernetes")

SERVER = """
import http.server
print("READY", flush=True)
http.server.test(http.server.SimpleHTTPRequestHandler, port=8080, bind="0.0.0.0")
"""
KINDS = {"without": {}, "opted-in": OPT_IN}


@pytest.fixture(params=KINDS)
def server(request, pods):
    pod = pods.run("server", "python3", "-c", SERVER, annotations=KINDS[request.param],
                   container={"readinessProbe": {"httpGet": {"port": 8080}, "periodSeconds": 1},
                              "livenessProbe": {"exec": {"command": ["true"]}}})
    return pod.wait_ready()


@contextlib.contextmanager
def background(pods, *words):
    """`kubectl` as long as the block runs, with what it prints."""
    command = [str(word) for word in pods.cluster.kubectl_words("-n", pods.namespace, *words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_exec_cp_logs_port_forward_and_debug(server, pods, tmp_path):
    assert pods.kubectl("exec", "-i", server.name, "--", "tr", "a-z", "A-Z",
                        input="through stdin").stdout == "THROUGH STDIN"
    ended = pods.kubectl("exec", server.name, "--", "sh", "-c", "echo lost >&2; exit 5",
                         check=False)
    assert ended.returncode == 5 and "lost" in ended.stderr
    local, back = tmp_path / "there", tmp_path / "back"
    local.write_text("copied\n" * 1000, encoding="ascii")
    pods.kubectl("cp", local, f"{server.name}:/tmp/there")
    pods.kubectl("cp", f"{server.name}:/tmp/there", back)
    assert back.read_text(encoding="ascii") == local.read_text(encoding="ascii")
    with background(pods, "port-forward", server.name, ":8080") as process:
        port = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())[1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/etc/debian_version") as answer:
            assert answer.status == 200
    with background(pods, "logs", "--follow", server.name) as process:
        # What the request before it and the probes have left.
        wait_for(lambda: "GET /etc/debian_version" in process.stdout.readline(), 30, "the log")
    pods.kubectl("debug", server.name, "--image=localhost/reprise-test/base:1", "--target=main",
                 "--profile=general", "--container=guest", "--", "sh", "-c",
                 "tr '\\0' ' ' </proc/1/cmdline")
    guest = wait_for(lambda: pods.kubectl("logs", server.name, "-c", "guest", check=False).stdout,
                     60, "the ephemeral container")
    assert guest.startswith("python3 -c"), "it does not see the container's processes"
    assert server.container()["restartCount"] == 0


@pytest.mark.parametrize("annotations", KINDS.values(), ids=KINDS)
def test_terminal_and_stdin_of_the_container(pods, annotations):
    with_terminal = pods.run("shows", "sh", "-c", "tty; exit 4", annotations=annotations,
                             container={"stdin": True, "tty": True})
    pod = pods.run("reads", "sh", "-c", "echo READY; read line; echo got $line; exit 6",
                   annotations=annotations, container={"stdin": True, "stdinOnce": True})
    pod.wait_for_line("READY")
    pods.kubectl("attach", "-i", pod.name, input="a word\n", check=False)
    assert pod.exit_code() == 6
    assert pod.lines()[-1] == "got a word"
    assert with_terminal.exit_code() == 4
    assert with_terminal.lines() == ["/dev/pts/0"]


@pytest.mark.parametrize("annotations", KINDS.values(), ids=KINDS)
def test_a_pod_that_crashes_is_restarted_and_tells_why(pods, annotations):
    script = "echo why >/dev/termination-log; echo life; exit 3"
    pod = pods.run("crashing", "sh", "-c", script, annotations=annotations, restartPolicy="Always",
                   initContainers=[{"name": "first", "image": "localhost/reprise-test/base:1",
                                    "command": ["true"]}])
    wait_for(lambda: pod.container()["restartCount"] >= 1, 60, "the restart")
    last = wait_for(lambda: pod.container()["lastState"].get("terminated"), 60, "its last state")
    assert (last["exitCode"], last["reason"], last["message"]) == (3, "Error", "why\n")
    # Of one life alone, which may just have begun.
    wait_for(lambda: pod.lines() == ["life"], 60, "the log of one life")


@pytest.mark.parametrize("annotations", KINDS.values(), ids=KINDS)
def test_a_pod_that_takes_too_much_memory_is_told_so(pods, annotations):
    pod = pods.run("greedy", "python3", "-c", "hoard = b'x' * (1 << 30)", annotations=annotations,
                   container={"resources": {"limits": {"memory": "64Mi"}}})
    assert pod.exit_code() == 137
    assert pod.container()["state"]["terminated"]["reason"] == "OOMKilled"
