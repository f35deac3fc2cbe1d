# SPDX-License-Identifier: Apache-2.0
"""The API server, as its administrator; for what `kubectl` would take too long to start for."""
import http.client
import json
import ssl


class Api:
    def __init__(self, layout):
        self.layout = layout
        self._context = None

    def request(self, method, path, body=None, kind="application/json"):
        """(status, answer); the answer is JSON where the server says so, else text. Status 0:
        nobody answers."""
        if self._context is None:
            keys = self.layout.keys
            self._context = ssl.create_default_context(cafile=keys / "ca.crt")
            self._context.load_cert_chain(keys / "admin.crt", keys / "admin.key")
        connection = http.client.HTTPSConnection(self.layout.host_address, self.layout.port(0),
                                                 context=self._context, timeout=30)
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body),
                               headers={"Content-Type": kind})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error)
        finally:
            connection.close()
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(text) if is_json else text

    def get(self, path):
        """None where there is no such object (or no answer)."""
        status, answer = self.request("GET", path)
        return answer if status == 200 else None

    def ready(self):
        return self.request("GET", "/readyz")[0] == 200
