# SPDX-License-Identifier: Apache-2.0
"""Commands on this host, and the facts without which figures mean nothing."""
import ctypes
import os
import pathlib
import platform
import re
import shutil
import subprocess
import time

COMMAND_LIMIT = 600  # seconds until a command is taken to hang
POLL_INTERVAL = 0.005
LIBC = ctypes.CDLL(None, use_errno=True)


class BenchError(Exception):
    """The benchmark cannot go on; its text is for people."""


def run(*command, env=None, check=True):
    """Runs a command to its end and returns the result; with `check`, its failure is ours."""
    words = [str(word) for word in command]
    try:
        result = subprocess.run(words, capture_output=True, text=True, timeout=COMMAND_LIMIT,
                                check=False, stdin=subprocess.DEVNULL, env=env)
    except FileNotFoundError as error:
        raise BenchError(f"'{words[0]}' is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"'{' '.join(words)}' did not end in {COMMAND_LIMIT} s") from error
    if check and result.returncode != 0:
        raise BenchError(f"'{' '.join(words)}' ended with {result.returncode}: "
                         f"{(result.stderr or result.stdout).strip()}")
    return result


def timed(*command, env=None):
    """Runs a command to its end, which must be a good one; how long it took, in ms."""
    begin = time.monotonic_ns()
    run(*command, env=env)
    return (time.monotonic_ns() - begin) / 1e6


def wait_for(condition, deadline, what):
    """Polls `condition` until it returns something true, and returns that."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        if time.monotonic() >= end:
            raise BenchError(f"waited {deadline} s for {what}")
        time.sleep(POLL_INTERVAL)
    return value


def files_below(paths):
    """All regular files of the given files and directories."""
    for path in map(pathlib.Path, paths):
        if path.is_file():
            yield path
        yield from (file for file in path.rglob("*") if file.is_file() and not file.is_symlink())


def bytes_on_disk(paths):
    """What the files occupy, which is less than their size if they have holes."""
    return sum(file.stat().st_blocks * 512 for file in files_below(paths))


def make_durable(path):
    """Flushes the file system on which `path` is; how long that took, in ms."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        begin = time.monotonic_ns()
        if LIBC.syncfs(fd) != 0:
            raise BenchError(f"flushing '{path}': {os.strerror(ctypes.get_errno())}")
        return (time.monotonic_ns() - begin) / 1e6
    finally:
        os.close(fd)


def _first_line(*command):
    lines = run(*command, check=False).stdout.strip().splitlines()
    return lines[0] if lines else "unknown"


def _read(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "unknown"


def has_iptables():
    return shutil.which("iptables-restore") is not None


def _processor():
    found = re.search(r"^model name\s*:\s*(.*)$", _read("/proc/cpuinfo"), re.MULTILINE)
    return found[1] if found else platform.machine()


def _memory(field):
    return int(re.search(rf"^{field}:\s+(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)[1]) * 1024


def memory_available():
    return _memory("MemAvailable")


def file_system(path):
    return _first_line("findmnt", "-n", "-o", "FSTYPE,SOURCE", "--target", path)


def facts(bin_dir, store):
    """Of the host and of the programs that are compared."""
    podman = run("podman", "info", "--format",
                 "{{.Store.GraphRoot}} {{.Store.GraphDriverName}} {{.Host.CgroupsVersion}} "
                 "{{.Host.Conmon.Version}}").stdout.split(" ", 3)
    return {
        "kernel": platform.release(),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_bytes": _memory("MemTotal"),
        "transparent_huge_pages": _read("/sys/kernel/mm/transparent_hugepage/enabled"),
        "cgroups": podman[2],
        "store_file_system": file_system(store),
        "podman_file_system": f"{file_system(podman[0])}, driver {podman[1]}",
        "podman": _first_line("podman", "--version"),
        "conmon": podman[3].strip(),
        "runc": _first_line("runc", "--version"),
        "criu": "criu " + _first_line("criu", "--version").removeprefix("Version: "),
        "podman_network_lock": "iptables" if has_iptables()
                               else "nftables, for want of iptables",
        "reprise": _first_line(bin_dir / "reprise", "--version")
        if (bin_dir / "reprise").exists() else "not built",
        "load_average": os.getloadavg(),
    }
