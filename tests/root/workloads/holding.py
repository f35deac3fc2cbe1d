# SPDX-License-Identifier: Apache-2.0
"""Things that CRIU cannot dump. Each function makes one and returns how to get rid of it again."""
import ctypes
import errno
import os
import select
import socket
import struct
import subprocess
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
AF_VSOCK, UDP_CORK = 40, 1
SOL_NETLINK, NETLINK_ADD_MEMBERSHIP = 270, 1
IO_URING_SETUP, USERFAULTFD, BPF = 425, 323, 321  # system calls of x86-64


def checked(what, result):
    if result < 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


def io_uring():
    fd = checked("io_uring", LIBC.syscall(IO_URING_SETUP, 4, ctypes.create_string_buffer(120)))
    return lambda: os.close(fd)


def io_uring_answer():
    """What a program gets that asks for one: "works", or the name of the error."""
    fd = LIBC.syscall(IO_URING_SETUP, 4, ctypes.create_string_buffer(120))
    if fd < 0:
        return errno.errorcode[ctypes.get_errno()]
    os.close(fd)
    return "works"


def userfaultfd():
    user_mode_only = 1  # needs no capability
    fd = checked("userfaultfd", LIBC.syscall(USERFAULTFD, os.O_CLOEXEC | user_mode_only))
    return lambda: os.close(fd)


def open_queue():
    return checked("mq_open", LIBC.mq_open(b"/held", os.O_CREAT | os.O_RDWR, 0o600, None))


def queue():
    """A POSIX message queue that is open, and has no name any more."""
    fd = open_queue()
    LIBC.mq_unlink(b"/held")
    return lambda: os.close(fd)


def closed_queue():
    """One that nobody has open."""
    os.close(open_queue())
    return lambda: checked("mq_unlink", LIBC.mq_unlink(b"/held"))


def vsock():
    return socket.socket(AF_VSOCK, socket.SOCK_STREAM).close


def netlink_group():
    """A group above 32 of a netlink protocol: next hops of routes."""
    listener = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    listener.bind((0, 0))
    listener.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, 33)
    return listener.close


def netlink_unbound():
    listener = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    listener.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, 1)
    return listener.close


def bpf_filter():
    """A BPF program on a socket, with no descriptor left of it."""
    returns_all = ctypes.create_string_buffer(struct.pack("<BBhiBBhi", 0xb7, 0, 0, 0xffff, 0x95, 0, 0, 0))
    licence = ctypes.create_string_buffer(b"GPL")
    load, socket_filter, attach = 5, 1, 50
    asked = ctypes.create_string_buffer(struct.pack("<IIQQ", socket_filter, 2, ctypes.addressof(returns_all),
                                                    ctypes.addressof(licence)) + bytes(80))
    program = checked("bpf", LIBC.syscall(BPF, load, asked, len(asked)))
    filtered = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    filtered.setsockopt(socket.SOL_SOCKET, attach, program)
    os.close(program)
    return filtered.close


def hidden_file():
    """A file over which something was mounted since."""
    os.makedirs("/hidden", exist_ok=True)
    fd = os.open("/hidden/file", os.O_RDWR | os.O_CREAT)
    checked("mount", LIBC.mount(b"none", b"/hidden", b"tmpfs", 0, None))
    return lambda: (os.close(fd), checked("umount", LIBC.umount2(b"/hidden", 0)))


def watched_twice():
    """A pipe that is in one epoll by two of its descriptors."""
    ends = os.pipe()
    copy, watching = os.dup(ends[0]), select.epoll()
    for descriptor in (ends[0], copy):
        watching.register(descriptor, select.EPOLLIN)
    return watching.close


def terminal_by_name():
    """/dev/tty, opened by a child while its parent has the terminal open."""
    return child("""
import ctypes, fcntl, os, pty, termios, time
os.setsid()
_, terminal = pty.openpty()
fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
if os.fork() == 0:
    ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG
    os.open("/dev/tty", os.O_RDWR)
    print("READY", flush=True)
while True: time.sleep(1)
""")


def device():
    fd = os.open("/dev/fuse", os.O_RDWR)
    return lambda: os.close(fd)


def child(code):
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    if process.stdout.readline() != "READY\n":
        sys.exit("the child failed")

    def end():
        process.kill()
        process.wait()
        process.stdout.close()
    return end


PAUSE = "print('READY', flush=True); import signal; signal.pause()"


def sandbox():
    return child("import ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == 0; " + PAUSE)


def traced():
    return child("import ctypes; assert ctypes.CDLL(None).ptrace(0, 0, 0, 0) == 0; " + PAUSE)


def deadline():
    return child("import ctypes, struct; attributes = struct.pack('IIQiIQQQ', 48, 6, 0, 0, 0, 10**6, 10**8, 10**8); "
                 "assert ctypes.CDLL(None).syscall(314, 0, attributes, 0) == 0; " + PAUSE)


THREAD = """
import ctypes, threading
libc = ctypes.CDLL(None)
def first_ends():
    while " Z " not in open("/proc/self/stat").read():
        pass
    return 0
def hold():
    assert {call} == 0
    print("READY", flush=True)
    while True:
        libc.pause()
threading.Thread(target=hold).start()
"""


def thread(call, then=""):
    """A process, a thread of which has done this and lives on."""
    return child(THREAD.format(call=call) + then)


def own_directory():
    return thread("libc.unshare(0x200)")  # CLONE_FS


def own_descriptors():
    return thread("libc.unshare(0x400)")  # CLONE_FILES


def own_network():
    return thread("libc.unshare(0x40000000)")  # CLONE_NEWNET


def other_children():
    return child("import ctypes; assert ctypes.CDLL(None).unshare(0x20000000) == 0; " + PAUSE)  # CLONE_NEWPID


def first_ended():
    return thread("first_ends()", then="libc.syscall(60, 0)")


def shared_directory():
    clone_fs, sigchld = 0x200, 17
    return child(f"import ctypes; ctypes.CDLL(None).syscall(56, {clone_fs | sigchld}, 0, 0, 0, 0) or "
                 "ctypes.CDLL(None).pause(); " + PAUSE)


def segments():
    # One entry of the table: base 0x1000, a limit, 32 bits, usable.
    return child("import ctypes, struct; entry = struct.pack('IIII', 1, 0x1000, 0xfff, 0x51); "
                 "assert ctypes.CDLL(None).syscall(154, 1, entry, 16) == 0; " + PAUSE)


def packets():
    ends = os.pipe2(os.O_DIRECT)
    return lambda: [os.close(end) for end in ends]


def detached_file():
    for command in ("mount -t tmpfs none /mnt", "touch /mnt/file"):
        subprocess.run(command.split(), check=True)
    fd = os.open("/mnt/file", os.O_RDWR)
    subprocess.run(["umount", "-l", "/mnt"], check=True)
    return lambda: os.close(fd)


def memory_program():
    fd = os.memfd_create("program", 0)
    with open("/bin/sleep", "rb") as file:
        os.write(fd, file.read())
    process = subprocess.Popen(["sleep", "infinity"], executable=f"/proc/self/fd/{fd}", pass_fds=(fd,))
    os.close(fd)

    def end():
        process.kill()
        process.wait()
    return end


def thread_pidfd():
    of_thread = os.O_EXCL  # PIDFD_THREAD, of Linux 6.9
    fd = checked("pidfd_open", LIBC.syscall(434, os.getpid(), of_thread))
    return lambda: os.close(fd)


def deleted_watch():
    name = "/var/watched-and-deleted"
    file = open(name, "w", encoding="ascii")
    watches = checked("inotify_init", LIBC.inotify_init())
    checked("inotify_add_watch", LIBC.inotify_add_watch(watches, name.encode(), 8))  # IN_CLOSE_WRITE
    os.unlink(name)
    return lambda: (os.close(watches), file.close())


def corked():
    """The one that only CRIU sees."""
    it = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    it.setsockopt(socket.IPPROTO_UDP, UDP_CORK, 1)
    return it.close


KINDS = {function.__name__: function for function in (
    netlink_group, netlink_unbound, bpf_filter, hidden_file, terminal_by_name, watched_twice,
    io_uring, userfaultfd, queue, closed_queue, vsock, device, sandbox, traced, deadline, corked,
    own_directory, own_descriptors, own_network, other_children, first_ended, shared_directory,
    segments, packets, thread_pidfd, detached_file, memory_program, deleted_watch)}
