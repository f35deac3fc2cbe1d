# SPDX-License-Identifier: Apache-2.0
"""The product on one node: its checkpoints, its sessions, and whom it asks."""
import json

from cluster.layout import HERE
from harness.waiting import wait_for

SETTLED = 60  # seconds in which a session has ended, or rolled back


def checkpoints_of(node, container):
    """As `reprise checkpoint ls` tells them on the node."""
    listed = node.run(node.bin_dir / "reprise", "checkpoint", "ls", "--json").stdout
    return [row for row in json.loads(listed)["checkpoints"] if container in json.dumps(row)]


def errors_of(node, container):
    """What sessions on one container say of their failures."""
    lines = [line for log in node.disk("/var/lib/reprise").glob("sessions/*/reprise.log")
             for line in log.read_text(encoding="utf-8").splitlines()]
    rows = [json.loads(line) for line in lines if container in line]
    return [row.get("error") or row["msg"] for row in rows if row["level"] in ("error", "warning")]


def stopped_session(node):
    """The pid, on the node, of the session that a fault `stop` lets stand still, once it does."""
    def find():
        for line in node.run("ps", "axo", "pid=,stat=,comm=").stdout.splitlines():
            pid, state, name = line.split(None, 2)
            if name.startswith("reprise-worker") and state.startswith("T"):
                return int(pid)
        return None
    return wait_for(find, SETTLED, "the session to come to its step")


def assert_nothing_left(node):
    """No process of a session, nothing frozen or firewalled on the node; waits for sessions."""
    def nothing():
        names = node.run("ps", "axo", "comm=").stdout.split()
        left = [name for name in names if name in ("criu", "reprise-worker", "reprise-guard")]
        # One hierarchy for each controller, or one for all.
        find = ("find /sys/fs/cgroup/$0 /sys/fs/cgroup/*/$0 -name freezer.state "
                "-o -name cgroup.freeze | xargs cat")
        states = node.run("sh", "-c", find, node.layout.cgroup, check=False)
        left += [state for state in states.stdout.split() if state not in ("THAWED", "0")]
        left += [line for line in node.run("nft", "list", "tables").stdout.splitlines()
                 if "reprise-" in line or "CRIU-" in line]
        assert not left, left
        return True
    wait_for(nothing, SETTLED, "sessions to leave nothing behind")


class StandIn:
    """In place of a node's agent, one that answers as it is told (None: nobody does); what it is
    asked can be read."""

    def __init__(self, node, manner):
        self.node = node
        node.stop("reprised")
        # As if it had been taken off the node: pods wait for one that is to be back.
        node.run("rm", "-f", "/var/lib/reprise/agent")
        self.log = node.layout.state / "asked"
        self.log.write_text("", encoding="ascii")
        if manner is None:
            return
        node.commands["agent"] = [HERE.parent / "agent_stand_in", "/run/reprise/agent.sock",
                                  self.log, manner]
        node.start("agent")
        wait_for(lambda: node.run("test", "-S", "/run/reprise/agent.sock", check=False).returncode
                 == 0, 30, "the agent's socket")

    def asked(self, what, pod):
        """The questions about one pod's containers."""
        questions = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [question for question in questions
                if question["ask"] == what and question["pod"]["pod"] == pod.name
                and question["pod"]["container"]]

    def close(self):
        if "agent" in self.node.commands:
            self.node.stop("agent")
            del self.node.commands["agent"]
        self.node.start("reprised")
