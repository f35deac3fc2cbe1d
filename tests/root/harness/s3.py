# SPDX-License-Identifier: Apache-2.0
"""A real S3 server (tools/s3-server) with one empty bucket on a directory."""
import contextlib
import os
import socket
import subprocess

from harness import host
from harness.waiting import wait_for

ACCESS, SECRET = "reprise-test", "not/a+secret"


def program():
    """The check has built it; by hand it is built now, which takes some minutes once."""
    given = os.environ.get("REPRISE_S3_SERVER")
    return given or subprocess.run([host.CHECKOUT / "tools/s3-server"], check=True, text=True,
                                   stdout=subprocess.PIPE, timeout=900).stdout.strip()


def accepts(address, port):
    with socket.socket() as connection:
        return connection.connect_ex((address, port)) == 0


@contextlib.contextmanager
def bucket(directory, address="127.0.0.1"):
    """Its endpoint. What lies in the bucket is in DIRECTORY/bucket, object by object."""
    (directory / "bucket").mkdir(parents=True)
    with socket.socket() as free:
        free.bind((address, 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([program(), "--access", ACCESS, "--secret", SECRET, "--port",
                               f"{address}:{port}", "posix", directory],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: accepts(address, port) or server.poll() is not None, 30, "the S3 server to answer")
        assert server.poll() is None, "the S3 server ended at once"
        yield f"http://{address}:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)
