# SPDX-License-Identifier: Apache-2.0
"""What the wrapper costs where it has nothing to do: per call, and per `podman run`."""
import shutil

from measure.host import run, timed
from measure.subjects import ANNOTATION, script
from measure.workload import IMAGE

TITLES = {
    "podman_run": "`podman run --rm` of a container that exits at once",
    "version": "one call that is passed through (`--version`)",
}
WAYS = {
    "runc": "runc",
    "reprise": "reprise, container not opted in",
    "reprise_opted_in": "reprise, container opted in",
}


def _podman_run(runtime, name, options=()):
    # The network would cost more than everything else, and the same for all.
    return ["podman", "--runtime", runtime, "run", "--rm", "--name", name, "--network", "none",
            *options, IMAGE, "exit"]


def measure(bin_dir, directory, run_dir, name, repeats):
    """Yields (what, way, ms) for each call; the ways alternate."""
    runc, reprise = shutil.which("runc"), bin_dir / "reprise-runtime"
    variables = {"REPRISE_STORE": directory / "store", "REPRISE_RUN": run_dir}
    # Both through a script, so that starting a shell is no cost of either.
    plain = script(directory / "plain", "runc", runc)
    ours = script(directory / "ours", "reprise-runtime", reprise, variables.items())
    commands = {
        ("podman_run", "runc"): _podman_run(plain, name),
        ("podman_run", "reprise"): _podman_run(ours, name),
        ("podman_run", "reprise_opted_in"): _podman_run(ours, name, ("--annotation", ANNOTATION)),
        ("version", "runc"): [runc, "--version"],
        ("version", "reprise"): [reprise, "--version"],
    }
    for command in commands.values():  # caches warm; the store of the one that opted in made
        run(*command)
    for _ in range(repeats):
        for (what, way), command in commands.items():
            yield what, way, timed(*command)
