# SPDX-License-Identifier: Apache-2.0
"""Podman's REST API, for containers that no command made."""
import contextlib
import http.client
import json
import socket
import subprocess
import tempfile

from harness.waiting import wait_for


class Connection(http.client.HTTPConnection):
    """Over a UNIX socket."""

    def __init__(self, path):
        super().__init__("podman")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


@contextlib.contextmanager
def service(runtime):
    """Its socket, while Podman serves there, with this runtime for all that it makes (Podman 5.4 does
    not heed the `oci_runtime` of a request)."""
    with tempfile.TemporaryDirectory(prefix="rt-") as directory:
        path = f"{directory}/podman.sock"
        with subprocess.Popen(["podman", "--runtime", runtime, "system", "service", "--time", "0", f"unix://{path}"],
                              stderr=subprocess.DEVNULL) as server:
            def answers():
                try:
                    ask(path, "GET", "/_ping")
                    return True
                except OSError:
                    return False
            try:
                wait_for(answers, 60, "Podman's API to answer")
                yield path
            finally:
                server.terminate()


def ask(path, method, what, body=None):
    """(status, text) of one request."""
    connection = Connection(path)
    try:
        connection.request(method, what, body=json.dumps(body) if body is not None else None,
                           headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def create(path, description):
    status, text = ask(path, "POST", "/v5.0.0/libpod/containers/create", description)
    assert status == 201, text
    return json.loads(text)["Id"]
