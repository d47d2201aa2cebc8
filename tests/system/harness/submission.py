# SPDX-License-Identifier: BSD-2-Clause
"""A server that others send by: STARTTLS, and AUTH PLAIN behind it."""
import base64
import ssl

from .receiver import Receiver


class Submission(Receiver):
    """Takes mail over TLS, from one user.  logins: what was tried."""

    def __init__(self, address, name, port, certificate, key, user,
                 password):
        super().__init__(address, name, port)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.user, self.password = user, password
        self.logins = []
        self.in_clear = 0  # MAIL or AUTH without TLS

    def _serve(self, s):
        try:
            with s:
                secured = self._greet(s)
                if secured:
                    with secured, secured.makefile("rwb") as f:
                        self._login(f)
                        self._session(f, greeted=True)
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.clients.discard(s)

    def _greet(self, s):
        with s.makefile("rwb", buffering=0) as f:
            f.write(f"220 {self.name} ESMTP\r\n".encode())
            while True:
                word = f.readline(2000)[:8].upper()
                if word[:4] == b"EHLO":
                    f.write(f"250-{self.name}\r\n250 STARTTLS\r\n".encode())
                elif word == b"STARTTLS":
                    f.write(b"220 2.0.0 go on\r\n")
                    break
                elif word[:4] == b"QUIT" or not word:
                    return None
                else:
                    self.in_clear += 1
                    f.write(b"530 5.7.0 STARTTLS first\r\n")
        return self.context.wrap_socket(s, server_side=True)

    def _login(self, f):
        def say(text):
            f.write(text.encode() + b"\r\n")
            f.flush()

        while True:
            line = f.readline(2000).decode().strip()
            if not line:
                raise OSError("gone")
            if line[:4].upper() == "EHLO":
                say(f"250-{self.name}\r\n250 AUTH PLAIN")
            elif line[:11].upper() == "AUTH PLAIN ":
                _, user, password = base64.b64decode(
                    line[11:]).decode().split("\0")
                self.logins.append((user, password))
                if (user, password) == (self.user, self.password):
                    say("235 2.7.0 welcome")
                    return
                say("535 5.7.8 no")
            elif line[:4].upper() == "QUIT":
                say("221 2.0.0 Bye")
                raise OSError("gone")
            else:
                say("530 5.7.0 AUTH first")
