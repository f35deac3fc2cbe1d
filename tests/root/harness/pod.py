# SPDX-License-Identifier: Apache-2.0
"""A pod under Podman and our runtime: an infra container that keeps the namespaces, and members."""
from harness import host
from harness.container import podman, unique_name


class Pod:
    """Named uniquely; `remove()` is safe whatever became of it, and takes its members along."""

    def __init__(self, product, share="ipc,net,uts"):
        self.product = product
        self.name = unique_name()
        podman("--runtime", product.runtime, "pod", "create", "--name", self.name,
               "--share", share, "--volume", f"{host.WORKLOADS}:/infra:ro",
               "--infra-image", host.IMAGE, "--infra-command", "python3 /infra/pod_infra.py")

    @property
    def options(self):
        """For `Container.run`: to become a member."""
        return "--pod", self.name

    def stop(self):
        podman("pod", "stop", "-t", 30, self.name)

    def start(self):
        podman("pod", "start", self.name)

    def remove(self):
        podman("pod", "rm", "-f", "-t", "0", self.name, check=False)
