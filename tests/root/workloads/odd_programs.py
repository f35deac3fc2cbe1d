# SPDX-License-Identifier: Apache-2.0
"""Programs that checkpoints once failed for. Each counts in memory that it shares, by a child of it:

    READY
    TICK <program> <n>
"""
import ctypes
import mmap
import os
import socket
import subprocess
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
SIZE, CLONE_NEWNS, CLONE_NEWNET = 1 << 20, 0x20000, 0x40000000
READ_WRITE, READ_EXECUTE, SHARED_FIXED_ANONYMOUS = 3, 5, 0x100021
RETURN_42 = bytes([0xb8, 42, 0, 0, 0, 0xc3])


def shared_code():
    """Compiled code in memory that workers share and that lies before the program, as PHP 8.4 has it."""
    place = LIBC.mmap(0x200000, SIZE, READ_WRITE, SHARED_FIXED_ANONYMOUS, -1, 0)
    ctypes.memmove(place, RETURN_42, len(RETURN_42))
    if LIBC.mprotect(place, SIZE, READ_EXECUTE) != 0:
        sys.exit("mprotect")
    function = ctypes.CFUNCTYPE(ctypes.c_int)(place)
    return lambda: function() == 42


def own_mounts():
    """As PrivateTmp and bubblewrap do."""
    if LIBC.unshare(CLONE_NEWNS) != 0:
        sys.exit("unshare: " + os.strerror(ctypes.get_errno()))
    return lambda: True


def memory_as_file():
    """Shared memory that was opened by its place in /proc."""
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    begin = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    file = os.open(f"/proc/self/map_files/{begin:x}-{begin + mmap.PAGESIZE:x}", os.O_RDWR)

    def is_the_same():
        memory[0] = (memory[0] + 1) % 256
        return os.pread(file, 1, 0)[0] == memory[0]
    return is_the_same


def ends_on_their_way():
    """Both ends of a connection lie in the queue of another, and what lies in theirs are sockets as well."""
    sender, receiver = socket.socketpair()

    def send():
        ends, inner = socket.socketpair(), socket.socketpair()
        inner[0].send(b"unread")
        socket.send_fds(ends[0], [b"i"], [end.fileno() for end in inner])
        socket.send_fds(sender, [b"r"], [ends[1].fileno()])
        socket.send_fds(sender, [b"s"], [ends[0].fileno()])
        for end in ends + inner:
            end.close()

    def receive(through, text, count):
        data, files, _, _ = socket.recv_fds(through, 1, 2)
        assert data == text and len(files) == count
        return [socket.socket(fileno=file) for file in files]

    def arrived():
        [far], [near] = receive(receiver, b"r", 1), receive(receiver, b"s", 1)
        inner = receive(far, b"i", 2)
        near.send(b"x")
        whole = inner[1].recv(9) == b"unread" and far.recv(1) == b"x"
        for end in (far, near, *inner):
            end.close()
        send()
        return whole
    send()
    return arrived


def file_elsewhere():
    """A file on a mount that only a child has."""
    inside, outside = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        if LIBC.unshare(CLONE_NEWNS) != 0 or LIBC.mount(b"none", b"/mnt", b"tmpfs", 0, None) != 0:
            sys.exit("mount: " + os.strerror(ctypes.get_errno()))
        file = os.open("/mnt/file", os.O_CREAT | os.O_RDWR)
        os.write(file, b"there")
        os.write(outside[1], str(file).encode())
        os.read(inside[0], 1)
    theirs = os.read(outside[0], 16).decode()
    file = os.open(f"/proc/{child}/fd/{theirs}", os.O_RDONLY)
    return lambda: os.pread(file, 5, 0) == b"there"


def own_network():
    """As sandboxes and 'ip netns' make them: with an address, a link, and a listener on it."""
    if LIBC.unshare(CLONE_NEWNET) != 0:
        sys.exit("unshare: " + os.strerror(ctypes.get_errno()))
    for command in ("link set lo up", "address add 10.99.0.1/32 dev lo", "link add inner type bridge"):
        subprocess.run(["ip", *command.split()], check=True)
    listener = socket.create_server(("10.99.0.1", 7))

    def is_reached():
        socket.create_connection(listener.getsockname(), 5).close()
        listener.accept()[0].close()
        return [name for _, name in socket.if_nameindex()] == ["lo", "inner"]
    return is_reached


def watched():
    """A file in the root file system, as virus scanners watch it."""
    name = b"/var/watched"
    open(name, "w").close()
    group = LIBC.fanotify_init(2, 0)  # FAN_NONBLOCK
    if LIBC.fanotify_mark(group, 1, ctypes.c_uint64(8), -100, name) != 0:  # FAN_CLOSE_WRITE
        sys.exit("fanotify: " + os.strerror(ctypes.get_errno()))

    def sees_a_write():
        open(name, "a").close()
        event = os.read(group, 24)  # closes nothing: its descriptor is ours
        os.close(int.from_bytes(event[16:20], "little"))
        return True
    return sees_a_write


def count(name, is_well, page, prepared):
    os.write(prepared, b".")
    while True:
        number = int.from_bytes(page[:8], "little") + 1
        page[:8] = number.to_bytes(8, "little")
        os.write(1, f"TICK {name} {number if is_well() else 'broken'}\n".encode())
        time.sleep(0.1)


def main():
    # Without a name, and shared with the child: its page is "/dev/zero (deleted)".
    ready, prepared = os.pipe()
    for name in sys.argv[1:]:
        page = mmap.mmap(-1, mmap.PAGESIZE)
        if os.fork() == 0:
            count(name, globals()[name](), page, prepared)
        if len(os.read(ready, 1)) != 1:
            sys.exit(name)
        keep.append(page)
    os.write(1, b"READY\n")
    while True:
        os.wait()


keep = []
main()
