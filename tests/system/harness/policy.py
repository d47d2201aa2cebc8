# SPDX-License-Identifier: BSD-2-Clause
"""Postfix's side of the policy delegation protocol (SMTPD_POLICY_README)."""
import itertools
import os
import socket

_instance = itertools.count(1)


class Policy:
    """One connection to a policy server; many questions on it."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def ask(self, recipient, sender="news@shop.test", **attributes):
        """The action: "DUNNO", "550 5.1.1 ..."."""
        request = {
            "request": "smtpd_access_policy",
            "protocol_state": "RCPT", "protocol_name": "ESMTP",
            "client_address": "127.0.0.1", "client_name": "unknown",
            "helo_name": "app.example.test", "queue_id": "",
            "instance": f"{os.getpid():x}.{next(_instance):x}.0",
            "sender": sender, "recipient": recipient,
            "recipient_count": "0", **attributes,
        }
        self.socket.sendall("".join(
            f"{k}={v}\n" for k, v in request.items()).encode() + b"\n")
        action = None
        while True:
            line = self.file.readline(65536).decode().rstrip("\n")
            if not line:
                return action
            name, _, value = line.partition("=")
            if name == "action":
                action = value
