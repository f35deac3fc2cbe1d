# SPDX-License-Identifier: Apache-2.0
"""Kinds of pods, each with a program that would notice what a checkpoint loses of it."""
import dataclasses

from cluster.images import BASE_IMAGE

# Prints STEP, a token of this life, a number, and what `look` returns, which is to stay the same.
PROGRAM = """
import fcntl, os, secrets, select, signal, socket, subprocess, sys, threading, time
signal.signal(signal.SIGTERM, lambda *_: (print("GOTTERM", flush=True), os._exit(9)))
life = secrets.token_hex(4)
{setup}
def look():
    return {look}
number = 0
while True:
    number += 1
    print("STEP", number, life, repr(look()), flush=True)
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
    meanwhile: str = ""  # what happens to the kubelet's directory of the pod meanwhile, for a shell
    beside: str = ""  # another container that runs the program, with the same mounts
    sidecar: str = ""  # another one, that is started before

    def command(self):
        return ("python3", "-c", PROGRAM.format(setup=self.setup, look=self.look))

    def containers(self):
        """The names of those that run the program."""
        return [name for name in ("main", self.beside, self.sidecar) if name]

    def spec(self):
        """(of the container, of the pod)"""
        volumes = [{"name": f"v{number}", **volume}
                   for number, (volume, _) in enumerate(self.mounts.values())]
        mounts = [{"name": f"v{number}", "mountPath": path, **more}
                  for number, (path, (_, more)) in enumerate(self.mounts.items())]

        def running(name, **more):
            return {**self.container, "volumeMounts": mounts,
                    "env": [{"name": "WHO", "value": name}], **more}
        pod = {**self.pod, "volumes": volumes}
        if self.beside:
            pod["beside"] = [other(self.beside, **running(self.beside, command=self.command()))]
        if self.sidecar:
            pod["initContainers"] = [
                other(self.sidecar, restartPolicy="Always",
                      **running(self.sidecar, command=self.command())),
                *pod.get("initContainers", [])]
        return running("main"), pod


def other(name, **more):
    return {"name": name, "image": BASE_IMAGE, **more}


def appended(path):
    """A file that stays open; what is in it is of this life."""
    return (f"file = open('{path}', 'a+'); file.write(secrets.token_hex(4)); file.flush()",
            f"(file.seek(0), file.readline(), open('{path}').readline())")


def deleted(path):
    return (f"file = open('{path}', 'w+'); file.write('kept'); file.flush(); os.unlink('{path}')",
            "(file.seek(0), file.read())")


EMPTY = {"/ed": ({"emptyDir": {}}, {})}
# Each container writes a line a step to a file of its own, and reads it back by its name: it sees
# if another file has taken its place, and if lines of it are missing or of another moment.
LOGGED = ("mine = '/ed/' + os.environ['WHO']; log = open(mine, 'a+')",
          "(log.write(life + '\\n'), log.flush(), open(mine).read() == (life + '\\n') * number)[2]")
# What an init container writes, which runs again before the pod goes on.
PREPARES = {"initContainers": [other(
    "first", command=["sh", "-c", "echo $$ $(date +%s%N) >/ed/a; mkdir -p /ed/sub; ln -sf /etc /ed/l"],
    volumeMounts=[{"name": "v0", "mountPath": "/ed"}])]}
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
    "emptydir-mapped": Kind(
        "import mmap; file = open('/ed/a', 'w+b'); file.write(bytes(8192)); file.flush(); "
        "memory = mmap.mmap(file.fileno(), 8192); memory[:9] = b'mapped it'",
        "(bytes(memory[:9]), open('/ed/a', 'rb').read(9))", mounts=EMPTY),
    "emptydir-of-two": Kind(*LOGGED, mounts=EMPTY, beside="second"),
    "emptydir-of-a-sidecar": Kind(*LOGGED, mounts=EMPTY, sidecar="side"),
    "emptydir-prepared": Kind(
        "prepared = open('/ed/a').read(); open('/ed/kept', 'w').write(life)",
        "(open('/ed/a').read() == prepared, open('/ed/kept').read() == life, os.listdir('/ed/sub'))",
        mounts=EMPTY, pod=PREPARES),
    "emptydir-part-prepared": Kind(*appended("/part/b"), pod=PREPARES, mounts={
        "/part": ({"emptyDir": {}}, {"subPath": "sub"})}),
    "emptydir-deleted": Kind(*deleted("/ed/a"), mounts=EMPTY),
    "shm": Kind(*appended("/dev/shm/a")),
    "shm-deleted": Kind(*deleted("/dev/shm/a")),
    "shm-directory": Kind("os.chdir('/dev/shm')", "os.getcwd()"),
    "tmp-deleted": Kind(*deleted("/tmp/a")),
    "whiteouts": Kind("os.unlink('/etc/issue'); os.rename('/etc/debian_version', '/etc/renamed')",
                      "[os.path.exists('/etc/' + name) for name in "
                      "('issue', 'debian_version', 'renamed')]"),
    "config-map-file": Kind("file = open('/etc/ca')", "(file.seek(0), len(file.read()) > 0)",
                            mounts={"/etc/ca": ({"configMap": {"name": "kube-root-ca.crt"}},
                                                {"subPath": "ca.crt"})}),
    # As the kubelet does where a ConfigMap changes.
    "config-map-renewed": Kind(
        "file = open('/cm/ca.crt')", "(file.seek(0), len(file.read()) > 0)",
        mounts={"/cm": ({"configMap": {"name": "kube-root-ca.crt"}}, {})},
        meanwhile="cd volumes/kubernetes.io~configmap/v0; old=$(readlink ..data); "
                  "cp -a $old ..2026_01_01_00_00_00.1; ln -s ..2026_01_01_00_00_00.1 ..data_tmp; "
                  "mv -T ..data_tmp ..data; rm -r $old"),
    "config-map-directory": Kind("os.chdir('/cm/..data')", "len(open('ca.crt').read()) > 0",
                                 mounts={"/cm": ({"configMap": {"name": "kube-root-ca.crt"}}, {})}),
    "downward-open": Kind("file = open('/d/name')", "(file.seek(0), file.read())", mounts={
        "/d": ({"downwardAPI": {"items": [{"path": "name", "fieldRef": {
            "fieldPath": "metadata.name"}}]}}, {})}),
    # Longer than what is read whole.
    "termination-log": Kind("file = open('/dev/termination-log', 'wb+', 0); "
                            "file.truncate(70 << 20); file.seek(0, 2); file.write(b'said')",
                            "(os.path.getsize(file.name), os.pread(file.fileno(), 4, 70 << 20), "
                            "file.tell())"),
    # Longer than those of the replacement.
    "hosts": Kind("names = ['/etc/hosts', '/etc/resolv.conf', '/etc/hostname']\n"
                  "for name in names: open(name, 'a').write('# mine')\n"
                  "files = [open(name) for name in names]",
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
                     "made = libc.shmget(0x1234, 4096, 0o1600)\n"
                     "others = [libc.semget(0x1235, 3, 0o1600), libc.msgget(0x1236, 0o1600)]\n"
                     "libc.semctl(others[0], 1, 16, 7)",
                     "(libc.shmget(0x1234, 4096, 0) == made, libc.semctl(others[0], 1, 12), "
                     "[libc.semget(0x1235, 3, 0), libc.msgget(0x1236, 0)] == others)"),
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
    "sidecar": Kind(sidecar="side"),
    "two": Kind(beside="second"),
}
GROUPS = {"files": FILES, "processes": PROCESSES, "settings": SETTINGS}
