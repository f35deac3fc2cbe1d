# SPDX-License-Identifier: Apache-2.0
"""What every cluster holds besides its nodes: rights of kube-proxy, DNS, runtime classes."""
from cluster.layout import DOMAIN

DNS_IMAGE = "reprise.test/coredns:1"
RBAC = "rbac.authorization.k8s.io"
COREFILE = f""".:53 {{
  errors
  health
  ready
  kubernetes {DOMAIN} in-addr.arpa
  loop
}}
"""


def binding(role, **subject):
    return {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": f"reprise-test:{role}"},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            "subjects": [subject]}


def runtime_class(name):
    return {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name},
            "handler": name}


def dns(address):
    """CoreDNS, of one replica."""
    place = {"name": "coredns", "namespace": "kube-system"}
    reads = ["list", "watch"]
    labels = {"k8s-app": "kube-dns"}
    pod = {
        "serviceAccountName": "coredns", "priorityClassName": "system-cluster-critical",
        "dnsPolicy": "Default",
        "volumes": [{"name": "config", "configMap": {"name": "coredns"}}],
        "containers": [{
            "name": "coredns", "image": DNS_IMAGE, "args": ["-conf", "/etc/coredns/Corefile"],
            "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
            "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns"}]}]}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": place},
        {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "reprise-test-dns"},
         "rules": [
             {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": reads},
             {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"],
              "verbs": reads}]},
        binding("reprise-test-dns", kind="ServiceAccount", **place),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": place,
         "data": {"Corefile": COREFILE}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": place,
         "spec": {"replicas": 1, "selector": {"matchLabels": labels},
                  "template": {"metadata": {"labels": labels}, "spec": pod}}},
        {"apiVersion": "v1", "kind": "Service",
         "metadata": {"name": "kube-dns", "namespace": "kube-system"},
         "spec": {"clusterIP": address, "selector": labels, "ports": [
             {"name": "dns", "port": 53, "protocol": "UDP"},
             {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]}}]


def standing(layout, handlers, with_dns, with_agents):
    items = [binding("system:node-proxier", kind="User", name="system:kube-proxy")]
    items += [binding("reprise-agent", kind="User", name="reprise-agent")] if with_agents else []
    items += [runtime_class(name) for name in handlers]
    items += dns(layout.dns_service) if with_dns else []
    return {"apiVersion": "v1", "kind": "List", "items": items}
