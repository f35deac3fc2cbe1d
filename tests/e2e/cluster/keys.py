# SPDX-License-Identifier: Apache-2.0
"""Certificates and kubeconfigs of a cluster, and the key of its stores. They last a week: no cluster of
the tests does."""
import json
import secrets

from cluster.processes import run

DAYS = "7"
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Keys:
    """Files NAME.crt and NAME.key in one directory, all signed by its `ca`."""

    def __init__(self, layout):
        self.layout = layout
        self.directory = layout.keys

    def file(self, name):
        return self.directory / name

    def make(self):
        """For everybody but the nodes."""
        layout = self.layout
        self.directory.mkdir(mode=0o700)
        self._certificate("ca", "/CN=reprise-cluster", "-addext", "keyUsage=keyCertSign")
        self._issue("apiserver", "/CN=kube-apiserver", f"IP:{layout.host_address}",
                    f"IP:{layout.api_service}", "DNS:kubernetes", "DNS:kubernetes.default",
                    "DNS:kubernetes.default.svc")
        self._issue("kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client")
        for name, subject in (("admin", "/O=system:masters/CN=admin"),
                              ("controller-manager", "/CN=system:kube-controller-manager"),
                              ("scheduler", "/CN=system:kube-scheduler"),
                              ("proxy", "/CN=system:kube-proxy"),
                              ("agent", "/CN=reprise-agent")):
            self._issue(name, subject)
            self._kubeconfig(name)
        # What all nodes' stores are sealed with.
        self.file("store.key").write_text(secrets.token_hex(32) + "\n", encoding="ascii")
        # Of ServiceAccount tokens.
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out",
            self.file("tokens.key"))
        run("openssl", "ec", "-in", self.file("tokens.key"), "-pubout", "-out",
            self.file("tokens.pub"))

    def make_node(self, node):
        self._issue(node.name, f"/O=system:nodes/CN=system:node:{node.name}", f"DNS:{node.name}",
                    f"IP:{node.address}")
        self._kubeconfig(node.name)

    def _issue(self, name, subject, *alternatives):
        names = ("-addext", "subjectAltName=" + ",".join(alternatives)) if alternatives else ()
        self._certificate(name, subject, "-CA", self.file("ca.crt"), "-CAkey", self.file("ca.key"),
                          "-addext", "basicConstraints=critical,CA:FALSE",
                          "-addext", "extendedKeyUsage=clientAuth,serverAuth", *names)

    def _certificate(self, name, subject, *more):
        run("openssl", "req", "-x509", *CURVE, "-days", DAYS, "-subj", subject,
            "-out", self.file(f"{name}.crt"), "-keyout", self.file(f"{name}.key"), *more)

    def _kubeconfig(self, name):
        """JSON is YAML."""
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "reprise",
            "clusters": [{"name": "reprise", "cluster": {
                "server": self.layout.api_url,
                "certificate-authority": str(self.file("ca.crt"))}}],
            "users": [{"name": name, "user": {
                "client-certificate": str(self.file(f"{name}.crt")),
                "client-key": str(self.file(f"{name}.key"))}}],
            "contexts": [{"name": "reprise",
                          "context": {"cluster": "reprise", "user": name}}]}
        self.file(f"{name}.kubeconfig").write_text(json.dumps(config, indent=1), encoding="ascii")
