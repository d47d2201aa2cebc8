# SPDX-License-Identifier: BSD-2-Clause
"""Postfix's side of socketmap_table(5)."""
import socket


class Socketmap:
    """One connection to a server of look-up tables."""

    def __init__(self, path, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.rest = b""

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def send(self, name, key):
        text = name.encode() + b" " + (
            key if isinstance(key, bytes) else key.encode())
        self.socket.sendall(b"%d:%s," % (len(text), text))

    def get(self):
        """(word, value) of the next reply; None: the server has closed."""
        while b":" not in self.rest or len(self.rest) < \
                self._head() + self._length() + 1:
            more = self.socket.recv(200000)
            if not more:
                return None
            self.rest += more
        begin, length = self._head(), self._length()
        text = self.rest[begin:begin + length]
        assert self.rest[begin + length:begin + length + 1] == b","
        self.rest = self.rest[begin + length + 1:]
        word, _, value = text.decode().partition(" ")
        return word, value

    def _head(self):
        return self.rest.index(b":") + 1

    def _length(self):
        return int(self.rest[:self._head() - 1])

    def ask(self, name, key):
        self.send(name, key)
        return self.get()
