# SPDX-License-Identifier: Apache-2.0
"""A notebook server, and what a browser does with it: each call is a new client.

    notebook.py serve         READY <kernel>: it runs one kernel. ENDED if the server ever does.
    notebook.py run K CODE    lets kernel K run CODE, through a connection of its own; prints what it prints
    notebook.py new CODE      the same in a kernel that is made for it and removed
    notebook.py history       the inputs in IPython's database, the last ones, newest first
"""
import json
import pathlib
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

import websocket

SERVER, TOKEN = "127.0.0.1:8888", "reprise"
COMMAND = ["jupyter-server", "--ip=127.0.0.1", "--port=8888", "--allow-root", "--no-browser",
           f"--IdentityProvider.token={TOKEN}"]
AUTHORIZATION = f"token {TOKEN}"


def call(method, path, body=None):
    """The REST interface."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://{SERVER}{path}", data, method=method, headers={
        "Authorization": AUTHORIZATION, "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def make_kernel():
    return call("POST", "/api/kernels", {"name": "python3"})["id"]


def request_to_run(code):
    header = {"msg_id": uuid.uuid4().hex, "session": uuid.uuid4().hex, "username": "test",
              "msg_type": "execute_request", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {},
               "allow_stdin": False, "stop_on_error": True}
    return {"header": header, "parent_header": {}, "metadata": {}, "content": content,
            "channel": "shell", "buffers": []}


def run(kernel, code):
    """Returns what CODE printed, and ends this program if it failed."""
    socket = websocket.create_connection(f"ws://{SERVER}/api/kernels/{kernel}/channels", timeout=30,
                                         header=[f"Authorization: {AUTHORIZATION}"])
    request = request_to_run(code)
    socket.send(json.dumps(request))
    printed = ""
    while True:
        message = json.loads(socket.recv())
        if message["parent_header"].get("msg_id") != request["header"]["msg_id"]:
            continue
        content = message["content"]
        if message["msg_type"] == "stream":
            printed += content["text"]
        elif message["msg_type"] == "error":
            sys.exit(f"{content['ename']}: {content['evalue']}")
        elif message["msg_type"] == "status" and content["execution_state"] == "idle":
            socket.close()
            return printed


def serve():
    with open("/tmp/jupyter.log", "wb") as log:
        server = subprocess.Popen(COMMAND, stdout=log, stderr=log)
    while True:
        try:
            call("GET", "/api/kernels")
            break
        except urllib.error.URLError:
            time.sleep(0.1)
    print("READY", make_kernel(), flush=True)
    print("ENDED", server.wait(), flush=True)


def history():
    path = pathlib.Path("~/.ipython/profile_default/history.sqlite").expanduser()
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    rows = database.execute("select source from history order by session desc, line desc limit 20")
    print("\n".join(source for [source] in rows))


def main():
    what, *words = sys.argv[1:]
    if what == "serve":
        serve()
    elif what == "run":
        print(run(*words), end="")
    elif what == "new":
        kernel = make_kernel()
        print(run(kernel, *words), end="")
        call("DELETE", f"/api/kernels/{kernel}")
    elif what == "history":
        history()


main()
