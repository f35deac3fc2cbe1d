# SPDX-License-Identifier: Apache-2.0
"""Names, addresses and directories of a cluster. Clusters of different numbers share none."""
import dataclasses
import pathlib

MOST_CLUSTERS = 10
MOST_NODES = 9
CHECKOUT = pathlib.Path(__file__).resolve().parents[3]
HERE = pathlib.Path(__file__).resolve().parent
DOMAIN = "cluster.local"


@dataclasses.dataclass(frozen=True)
class Layout:
    """The control plane runs on the host, at the address of the bridge that joins the nodes."""

    number: int

    @property
    def state(self):
        """All files; short, since there are sockets in it."""
        return pathlib.Path(f"/var/tmp/reprise-cluster-{self.number}")

    @property
    def logs(self):
        return self.state / "log"

    @property
    def keys(self):
        return self.state / "keys"

    @property
    def bridge(self):
        return f"rpc{self.number}"

    @property
    def _network(self):
        return f"10.{200 + self.number}"

    @property
    def host_address(self):
        return f"{self._network}.0.1"

    @property
    def pods(self):
        """Of all nodes, and the nodes themselves."""
        return f"{self._network}.0.0/16"

    @property
    def _services(self):
        return f"10.{220 + self.number}.0"

    @property
    def services(self):
        return f"{self._services}.0/24"

    @property
    def api_service(self):
        return f"{self._services}.1"

    @property
    def dns_service(self):
        return f"{self._services}.10"

    def port(self, offset):
        """A port of the host, 0 ≤ offset < 10."""
        return 16400 + self.number * 10 + offset

    @property
    def api_url(self):
        return f"https://{self.host_address}:{self.port(0)}"

    @property
    def kubeconfig(self):
        return self.keys / "admin.kubeconfig"

    def node(self, index):
        return NodeLayout(self, index)


@dataclasses.dataclass(frozen=True)
class NodeLayout:
    """Node `index` (1, 2, …), with a /24 of its own for its pods."""

    cluster: Layout
    index: int

    @property
    def name(self):
        return f"n{self.index}"

    @property
    def state(self):
        """What would be on the node's disk."""
        return self.cluster.state / self.name

    @property
    def address(self):
        return self.cluster.host_address.removesuffix(".1") + f".{10 + self.index}"

    @property
    def pods(self):
        return self.cluster.host_address.removesuffix(".0.1") + f".{self.index}.0/24"

    @property
    def link(self):
        """The host's end of the node's cable; 15 characters at most."""
        return f"{self.cluster.bridge}-{self.name}"

    @property
    def cgroup(self):
        """The kubelet's root, below each controller's."""
        return f"reprise-cluster-{self.cluster.number}-{self.name}"
