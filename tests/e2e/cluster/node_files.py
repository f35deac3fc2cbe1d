# SPDX-License-Identifier: Apache-2.0
"""What lies on a node, and the settings of its parts."""
import json

from cluster import programs
from cluster.layout import DOMAIN

# Directories that a node has of its own; they survive its end, as a disk does.
OWN = ("/var/lib/kubelet", "/var/lib/containerd", "/var/lib/cni", "/var/lib/reprise",
       "/var/log/pods", "/var/log/containers", "/etc/cni/net.d", "/etc/containerd", "/etc/reprise")
OVERLAID = ("/etc", "/opt", "/var/lib", "/var/log")
PAUSE = "reprise.test/pause:1"

# restrict_oom_score_adj: a host without CAP_SYS_RESOURCE cannot lower it.
CONTAINERD = """version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
imports = ["/etc/containerd/conf.d/*.toml"]
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{pause}"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["{plugins}"]
"""
CONTAINERD_1 = """version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
imports = ["/etc/containerd/conf.d/*.toml"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{plugins}"
"""
HANDLER = """[plugins."{plugin}".containerd.runtimes.{name}]
  runtime_type = "io.containerd.runc.v2"
  pod_annotations = ["reprise.dev/*"]
[plugins."{plugin}".containerd.runtimes.{name}.options]
  SystemdCgroup = false
  BinaryName = "{binary}"
"""


def containerd(handlers):
    """`handlers`: names of runtime handlers, and their binaries."""
    is_1 = programs.version("containerd").startswith("1.")
    plugin = "io.containerd.grpc.v1.cri" if is_1 else "io.containerd.cri.v1.runtime"
    text = (CONTAINERD_1 if is_1 else CONTAINERD).format(
        pause=PAUSE, plugins=programs.find("ptp").parent)
    return text + "".join(HANDLER.format(plugin=plugin, name=name, binary=binary)
                          for name, binary in handlers.items())


def network(node):
    """A cable for each pod rather than a bridge, whose packets Services would not see."""
    return json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": [
        {"type": "ptp", "ipMasq": False,
         "ipam": {"type": "host-local", "dataDir": "/run/cni-addresses",
                  "ranges": [[{"subnet": node.pods}]], "routes": [{"dst": "0.0.0.0/0"}]}},
        {"type": "portmap", "backend": "nftables", "capabilities": {"portMappings": True}}]})


def kubelet(node):
    keys = node.cluster.keys
    return json.dumps({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "failCgroupV1": False,  # from 1.35 on it refuses v1 otherwise
        "failSwapOn": False, "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{node.cgroup}",
        "enforceNodeAllocatable": ["pods"],
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "clusterDNS": [node.cluster.dns_service], "clusterDomain": DOMAIN,
        "resolvConf": "/run/resolv.conf",
        "makeIPTablesUtilChains": False,  # kube-proxy uses nftables
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                           "x509": {"clientCAFile": f"{keys}/ca.crt"}},
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{keys}/{node.name}.crt", "tlsPrivateKeyFile": f"{keys}/{node.name}.key",
        "nodeStatusUpdateFrequency": "5s", "syncFrequency": "10s",
        # All nodes share the disk of the host, which others fill.
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%",
                         "imagefs.available": "1%", "nodefs.inodesFree": "1%"},
        "imageGCHighThresholdPercent": 99, "imageGCLowThresholdPercent": 98})


def proxy(node):
    return json.dumps({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
        "mode": "nftables", "hostnameOverride": node.name, "detectLocalMode": "ClusterCIDR",
        "clusterCIDR": node.cluster.pods,
        "clientConnection": {"kubeconfig": f"{node.cluster.keys}/proxy.kubeconfig"},
        "healthzBindAddress": "127.0.0.1:10256", "metricsBindAddress": "127.0.0.1:10249",
        # A network namespace other than the first may not set these.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s",
                      "tcpCloseWaitTimeout": "0s"}})


def commands(node, bin_dir):
    """Name of each part, and its words; with an agent and its hands where the product is installed."""
    agent = {"hands": [bin_dir / "reprise-node", "serve"],
             "reprised": [bin_dir / "reprised", f"--node={node.name}",
                          f"--kubeconfig={node.cluster.keys}/agent.kubeconfig"]} if bin_dir else {}
    return {
        "containerd": [programs.find("containerd")],
        "kubelet": [programs.find("kubelet"), f"--config={node.state}/kubelet.json",
                    f"--kubeconfig={node.cluster.keys}/{node.name}.kubeconfig",
                    f"--hostname-override={node.name}", f"--node-ip={node.address}",
                    "--cert-dir=/var/lib/kubelet/pki", "--v=2"],
        "kube-proxy": [programs.find("kube-proxy"), f"--config={node.state}/proxy.json"], **agent}
