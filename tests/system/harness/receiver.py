# SPDX-License-Identifier: BSD-2-Clause
"""A receiving side: an SMTP server that answers as the test says, keeps what
it got, and can send a DSN back later."""
import dataclasses
import email.utils
import smtplib
import socket
import threading
import time

DROP = "drop"  # in place of a reply: close the connection


@dataclasses.dataclass
class Received:
    sender: str
    sender_parameters: str
    recipients: list
    data: bytes
    at: float
    recipient_parameters: dict  # recipient -> what stands behind it

    @property
    def text(self):
        return self.data.decode("utf-8", "surrogateescape")


class Receiver:
    """script: what is answered, by command ("banner", "ehlo", "mail",
    "data", "eom") or by recipient address.  A value is a reply, a list of
    replies (one a time, the last one stays), DROP, or a function that is
    called with the argument and returns one of these.  The default is
    success."""

    def __init__(self, address, name, port=25):
        self.address, self.name, self.port = address, name, port
        self.script = {}
        self.delay = {}  # command or recipient -> seconds before the reply
        self.received = []
        self.refused = []  # (recipient, reply)
        self.connections = 0
        self.lock = threading.Lock()
        self.listener = None
        self.clients = set()

    def start(self):
        self.listener = socket.create_server(
            (self.address, self.port), backlog=256)
        threading.Thread(target=self._accept, args=(self.listener,),
                         daemon=True).start()

    def stop(self):
        if self.listener:
            try:
                self.listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.listener.close()
            self.listener = None
        with self.lock:
            clients = list(self.clients)
        for s in clients:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def messages_to(self, recipient):
        with self.lock:
            return [m for m in self.received if recipient in m.recipients]

    def _accept(self, listener):
        while True:
            try:
                s, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.clients.add(s)
            threading.Thread(target=self._serve, args=(s,),
                             daemon=True).start()

    def _reply(self, key, argument, default):
        value = self.script.get(key, default)
        if callable(value):
            value = value(argument) or default
        if isinstance(value, list):
            with self.lock:
                value = value.pop(0) if len(value) > 1 else value[0]
        if key in self.delay:
            time.sleep(self.delay[key])
        return value

    def _serve(self, s):
        try:
            with s, s.makefile("rwb") as f:
                self._session(f)
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.clients.discard(s)

    def _session(self, f, greeted=False):
        def say(text):
            if text == DROP:
                raise OSError("scripted end")
            f.write(text.encode() + b"\r\n")
            f.flush()
            return text[:1] in "23"

        sender, parameters, recipients, more = None, "", [], {}
        if not greeted and not say(
                self._reply("banner", None, f"220 {self.name} ESMTP")):
            return
        while True:
            line = f.readline(2000)
            if not line:
                return
            line = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            word = line[:4].upper()
            if word == "EHLO":
                say(self._reply("ehlo", line, "\r\n".join([
                    f"250-{self.name}", "250-PIPELINING", "250-8BITMIME",
                    "250-DSN", "250 SIZE 10485760"])))
            elif word == "HELO":
                say(f"250 {self.name}")
            elif word == "MAIL":
                path, _, rest = line[10:].partition(">")
                if say(self._reply("mail", path, "250 2.1.0 Ok")):
                    sender, parameters = path.strip("<"), rest.strip()
                    recipients, more = [], {}
            elif word == "RCPT":
                to, _, rest = line[8:].partition(">")
                to = to.strip("<")
                reply = self._reply(to, to, None) or \
                    self._reply("rcpt", to, "250 2.1.5 Ok")
                if say(reply):
                    recipients.append(to)
                    more[to] = rest.strip()
                else:
                    with self.lock:
                        self.refused.append((to, reply))
            elif word == "DATA":
                if not recipients:
                    say("554 5.5.1 no valid recipients")
                    continue
                if not say(self._reply("data", None, "354 go on")):
                    continue
                message = self._data(f)
                if message is None:
                    return
                reply = self._reply("eom", message, "250 2.0.0 Ok")
                if reply != DROP and reply[:1] == "2":
                    with self.lock:
                        self.received.append(Received(
                            sender, parameters, recipients, message,
                            time.time(), more))
                say(reply)
                sender, recipients = None, []
            elif word == "RSET":
                sender, recipients = None, []
                say("250 2.0.0 Ok")
            elif word == "QUIT":
                say("221 2.0.0 Bye")
                return
            else:
                say("250 2.0.0 Ok")

    @staticmethod
    def _data(f):
        lines = []
        while True:
            line = f.readline(100000)
            if not line:
                return None
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line[:1] == b"." else line)

    def dsn(self, message, recipient, status="5.1.1",
            text="550 5.1.1 no such user", action="failed"):
        """A delivery status notification (RFC 3464) about a message that
        was accepted."""
        boundary = "=_dsn"
        header = message.data.partition(b"\r\n\r\n")[0]
        header = header.decode("ascii", "replace")
        return "\r\n".join([
            f"From: Mail Delivery System <MAILER-DAEMON@{self.name}>",
            f"To: {message.sender}",
            f"Date: {email.utils.formatdate()}",
            f"Message-ID: {email.utils.make_msgid(domain=self.name)}",
            "Subject: Undelivered Mail Returned to Sender",
            "Auto-Submitted: auto-replied", "MIME-Version: 1.0",
            "Content-Type: multipart/report; report-type=delivery-status;",
            f'\tboundary="{boundary}"', "",
            f"--{boundary}", "Content-Type: text/plain; charset=us-ascii", "",
            f"<{recipient}>: {text}", "",
            f"--{boundary}", "Content-Type: message/delivery-status", "",
            f"Reporting-MTA: dns; {self.name}", "",
            f"Final-Recipient: rfc822; {recipient}", f"Action: {action}",
            f"Status: {status}", f"Diagnostic-Code: smtp; {text}", "",
            f"--{boundary}", "Content-Type: text/rfc822-headers", "",
            header, "", f"--{boundary}--", ""])

    def send_dsn(self, message, recipient, postfix=("127.0.0.1", 25), **kw):
        with smtplib.SMTP(*postfix, local_hostname=self.name,
                          timeout=30) as c:
            c.sendmail("", [message.sender],
                       self.dsn(message, recipient, **kw).encode())
