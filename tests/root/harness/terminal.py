# SPDX-License-Identifier: Apache-2.0
"""A person at `podman attach`: a terminal that types and reads."""
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

from harness.waiting import wait_for


class Terminal:
    def __init__(self, *command):
        self.master, self.slave = pty.openpty()
        self.process = subprocess.Popen(command, stdin=self.slave, stdout=self.slave,
                                        stderr=self.slave, start_new_session=True)
        self.seen = ""

    def type(self, text):
        os.write(self.master, text.encode())

    def everything_typed_was_read(self):
        waiting = fcntl.ioctl(self.slave, termios.FIONREAD, struct.pack("i", 0))
        return struct.unpack("i", waiting)[0] == 0

    def read_until(self, text, deadline=30):
        """Reads on until `text` came; what came up to it is consumed."""
        end = time.monotonic() + deadline
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            assert ready, f"waited {deadline} s for '{text}', saw {self.seen!r}"
            self.seen += os.read(self.master, 4096).decode(errors="replace")
        before, _, self.seen = self.seen.partition(text)
        return before

    def detach(self):
        # Podman takes these for its own only if each comes alone, as from fingers.
        for key in "\x10\x11":  # ctrl-p ctrl-q
            self.type(key)
            wait_for(self.everything_typed_was_read, 10, "podman attach to read a key")
        self.process.wait(30)
        self.close()

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)
