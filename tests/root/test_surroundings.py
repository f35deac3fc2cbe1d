# SPDX-License-Identifier: Apache-2.0
"""After a stop and start, mounts with their flags, rights and limits are what a plain create gave."""
import pytest
from harness import surroundings
from harness.counting import assert_resumes

pytestmark = pytest.mark.requires("root", "criu", "podman")

HARDENED = ("--read-only", "--cap-drop", "all", "--cap-add", "chown", "--security-opt", "no-new-privileges",
            "--user", "1000:100", "--group-add", "7", "--pids-limit", "40", "--memory", "200m", "--cpus", "1.5",
            "--cpuset-cpus", "0", "--ulimit", "nofile=100:200", "--oom-score-adj", "300",
            "--security-opt", "mask=/proc/uptime:/proc/fs:/proc/asound", "--security-opt", "unmask=/proc/bus",
            "--tmpfs", "/scratch:rw,nosuid,nodev,noexec,size=5m,mode=1770")
SETS = {"default": (), "hardened": HARDENED, "privileged": ("--privileged",),
        "devices of the host": ("-v", "/dev/null:/tmp/null", "-v", "/dev/zero:/tmp/zero:ro")}


@pytest.mark.parametrize("options", SETS.values(), ids=SETS.keys())
def test_as_created(container, options):
    """Masked files of /proc were the host's own /dev/null: root in the container could chmod it."""
    container.run_workload("counter.py", options=options)
    mounts = surroundings.mounts(container)
    rights = surroundings.rights_and_limits(container)
    masked = surroundings.masked_files(container)
    own = surroundings.null_device(f"/proc/{container.pid}/root")
    assert masked == dict.fromkeys(masked, own)
    assert bool(masked) == ("--privileged" not in options)
    for _ in range(2):
        container.stop()
        assert_resumes(container)
        now = surroundings.null_device(f"/proc/{container.pid}/root")
        assert surroundings.masked_files(container) == dict.fromkeys(masked, now)
        assert now != surroundings.null_device("/")
        assert surroundings.mounts(container) == mounts
        assert surroundings.rights_and_limits(container) == rights
