# SPDX-License-Identifier: BSD-2-Clause
"""A webhook receiver over plain HTTP, which checks the signature as Standard
Webhooks says."""
import base64
import dataclasses
import hashlib
import hmac
import http.server
import json
import threading
import time


@dataclasses.dataclass
class Post:
    path: str
    headers: dict
    body: bytes
    at: float

    @property
    def json(self):
        return json.loads(self.body)

    def signed_by(self, secret):
        """secret: "whsec_" and base64."""
        key = base64.b64decode(secret.split("_", 1)[1])
        signed = b".".join([self.headers["webhook-id"].encode(),
                            self.headers["webhook-timestamp"].encode(),
                            self.body])
        want = "v1," + base64.b64encode(
            hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return want in self.headers["webhook-signature"].split(" ")


class Webhook:
    """answers: (status, headers) a request, the last one stays."""

    def __init__(self, address="127.0.0.1", port=8025):
        self.address, self.port = address, port
        self.url = f"http://{address}:{port}/hook"
        self.answers = [(200, {})]
        self.posts = []
        self.lock = threading.Lock()
        self.server = None

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {k.lower(): v for k, v in self.headers.items()}
                with receiver.lock:
                    answers = receiver.answers
                    status, extra = answers.pop(0) if len(answers) > 1 \
                        else answers[0]
                    receiver.posts.append(Post(self.path, headers, body,
                                               time.time()))
                self.send_response(status)
                for k, v in extra.items():
                    self.send_header(k, v)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Server((self.address, self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def taken(self):
        """The posts so far; the list is the caller's."""
        with self.lock:
            return list(self.posts)
