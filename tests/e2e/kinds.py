# SPDX-License-Identifier: Apache-2.0
"""Kinds of pods, each with a program that would notice what a checkpoint loses of it."""
import dataclasses

from cluster.images import BASE_IMAGE

# Prints LIFE and a token, then STEP, a number, and what `look` returns, which is to stay the same.
PROGRAM = """
import fcntl, os, secrets, select, signal, socket, subprocess, sys, threading, time
signal.signal(signal.SIGTERM, lambda *_: (print("GOTTERM", flush=True), os._exit(9)))
print("LIFE", secrets.token_hex(4), flush=True)
{setup}
def look():
    return {look}
number = 0
while True:
    number += 1
    print("STEP", number, repr(look()), flush=True)
    time.sleep(0.2)
"""
OWN = "socket.gethostbyname(socket.gethostname())"
CONNECTED = """
listener = socket.create_server(({address}, 9000))
out = socket.create_connection(listener.getsockname())
into, _ = listener.accept()
def said():
    out.sendall(b"word")
    return into.recv(10)
"""


@dataclasses.dataclass(frozen=True)
class Kind:
    setup: str = ""
    look: str = "os.getpid()"
    pod: dict = dataclasses.field(default_factory=dict)
    container: dict = dataclasses.field(default_factory=dict)
    mounts: dict = dataclasses.field(default_factory=dict)  # path: (volume, more of the mount)
    exec: tuple = ()  # a command that somebody runs in it meanwhile
    refused: str = ""  # in words of ours, where no checkpoint can be made

    def command(self):
        return ("python3", "-c", PROGRAM.format(setup=self.setup, look=self.look))

    def spec(self):
        """(of the container, of the pod)"""
        volumes = [{"name": f"v{number}", **volume}
                   for number, (volume, _) in enumerate(self.mounts.values())]
        mounts = [{"name": f"v{number}", "mountPath": path, **more}
                  for number, (path, (_, more)) in enumerate(self.mounts.items())]
        return ({**self.container, "volumeMounts": mounts},
                {**self.pod, "volumes": volumes})


def appended(path):
    """A file that stays open; what is in it is of this life."""
    return (f"file = open('{path}', 'a+'); file.write(secrets.token_hex(4)); file.flush()",
            f"(file.seek(0), file.readline(), open('{path}').readline())")


def deleted(path):
    return (f"file = open('{path}', 'w+'); file.write('kept'); file.flush(); os.unlink('{path}')",
            "(file.seek(0), file.read())")


EMPTY = {"/ed": ({"emptyDir": {}}, {})}
FILES = {
    "plain": Kind(),
    "without-token": Kind(pod={"automountServiceAccountToken": False}),
    "token-open": Kind("file = open('/var/run/secrets/kubernetes.io/serviceaccount/token')",
                       "(file.seek(0), len(file.read()) > 0)"),
    "config-map-open": Kind("file = open('/cm/ca.crt')", "(file.seek(0), len(file.read()) > 0)",
                            mounts={"/cm": ({"configMap": {"name": "kube-root-ca.crt"}}, {})}),
    "emptydir": Kind(*appended("/ed/a"), mounts=EMPTY),
    "emptydir-memory": Kind(*appended("/ed/a"),
                            mounts={"/ed": ({"emptyDir": {"medium": "Memory"}}, {})}),
    "emptydir-subpath": Kind(*appended("/ed/a"),
                             mounts={"/ed": ({"emptyDir": {}}, {"subPath": "sub"})}),
    "emptydir-deleted": Kind(*deleted("/ed/a"), mounts=EMPTY),
    "shm": Kind(*appended("/dev/shm/a")),
    "shm-deleted": Kind(*deleted("/dev/shm/a")),
    "shm-directory": Kind("os.chdir('/dev/shm')", "os.getcwd()"),
    "tmp-deleted": Kind(*deleted("/tmp/a")),
    "whiteouts": Kind("os.unlink('/etc/issue'); os.rename('/etc/debian_version', '/etc/renamed')",
                      "[os.path.exists('/etc/' + name) for name in "
                      "('issue', 'debian_version', 'renamed')]"),
    "termination-log": Kind("file = open('/dev/termination-log', 'w'); file.write('said'); "
                            "file.flush()", "open('/dev/termination-log').read()"),
    "hosts": Kind("files = [open('/etc/hosts'), open('/etc/resolv.conf')]",
                  "[(file.seek(0), len(file.read()) > 0) for file in files]"),
    "locks": Kind("a, b = open('/root/a', 'w'), open('/root/b', 'w'); "
                  "fcntl.flock(a, fcntl.LOCK_EX); fcntl.lockf(b, fcntl.LOCK_EX)"),
    "hostpath": Kind("file = open('/h/a', 'a')", "file.write('x')", mounts={
        "/h": ({"hostPath": {"path": "/run/kinds", "type": "DirectoryOrCreate"}}, {})}),
}
PROCESSES = {
    "stdin": Kind(container={"stdin": True}),
    "terminal": Kind(look="os.ttyname(0)", container={"stdin": True, "tty": True}),
    "somebody-inside": Kind(exec=("sleep", "1000")),
    "children": Kind("children = [subprocess.Popen(['sh', '-c', 'while :; do sleep 0.3; done']) "
                     "for _ in range(5)]", "[child.poll() for child in children]"),
    "epoll": Kind("poll = select.epoll(); r, w = os.pipe(); poll.register(r, select.EPOLLIN); "
                  "os.write(w, b'x')", "poll.poll(0)"),
    "unix-sockets": Kind("server = socket.socket(socket.AF_UNIX); server.bind('/tmp/s'); "
                         "server.listen(); a = socket.socket(socket.AF_UNIX); a.connect('/tmp/s'); "
                         "b, _ = server.accept()", "(a.send(b'x'), b.recv(1))"),
    "system-v": Kind("import ctypes; libc = ctypes.CDLL(None); "
                     "made = libc.shmget(0x1234, 4096, 0o1600)",
                     "libc.shmget(0x1234, 4096, 0) == made",
                     refused="System V objects with other containers"),  # with the pod's sandbox
    "listens": Kind("listener = socket.create_server(('', 9000))",
                    "socket.create_connection(('127.0.0.1', 9000)).close()"),
    "listens-at-own": Kind(f"listener = socket.create_server(({OWN}, 9000))"),
    "loopback": Kind(CONNECTED.format(address="'127.0.0.1'"), "said()"),
    "connected-to-own": Kind(CONNECTED.format(address=OWN), "said()"),
    "udp-at-own": Kind(f"udp = socket.socket(type=socket.SOCK_DGRAM); udp.bind(({OWN}, 9001))"),
    "name": Kind(look="(socket.gethostname(), os.environ['HOSTNAME'])"),
    "shared-processes": Kind(pod={"shareProcessNamespace": True}),
}


def resources(limits, requests=None):
    return {"resources": {"limits": limits, "requests": requests or limits}}


def other(name, **more):
    return {"name": name, "image": BASE_IMAGE, **more}


RUNTIME_DEFAULT = {"seccompProfile": {"type": "RuntimeDefault"}}
SETTINGS = {
    "limits": Kind(container=resources({"cpu": "500m", "memory": "64Mi"},
                                       {"cpu": "10m", "memory": "32Mi"})),
    "guaranteed": Kind(container=resources({"cpu": "100m", "memory": "64Mi"})),
    "nobody-special": Kind(
        pod={"securityContext": {"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 2000,
                                 "runAsNonRoot": True, **RUNTIME_DEFAULT}},
        container={"securityContext": {"allowPrivilegeEscalation": False,
                                       "capabilities": {"drop": ["ALL"]}}}),
    "seccomp": Kind(container={"securityContext": RUNTIME_DEFAULT}),
    "read-only": Kind(container={"securityContext": {"readOnlyRootFilesystem": True}}),
    "privileged": Kind(container={"securityContext": {"privileged": True}}),
    "host-network": Kind(pod={"hostNetwork": True}),
    "host-processes": Kind(pod={"hostPID": True}),
    "probed": Kind(container={"livenessProbe": {"exec": {"command": ["sleep", "0.5"]},
                                                "periodSeconds": 1}}),
    "init-container": Kind(pod={"initContainers": [other("first", command=["true"])]}),
    "sidecar": Kind(pod={"initContainers": [other(
        "side", restartPolicy="Always", command=["sh", "-c", "while :; do sleep 0.3; done"])]}),
}
GROUPS = {"files": FILES, "processes": PROCESSES, "settings": SETTINGS}
