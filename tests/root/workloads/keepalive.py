# SPDX-License-Identifier: Apache-2.0
"""A server and a client that uses one HTTP connection to it for ever.

    READY; then `ANSWER <n>` for each request. ERROR <why> if the connection ends.

usage: keepalive.py nginx|node
"""
import http.client
import os
import subprocess
import sys
import time

PORT = 8080
NGINX = """
worker_processes 2;
daemon off;
error_log /tmp/nginx.log;
pid /tmp/nginx.pid;
events { worker_connections 64; }
http {
  access_log off;
  keepalive_requests 1000000;
  keepalive_timeout 3600s;
  server { listen 8080; location / { return 200 "nginx $connection"; } }
}
"""
NODE = """
const { Worker } = require('worker_threads');
const counter = new Int32Array(new SharedArrayBuffer(4));
new Worker('const { workerData } = require("worker_threads");' +
           'setInterval(() => Atomics.add(workerData, 0, 1), 1);', { eval: true, workerData: counter });
const objects = [];
for (let i = 0; i < 200000; i++) objects.push({ number: i, text: 'object ' + i });
const server = require('http').createServer((request, answer) => {
  const i = Math.floor(Math.random() * objects.length);
  const whole = objects[i].number === i && objects[i].text === 'object ' + i;
  answer.end(whole ? 'node ' + process.pid : 'damaged');
});
server.keepAliveTimeout = 3600e3;
server.requestTimeout = 0;
server.listen(8080);
"""


def start(kind):
    text, path = (NGINX, "/tmp/nginx.conf") if kind == "nginx" else (NODE, "/tmp/server.js")
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    command = ["nginx", "-c", path] if kind == "nginx" else ["node", path]
    return subprocess.Popen(command)


def connect():
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        try:
            connection.connect()
            return connection
        except ConnectionRefusedError:
            time.sleep(0.05)


def main():
    server = start(sys.argv[1])
    connection = connect()
    print("READY", flush=True)
    number, first = 0, None
    while True:
        try:
            connection.request("GET", "/")
            answer = connection.getresponse().read()
        except (OSError, http.client.HTTPException) as error:
            print("ERROR", repr(error), flush=True)
            os._exit(1)
        first = first or answer
        number += 1
        # The same connection, and for node the same process, as at first.
        print("ANSWER" if answer == first and server.poll() is None else "ERROR", number, answer.decode(),
              flush=True)
        connection.auto_open = 0
        time.sleep(0.05)


main()
