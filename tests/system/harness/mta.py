# SPDX-License-Identifier: BSD-2-Clause
"""The MTA's side of the milter protocol, version 6, for what Postfix would
never do."""
import socket
import struct

ACTIONS = 0x1ff
STEPS = 0x1fffff
NO_HELO, NO_BODY = 0x2, 0x10
NO_ANSWER = {"C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "L": 0x80,
             "B": 0x80000}


class Mta:
    """One connection.  address: path of a unix socket, or (host, port)."""

    def __init__(self, address, timeout=20):
        family = socket.AF_INET if isinstance(address, tuple) \
            else socket.AF_UNIX
        self.s = socket.socket(family)
        self.s.settimeout(timeout)
        self.s.connect(address if family == socket.AF_INET else str(address))
        self.steps = 0

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.s.close()

    def put(self, command, data=b""):
        self.s.sendall(struct.pack(">I", len(data) + 1) + command.encode() +
                       data)

    def get(self):
        """(letter, data) of the next reply."""
        head = self._read(4)
        body = self._read(struct.unpack(">I", head)[0])
        return body[:1].decode(), body[1:]

    def _read(self, n):
        data = b""
        while len(data) < n:
            more = self.s.recv(n - len(data))
            if not more:
                raise ConnectionError("the milter closed the connection")
            data += more
        return data

    def negotiate(self, steps=STEPS, actions=ACTIONS):
        self.put("O", struct.pack(">III", 6, actions, steps))
        letter, data = self.get()
        assert letter == "O", letter
        self.steps = struct.unpack(">I", data[8:12])[0]
        return self.steps

    def tell(self, command, *texts):
        """A stage; waits for the reply if the milter gives one."""
        self.put(command, b"".join(t + b"\0" for t in texts))
        if not self.steps & NO_ANSWER.get(command, 0):
            return self.get()
        return None

    def macros(self, command, **values):
        self.put("D", command.encode() + b"".join(
            f"{k}\0{v}\0".encode() for k, v in values.items()))

    def connect(self):
        self.put("C", b"client.test\x004" + struct.pack(">H", 4000) +
                 b"127.0.0.1\0")
        if not self.steps & NO_ANSWER["C"]:
            self.get()
        if not self.steps & NO_HELO:
            self.tell("H", b"client.test")

    def message(self, queue_id, sender, recipients, fields, body=b"x\r\n"):
        """[(letter, data), ...]: all that the milter says at the end."""
        self.tell("M", f"<{sender}>".encode())
        for one in recipients:
            self.tell("R", f"<{one}>".encode())
        for name, value in fields:
            self.tell("L", name, value)
        if body and not self.steps & NO_BODY:
            self.put("B", body)
            if not self.steps & NO_ANSWER["B"]:
                self.get()
        self.macros("E", i=queue_id)
        self.put("E")
        replies = []
        while not replies or replies[-1][0] not in "acrtdy":
            replies.append(self.get())
        return replies
