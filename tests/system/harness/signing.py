# SPDX-License-Identifier: BSD-2-Clause
"""A tenant whose mail is signed, and the milter before a real Postfix."""
import base64
import os
import re
import secrets
import subprocess

import dkim

from .events import stored
from .util import run, wait_for, write

SENDER = "news@shop.test"


def key_pair(folder, name, algorithm):
    """(private key as PEM, what p= says)."""
    path = folder / f"{name}.pem"
    more = ["-pkeyopt", "rsa_keygen_bits:2048"] if algorithm == "RSA" else []
    run(["openssl", "genpkey", "-algorithm", algorithm, "-out", path, *more])
    der = subprocess.run(["openssl", "pkey", "-in", str(path), "-pubout",
                          "-outform", "DER"], check=True,
                         capture_output=True).stdout
    public = der if algorithm == "RSA" else der[-32:]
    return path.read_text(), base64.b64encode(public).decode()


class Milter:
    """The base environment with the milter alone before Postfix."""

    def __init__(self, env, **settings):
        self.env = env
        self.prepare(settings)
        self.start()
        env.postfix.start()

    def prepare(self, settings):
        env = self.env
        rsa, rsa_public = key_pair(env.folder, "s1", "RSA")
        ed, ed_public = key_pair(env.folder, "e1", "ED25519")
        self.records = {
            b"s1._domainkey.shop.test.": f"v=DKIM1; k=rsa; p={rsa_public}",
            b"e1._domainkey.shop.test.": f"v=DKIM1; k=ed25519; p={ed_public}",
        }
        for name, text in self.records.items():
            env.dns.txt(name.decode().rstrip("."), text)
        env.dns.reload()
        write(env.folder / "etc" / "master.key",
              secrets.token_hex(32) + "\n", 0o600)
        env.apply("_global", {"tenants": [
            {"name": "shop", "match": {"sender_domain": ["shop.test"]}}]})
        self.document = {
            "title": "Shop",
            "domains": [{"name": "shop.test", "subdomains": True, "dkim": [
                {"selector": "s1", "state": "active", "key": rsa},
                {"selector": "e1", "state": "active", "key": ed}]}],
            **settings}
        env.apply("shop", self.document)

    def start(self):
        self.env.daemons.milter.start()
        self.env.postfix.postconf(
            "smtpd_milters = unix:postern/milter.sock",
            "non_smtpd_milters = unix:postern/milter.sock",
            "milter_default_action = tempfail",
            "milter_connect_timeout = 5s")

    def change(self, **settings):
        """Other settings of the tenant, and wait until they are in force."""
        self.document.update(settings)
        before = self.env.daemons.milter.text.count("revision")
        self.env.apply("shop", self.document)
        wait_for(lambda: self.env.daemons.milter.text.count("revision") >
                 before)

    def dns(self, name, timeout=5):
        text = self.records.get(name)
        return text.encode() if text else None

    def submit(self, message, to="one@good.test", sender=SENDER):
        """Raw octets over SMTP; the queue id."""
        with self.env.postfix.smtp() as c:
            c.ehlo()
            assert c.mail(sender, ["BODY=8BITMIME"])[0] == 250
            for one in [to] if isinstance(to, str) else to:
                assert c.rcpt(one)[0] == 250
            code, text = c.data(message)
            assert code == 250, text
            return re.search(rb"queued as (\S+)", text).group(1).decode()

    def sendmail(self, message, *to, sender=SENDER):
        """By sendmail(1): no smtpd, and no policy server, sees it."""
        config = str(self.env.postfix.config)
        subprocess.run(["sendmail", "-C", config, "-i", "-f", sender, *to],
                       input=message.replace(b"\r\n", b"\n"), check=True,
                       timeout=30,
                       env={**os.environ, "MAIL_CONFIG": config})

    def log(self, queue_id):
        return wait_for(lambda: [
            line for line in self.env.daemons.milter.text.splitlines()
            if f"{queue_id}: from=" in line])[0]

    def facts(self, queue_id):
        c = self.env.redis.client()
        return c.hgetall("pn:m:{h:mta1}:" + queue_id)

    def events(self):
        """(queue id, recipient, letter of the type, status), in order."""
        return [(e["q"], e["r"], e["t"], e["s"])
                for e in stored(self.env.redis.client())]


class MilterAndLog(Milter):
    """With policyd, the log follower and the hooks that an administrator
    puts in."""

    def start(self):
        self.env.daemons.start("policyd", "milter", "bounced")
        wait_for(lambda: self.env.redis.client().hgetall("pn:ck:{h:mta1}"),
                 what="the first checkpoint")
        self.env.enable()


def message(n, body=b"A few words.\r\n", header=b"", subject=b"hello"):
    return (b"From: Shop <news@shop.test>\r\nTo: one@good.test\r\n"
            b"Subject: " + subject + b"\r\nX-Number: %d\r\n" % n +
            b"Date: Mon, 23 Nov 2026 07:00:00 +0000\r\n"
            b"Message-ID: <%d@shop.test>\r\n" % n + header + b"\r\n" + body)


def verify_with_dkim_py(data, lookup):
    """Both signatures."""
    d = dkim.DKIM(data)
    count = len([1 for h, _ in d.headers if h.lower() == b"dkim-signature"])
    assert count == 2, count
    return all(d.verify(idx=i, dnsfunc=lookup) for i in range(count))
