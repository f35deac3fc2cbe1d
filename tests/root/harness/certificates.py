# SPDX-License-Identifier: Apache-2.0
"""An authority, whom it vouches for, and a store that is served over TLS."""
import contextlib
import signal
import subprocess

from harness import host


class Authority:
    def __init__(self, directory):
        self.directory = directory
        self.cert, self.key = self._make("ca")

    def issue(self, name, *more):
        """Paths of a certificate and its key."""
        return self._make(name, "-CA", self.cert, "-CAkey", self.key, "-addext",
                          "basicConstraints=critical,CA:FALSE", *more)

    def _make(self, name, *more):
        files = [str(self.directory / f"{name}.{kind}") for kind in ("crt", "key")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                        "-out", files[0], "-keyout", files[1], *more],
                       check=True, capture_output=True, timeout=60)
        for file in files:
            subprocess.run(["chmod", "600", file], check=True, timeout=60)
        return files


@contextlib.contextmanager
def serving(product, authority):
    """`reprise store serve` to whom `authority` vouches for; the URL. Ends it by SIGTERM."""
    cert, key = authority.issue("node", "-addext", "subjectAltName=IP:127.0.0.1")
    command = [host.BIN_DIR / "reprise", "store", "serve", "--listen", "127.0.0.1:0",
               "--cert", cert, "--key", key, "--ca", authority.cert]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                          env=product.environment()) as server:
        try:
            url = server.stdout.readline().split()[-1]
            assert url.startswith("https://127.0.0.1:"), url
            yield url
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=60) == 0
