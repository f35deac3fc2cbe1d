# SPDX-License-Identifier: Apache-2.0
#
# Changes files of its root file system in every way that overlayfs treats differently, holds some
# of them open, and answers (ANSWER …) each time that somebody makes /tmp/ask.
set -e
mkdir -p /data/sub
echo "added line" >>/etc/issue               # changed: copied up
rm /etc/debian_version                       # deleted: a whiteout
mv /etc/profile /etc/profile.moved           # renamed: a whiteout and a copy
rm -r /etc/skel && mkdir /etc/skel           # replaced: an opaque directory
echo new >/etc/skel/new
mv /etc/pam.d /etc/pam.moved                 # a directory of the image, renamed
chmod 640 /etc/shells                        # nothing but the mode
echo one >/data/one && ln /data/one /data/sub/one-again
ln -s ../one /data/sub/link
mkfifo /data/fifo
echo owned >/data/owned && chown 1234:2345 /data/owned && chmod 4750 /data/owned
truncate -s 8M /data/sparse && printf end >>/data/sparse
head -c 3000000 /dev/urandom >/data/random
truncate -s 9G /data/huge                     # more than old archives can say
mknod /data/device c 1 3 && mkdir -m 3770 /data/sticky
touch -d '2001-02-03 04:05:06.789' /data/old
seq 1 100000 >/data/numbers
python3 - <<'PYTHON'
import os
import socket
os.setxattr("/data/one", "user.reprise", b"an attribute\0with a zero")
# cap_net_raw=ep, as setcap writes it: a file capability is lost where archives drop xattrs
os.setxattr("/data/owned", "security.capability",
            bytes.fromhex("0100000200200000000000000000000000000000"))
os.makedirs(b"/data/" + b"d" * 250)
open(b"/data/" + b"d" * 250 + b"/line\nfeed \xff" + b"f" * 200, "w").close()
# One that nobody listens on any more, and one in a directory of the image that is a merge.
for path in ("/data/stale", "/usr/local/socket"):
    socket.socket(socket.AF_UNIX).bind(path)
os.chmod("/data/stale", 0o640)
os.chown("/data/stale", 1234, 2345)
PYTHON
echo "content of a deleted file" >/data/gone
exec 3>>/data/gone 4</data/gone 5</data/numbers
rm /data/gone
read -r first <&5
sync
echo READY "$first"
count=0
while :; do
  if [ -e /tmp/ask ]; then
    rm /tmp/ask
    count=$((count + 1))
    read -r next <&5
    echo "appended $count" >&3
    read -r line <&4
    echo "ANSWER $count next=$next gone=$line"
  fi
  sleep 0.05
done
