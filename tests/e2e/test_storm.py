# SPDX-License-Identifier: Apache-2.0
"""Parts of the cluster are killed at random: pods that run are not disturbed."""
import os
import random
import time

import pytest

from harness.counting import assert_moves_on, assert_unbroken
from harness.waiting import wait_for
from pods import OPT_IN

pytestmark = [pytest.mark.requires("kubernetes"), pytest.mark.nightly, pytest.mark.timeout(1800)]

SECONDS = int(os.environ.get("REPRISE_STORM_SECONDS", "300"))
PARTS = ("apiserver", "controller-manager", "scheduler", "n1.containerd", "n1.kubelet",
         "n1.kube-proxy", "n2.containerd", "n2.kubelet", "n2.kube-proxy")


def test_running_pods_outlive_every_part(cluster, pods):
    kinds = [(runtime, node, annotations) for runtime, annotations in (
        (None, {}), ("reprise", {}), ("reprise", OPT_IN)) for node in ("n1", "n2")]
    counters = [pods.run(f"counter-{number}", "python3", "-u", "/workloads/counter.py",
                         runtime=runtime, node=node, annotations=annotations)
                for number, (runtime, node, annotations) in enumerate(kinds)]
    for counter in counters:
        counter.wait_for_line("STEP")
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    choose = random.Random(seed)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        part = choose.choice(PARTS)
        owner, name = cluster.parts_of(part)
        owner.kill(name)
        # Not a wait for anything: the next one comes before all is well again, or long after.
        time.sleep(choose.choice((0.0, 0.3, 3.0)))
    wait_for(cluster.api.ready, 120, "the API server")
    for name in cluster.nodes:
        cluster.wait_ready(name)
    for counter in counters:
        assert_moves_on(counter)
        assert_unbroken(counter.lines())
        assert counter.container()["restartCount"] == 0
    # And the cluster still works.
    assert pods.run("late", "sh", "-c", "exit 7").exit_code() == 7
