# SPDX-License-Identifier: Apache-2.0
"""A replacement that is another pod than the one before begins anew, and says why."""
import json

import pytest

from cluster import images
from cluster.layout import HERE
from cluster.processes import run
from going_on import uid_of, wait_replaced
from pods import ON_DISRUPTION

pytestmark = pytest.mark.requires("kubernetes")

IMAGE = "localhost/moved:1"


@pytest.fixture
def move(cluster, tmp_path):
    """Makes the image that has the name from now on: a program that waits, with `more` behind it."""
    def move(more, name=IMAGE):
        program = tmp_path / "waits"
        run("cc", "-Os", "-static", "-s", "-o", program, HERE / "pause.c")
        with open(program, "ab") as file:
            file.write(more)
        archive = tmp_path / f"moved-{len(more)}.tar"
        images.pack(archive, name, program)
        cluster.nodes["n1"].import_image(archive)
    return move


def test_a_pod_of_another_image_begins_anew(cluster, pods, move):
    """A tag that was moved: the programs that were saved are not those of the new image."""
    node = cluster.nodes["n1"]
    move(b"")
    pod = pods.run_set("moved", "/waits", annotations=ON_DISRUPTION, node="n1",
                       container={"image": IMAGE, "volumeMounts": []})
    pod.wait_running()
    uid = uid_of(pod)
    move(b"another")
    pod.evict()
    wait_replaced(pod, uid)
    told = node.run(node.bin_dir / "reprise", "lives", f"k8s.io/@pod:{uid_of(pod)}:main", "--json")
    failed, started = json.loads(told.stdout)["lives"]
    assert (failed["event"], started["event"]) == ("restore-failed", "started")
    assert "'/waits', which a program has open, has " in started["detail"]
    assert pod.container()["restartCount"] == 0
    log = node.log("reprised").read_text(encoding="utf-8")
    assert any("it begins anew" in line and "'/waits', which a program has open" in line
               and f"{pods.namespace}/moved-0" in line for line in log.splitlines())
