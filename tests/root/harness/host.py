# SPDX-License-Identifier: Apache-2.0
"""What this host can do, found out by doing it, and what to do about what is missing."""
import functools
import os
import pathlib
import platform
import re
import shutil
import subprocess

IMAGE = "localhost/reprise-test/base:1"
APPS_IMAGE = "localhost/reprise-test/apps:1"
SCIENCE_IMAGE = "localhost/reprise-test/science:1"
LLM_IMAGE = "localhost/reprise-test/llm:1"
LEAST_CRIU = (4, 2, 1)  # the first that can dump sockets on every kernel up to 6.18
CHECKOUT = pathlib.Path(__file__).resolve().parents[3]
BIN_DIR = pathlib.Path(os.environ.get("REPRISE_BIN_DIR", CHECKOUT / "build/dev/bin"))
WORKLOADS = CHECKOUT / "tests/root/workloads"


def run(*command, timeout=60):
    """Runs a command to its end, whatever that is; output as text."""
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=timeout, check=False, stdin=subprocess.DEVNULL)


def works(*command):
    try:
        return run(*command).returncode == 0
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False


def criu_is_new_enough():
    if not works("criu", "--version"):
        return False
    version = re.search(r"Version: ([0-9.]+)", run("criu", "--version").stdout)
    return version is not None and tuple(map(int, version[1].split("."))) >= LEAST_CRIU


def image(name, recipe):
    return (lambda: works("podman", "image", "exists", name), f"build it: tools/test-images {recipe}")


def has_loop_devices():
    return shutil.which("mkfs.ext4") is not None and works("losetup", "--find")


def has_criu_programs():
    cache = pathlib.Path(os.environ.get("REPRISE_CACHE", "/var/cache/reprise"))
    return any(cache.glob("criu-programs/*/keeper"))


def has_kubernetes():
    """Told by the lane, or built."""
    return "REPRISE_KUBERNETES" in os.environ or works(CHECKOUT / "tools/kubernetes", "--present")


def has_io_uring():
    try:
        setting = pathlib.Path("/proc/sys/kernel/io_uring_disabled").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return setting.strip() != "2" and platform.machine() == "x86_64"


# Name of a need: how it is probed, and the remedy where it is missing.
NEEDS = {
    "root": (lambda: os.geteuid() == 0, "run the tests as root"),
    "criu": (criu_is_new_enough, "install criu 4.2.1 or newer (./quickstart does)"),
    "podman": (lambda: works("podman", "version"), "install podman and runc"),
    "image": image(IMAGE, "base"),
    "apps": image(APPS_IMAGE, "apps"),
    "science": image(SCIENCE_IMAGE, "science"),
    "llm": image(LLM_IMAGE, "llm"),
    "criu-programs": (has_criu_programs, "build them: tools/criu-programs"),
    "product": (lambda: all(os.access(BIN_DIR / name, os.X_OK)
                            for name in ("reprise", "reprise-runtime", "reprise-worker")),
                f"build it into '{BIN_DIR}', or set REPRISE_BIN_DIR"),
    "containerd": (lambda: works("containerd", "--version") and works("ctr", "--version"),
                   "install containerd"),
    "nft": (lambda: works("nft", "list", "tables"), "install nftables"),
    "kubernetes": (has_kubernetes, "build it: tools/kubernetes"),
    "loop": (has_loop_devices, "install e2fsprogs, and use a host with loop devices"),
    "compiler": (lambda: works("cc", "--version"), "install a C compiler (./quickstart does)"),
    "io_uring": (has_io_uring, "use an x86-64 kernel with io_uring, and do not disable it"),
}
# Whoever needs the first needs the others as well.
IMPLIED = {"podman": ("image", "product", "nft"), "apps": ("podman",), "science": ("podman",),
           "llm": ("podman",), "kubernetes": ("root", "criu", "podman"), "criu-programs": ("podman",)}
# A lane that promises Podman promises every image.
PROMISED = {"podman": ("apps", "science", "llm", "criu-programs")}


@functools.cache
def has(need):
    return NEEDS[need][0]()


def with_implied(needs, implied):
    """`needs` and, through all steps, what they imply; without repetition."""
    found = []
    queue = list(needs)
    while queue:
        need = queue.pop(0)
        if need not in found:
            found.append(need)
            queue += implied.get(need, ())
    return found


def missing(needs):
    """The first of `needs` that this host lacks, or None."""
    return next((need for need in with_implied(needs, IMPLIED) if not has(need)), None)


def promised():
    named = filter(None, os.environ.get("REPRISE_PROVIDES", "").split(","))
    return set(with_implied(with_implied(named, PROMISED), IMPLIED))


def remedy(need):
    return NEEDS[need][1]
