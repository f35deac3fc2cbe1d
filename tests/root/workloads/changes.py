# SPDX-License-Identifier: Apache-2.0
"""Changes files in every way that archives of containers tell apart, then counts (counter.py).

What is left behind is told by tree.py; /dev/shm/token must keep its content, which is the seed.
"""
import os
import runpy
import shutil
import sys

os.makedirs("/data/sub")
with open("/etc/issue", "a", encoding="ascii") as file:
    file.write("added line\n")                       # changed: copied up
os.unlink("/etc/debian_version")                     # deleted: a whiteout
os.rename("/etc/profile", "/etc/profile.moved")
shutil.rmtree("/etc/skel")                           # made again: an opaque directory
os.mkdir("/etc/skel")
with open("/etc/skel/new", "w", encoding="ascii") as file:
    file.write("new\n")
shutil.rmtree("/etc/pam.d")                          # a directory of the image, gone
os.chmod("/etc/shells", 0o640)                       # nothing but the mode
os.chmod("/usr/local/lib", 0o750)                    # of a directory
with open("/data/one", "w", encoding="ascii") as file:
    file.write("one\n")
os.link("/data/one", "/data/sub/one-again")
os.symlink("../one", "/data/sub/link")
os.symlink("/etc/hostname", "/data/absolute")
os.mkfifo("/data/fifo")
os.setxattr("/data/one", "user.reprise", b"an attribute\0with a zero")
with open("/data/sparse", "wb") as file:
    file.truncate(8 << 20)
    file.seek(0, os.SEEK_END)
    file.write(b"end")
with open("/data/owned", "wb") as file:
    file.write(os.urandom(300_000))
os.chown("/data/owned", 1234, 2345)
os.chmod("/data/owned", 0o4750)
with open("/data/näme", "w", encoding="ascii") as file:
    file.write("not ASCII\n")
with open("/data/odd\n\x1b[2J\x7f", "w", encoding="ascii") as file:
    file.write("characters that no terminal likes\n")
os.link("/data/odd\n\x1b[2J\x7f", "/data/sub/odd\tagain")
with open("/tmp/held", "w", encoding="ascii") as file:  # /tmp keeps the image's 1777
    file.write("held\n")
held = open("/tmp/held", encoding="ascii")  # pylint: disable=consider-using-with
with open("/dev/shm/token", "w", encoding="ascii") as file:
    file.write("in shared memory\n")
sys.argv[0] = "/workloads/counter.py"
runpy.run_path(sys.argv[0], run_name="__main__")
