# SPDX-License-Identifier: Apache-2.0
"""The programs that a cluster consists of: what tools/kubernetes builds, and the host's."""
import functools
import os
import pathlib
import shutil
import subprocess

from cluster.layout import CHECKOUT

TOOL = CHECKOUT / "tools/kubernetes"
HOST = ("runc", "nft", "ip", "openssl", "unshare", "nsenter", "cc", "podman")


@functools.cache
def directories():
    """Where they are (REPRISE_KUBERNETES, or by asking the tool, which builds nothing); or None."""
    told = os.environ.get("REPRISE_KUBERNETES")
    if told:
        return told
    done = subprocess.run([TOOL, "--present"], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


@functools.cache
def find(name):
    path = shutil.which(name, path=f"{directories() or ''}:{os.environ['PATH']}:/usr/sbin:/sbin")
    if path is None:
        raise RuntimeError(f"there is no '{name}' here: run 'tools/kubernetes', and "
                           "'tools/install-packages runtime test'")
    return pathlib.Path(path)


def version(name):
    """Of a part: tools/kubernetes names its directory PART-VERSION."""
    return find(name).parent.name.rpartition("-")[2]


def environment(**more):
    """For programs of the cluster: with all of them in PATH, and without settings of ours."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("REPRISE_")}
    path = f"{directories()}:{os.environ['PATH']}:/usr/sbin:/sbin"
    return {**inherited, "PATH": path, **{key: str(value) for key, value in more.items()}}


def missing():
    """The first program that is not there, or None."""
    if directories() is None:
        return "kubelet"
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    return next((name for name in HOST if shutil.which(name, path=path) is None), None)
