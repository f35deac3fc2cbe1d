# SPDX-License-Identifier: Apache-2.0
"""Answers each line of a connection with its number, on port 7000. Has one to itself, too."""
import socket
import socketserver


class Counting(socketserver.StreamRequestHandler):
    def handle(self):
        for number, _ in enumerate(self.rfile, 1):
            self.wfile.write(b"%d\n" % number)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


with Server(("", 7000), Counting) as server, \
        socket.create_connection(("127.0.0.1", 7000)):
    print("READY", flush=True)
    server.serve_forever()
