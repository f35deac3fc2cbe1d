# SPDX-License-Identifier: Apache-2.0
"""A Redis client on one TCP connection that never reconnects, so that its fate is the test's."""
import socket
import threading


class Connection:
    def __init__(self, address, database, timeout):
        self.socket = socket.create_connection((address, 6379), timeout)
        self.buffer = self.socket.makefile("rb")
        self.call("SELECT", database)

    def call(self, *words):
        """One integer or simple reply. Raises OSError, as the socket does, TimeoutError included."""
        request = b"*%d\r\n" % len(words)
        for word in map(lambda w: str(w).encode(), words):
            request += b"$%d\r\n%s\r\n" % (len(word), word)
        self.socket.sendall(request)
        line = self.buffer.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError("the server closed the connection")
        if line[:1] not in b":+":
            raise ValueError(line)
        return int(line[1:]) if line[:1] == b":" else line[1:-2].decode()

    def close(self):
        self.socket.close()


class Counting(threading.Thread):
    """Counts in database 2 through one connection until told to stop or until that ends.

    `count`: the last answer. `error`: what ended it, if anything did.
    """

    def __init__(self, address, timeout):
        super().__init__(daemon=True)
        self.connection = Connection(address, 2, timeout)
        self.count = self.connection.call("INCR", "outside")
        self.error = None
        self.enough = threading.Event()
        self.start()

    def run(self):
        try:
            while not self.enough.wait(0.02):
                number = self.connection.call("INCR", "outside")
                if number != self.count + 1:
                    raise ValueError(f"the count went from {self.count} to {number}")
                self.count = number
        except (OSError, ValueError) as error:
            self.error = error
        self.connection.close()

    def finish(self):
        self.enough.set()
        self.join(60)
        assert not self.is_alive(), "the client outside hangs"
