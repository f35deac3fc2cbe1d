# SPDX-License-Identifier: Apache-2.0
"""A person at `podman attach`: a terminal that types and reads."""
import os
import pty
import select
import subprocess
import time

DETACH_BY_KEY = ("--detach-keys", "ctrl-q")


class Terminal:
    def __init__(self, *command):
        self.master, self.slave = pty.openpty()
        self.process = subprocess.Popen(command, stdin=self.slave, stdout=self.slave,
                                        stderr=self.slave, start_new_session=True)
        self.seen = ""

    def type(self, text):
        os.write(self.master, text.encode())

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
        """By a single key (attach with DETACH_BY_KEY): Podman overlooks two that arrive together."""
        self.type("\x11")
        self.process.wait(30)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)
