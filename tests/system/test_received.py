# SPDX-License-Identifier: BSD-2-Clause
"""Received fields as the next host gets them, in the four modes, with the
hooks that an administrator puts in."""
import re

import pytest

pytest.importorskip("dkim")
pytest.importorskip("nacl")  # Ed25519 signatures

from harness.signing import SENDER, MilterAndLog, message  # noqa: E402
from harness.signing import verify_with_dkim_py  # noqa: E402
from harness.util import without_ref  # noqa: E402

DATE = r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000"
BEFORE = (b"Received: from web1.shop.test (unknown [10.1.2.3])\r\n"
          b"\tby app.shop.test (x) with ESMTP id 1;\r\n"
          b"\tMon, 23 Nov 2026 07:00:00 +0000\r\n"
          b"Received: from [10.9.9.9] by web1.shop.test; Mon, 23 Nov"
          b" 2026 06:59:59 +0000\r\n")
KEPT = ["from web1.shop.test (unknown [10.1.2.3]) by app.shop.test (x) with"
        " ESMTP id 1; Mon, 23 Nov 2026 07:00:00 +0000",
        "from [10.9.9.9] by web1.shop.test; Mon, 23 Nov 2026 06:59:59 +0000"]
SHORT = ["from web1.shop.test by app.shop.test; Mon, 23 Nov 2026 07:00:00"
         " +0000",
         "from unknown by web1.shop.test; Mon, 23 Nov 2026 06:59:59 +0000"]
ADDRESSES = (b"192.0.2.77", b"2001:db8", b"10.1.2.3", b"10.9.9.9",
             b"127.0.0.1", b"userid")


class Client:
    """Submits, and says what arrived."""

    def __init__(self, milter):
        self.milter = milter
        self.env = milter.env
        self.count = 0

    def arrived(self):
        self.count += 1
        data = self.env.delivered("one@good.test", self.count)[-1].data
        assert verify_with_dkim_py(data, self.milter.dns)
        header = data.partition(b"\r\n\r\n")[0]
        assert b"postern" not in without_ref(header).lower()
        fields = re.sub(rb"\r\n(?=[ \t])", b"", header).decode()
        return header, [
            re.sub(r"\s+", " ", line[9:]).strip()
            for line in fields.split("\r\n")
            if line.lower().startswith("received:")]

    def smtp(self, helo="web7.client.test", **xclient):
        """From an address of the documentation's."""
        xclient = {"ADDR": "192.0.2.77", "NAME": "gate.client.test",
                   **xclient}
        with self.env.postfix.smtp(**xclient) as c:
            c.ehlo(helo)
            assert c.mail(SENDER)[0] == 250
            assert c.rcpt("one@good.test")[0] == 250
            code, text = c.data(message(1, header=BEFORE))
            assert code == 250, text
        return self.arrived()

    def sendmail(self):
        self.milter.sendmail(message(1, header=BEFORE), "one@good.test")
        return self.arrived()


def start(env, **settings):
    env.postfix.postconf("mynetworks = 127.0.0.0/8, 192.0.2.0/24,"
                         " [2001:db8::]/32", "inet_protocols = all")
    return Client(MilterAndLog(env, **settings))


@pytest.fixture
def client(base):
    return start(base)


def full(pattern, text):
    assert re.fullmatch(pattern, text), text


def test_abbreviated_is_the_default(client):
    """No address leaves, whatever the client calls itself."""
    calls = {
        "web7.client.test": "web7.client.test",
        "[192.0.2.77]": "unknown",
        "192.0.2.77": "unknown",
        "ip-192-0-2-77.client.test": "unknown",
        "a.test (b [c]) by x": "unknown",
    }
    for helo, name in calls.items():
        header, got = client.smtp(helo)
        assert not [a for a in ADDRESSES if a in header], header
        assert b"gate.client.test" not in header
        full(f"from {re.escape(name)} by mta.example.test; {DATE}", got[0])
        assert got[1:] == SHORT
    header, got = client.smtp(ADDR="IPV6:2001:db8::7", NAME="[UNAVAILABLE]",
                              LOGIN="app@shop.test")
    assert not [a for a in ADDRESSES if a in header], header
    assert b"app@" not in header
    header, got = client.sendmail()
    assert not [a for a in ADDRESSES if a in header], header
    full(f"by mta.example.test; {DATE}", got[0])
    assert got[1:] == SHORT


def test_normal(client):
    client.milter.change(received="normal")
    _, got = client.smtp()
    full(r"from web7\.client\.test \(gate\.client\.test \[192\.0\.2\.77\]\)"
         rf" by mta\.example\.test \(\[127\.0\.0\.1\]\) id \S+; {DATE}",
         got[0])
    assert got[1:] == KEPT
    _, got = client.smtp("a (b) by c", ADDR="IPV6:2001:db8::7",
                         NAME="[UNAVAILABLE]", LOGIN="app@shop.test")
    full(r"from \S+ \(unknown \[IPv6:2001:db8::7\]\) by mta\.example\.test"
         rf" \(\[127\.0\.0\.1\]\) with ESMTPA id \S+; {DATE}", got[0])
    assert got[1:] == KEPT
    _, got = client.sendmail()
    full(rf"by mta\.example\.test id \S+; {DATE}", got[0])
    assert got[1:] == KEPT


def test_keep_adds_none(client):
    client.milter.change(received="keep")
    assert client.smtp()[1] == KEPT
    assert client.smtp("a b c [d]", LOGIN="app@shop.test")[1] == KEPT
    assert client.sendmail()[1] == KEPT


def test_remove_leaves_none(client):
    client.milter.change(received="remove")
    assert client.smtp()[1] == []
    assert client.smtp("[192.0.2.77]")[1] == []
    assert client.sendmail()[1] == []


def test_other_mail_keeps_its_fields(base):
    """What this Postfix only passes on, from another one; and its own
    notifications, which no milter sees."""
    client = start(base, received="keep")
    milter = client.milter
    header = (b"Received: from a.test (a.test [192.0.2.1])\r\n"
              b"\tby mx.other.test (Postfix) with ESMTPS id 1;\r\n"
              b"\tMon, 23 Nov 2026 07:00:00 +0000\r\n"
              b"Received: by mx.other.test (Postfix, from userid 5)\r\n"
              b"\tid 2; Mon, 23 Nov 2026 06:59:59 +0000\r\n")
    milter.submit(message(1, header=header))
    assert len(client.arrived()[1]) == 2
    milter.submit(message(2), to="noone@bounce.test", sender="one@good.test")
    data = base.delivered("one@good.test", 2)[-1].data
    assert re.search(rb"^Received: by mta.example.test \(Postfix\)", data,
                     re.M)


def test_delivery_services_with_checks_of_their_own(base):
    """The site's own checks, for one service and for all, stay."""
    base.postfix.postconf(
        "smtp_header_checks = regexp:{{/^X-Site:/ IGNORE}}",
        "site_checks = regexp:{{/^X-Service:/ IGNORE}}")
    master = base.postfix.config / "master.cf"
    plain = master.read_text()
    master.write_text(plain.replace(
        "- smtp\nrelay", "- smtp\n  -o smtp_header_checks=$site_checks\nrelay"))
    client = start(base, received="remove")
    assert client.smtp()[1] == []
    client.milter.submit(message(2, header=b"X-Service: 1\r\n"))
    header, got = client.arrived()
    assert got == [] and b"X-Service" not in header


def test_mail_with_addresses_in_utf8(base):
    """Postfix's own field says "with UTF8SMTP" then.  RFC 6531, 4.3"""
    base.receivers["good.test"].script["ehlo"] = "\r\n".join([
        "250-mx.good.test", "250-8BITMIME", "250-SMTPUTF8", "250 DSN"])
    client = start(base, received="keep")
    for options, to in ((["SMTPUTF8"], "one@good.test"),):
        with base.postfix.smtp(ADDR="192.0.2.77",
                               NAME="gate.client.test") as c:
            c.ehlo("web7.client.test")
            assert c.mail("news@shop.test", options)[0] == 250
            assert c.rcpt(to)[0] == 250
            code, text = c.data(message(1, header=BEFORE))
            assert code == 250, text
        header, got = client.arrived()
        assert got == KEPT, header


def test_attached_messages_are_not_touched(base):
    """Neither by the milter nor by the checks of the delivery service."""
    inner = (b"Received: from web1.shop.test (gate [192.0.2.1])\r\n"
             b"\tby mta.example.test (Postfix) with ESMTP id 1;\r\n"
             b"\tMon, 23 Nov 2026 07:00:00 +0000\r\n"
             b"Received: by mta.example.test (Postfix, from userid 5)\r\n"
             b"\tid 2; Mon, 23 Nov 2026 06:59:59 +0000\r\n"
             b"From: a@b.test\r\nSubject: inside\r\n\r\nx\r\n")
    client = start(base, received="remove")
    client.milter.submit(message(
        1, header=b"MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n",
        body=inner))
    data = base.delivered("one@good.test")[-1].data
    assert verify_with_dkim_py(data, client.milter.dns)
    assert data.partition(b"\r\n\r\n")[2] == inner


def test_a_hidden_session_is_hidden_in_all_modes(base):
    """smtpd_hide_client_session of Postfix 3.10, as its master.cf proposes for
    submission: a field of another form."""
    if base.postfix.value("mail_version").split(".")[:2] < ["3", "10"]:
        pytest.skip("Postfix has no smtpd_hide_client_session")
    base.postfix.postconf("smtpd_hide_client_session = yes")
    client = start(base, received="keep")
    assert client.smtp()[1] == KEPT
    client.milter.change(received="remove")
    assert client.smtp()[1] == []


def test_copies_tell_of_one_hop(base):
    """The way through the internal listener is not seen, and each copy says
    where the message came from."""
    client = start(base, unsubscribe={
        "url": "https://mail.shop.test/u/", "filters": [
            {"name": "news", "header": "Subject", "pattern": "hello"}]})
    for number, mode in enumerate(("abbreviated", "normal", "keep",
                                   "remove"), 1):
        if number > 1:
            client.milter.change(received=mode)
        with base.postfix.smtp(ADDR="192.0.2.77",
                               NAME="gate.client.test") as c:
            c.ehlo("web7.client.test")
            assert c.mail(SENDER)[0] == 250
            for to in ("one@good.test", "two@good.test"):
                assert c.rcpt(to)[0] == 250
            code, text = c.data(message(1))
            assert code == 250, text
        for to in ("one@good.test", "two@good.test"):
            data = base.delivered(to, number)[-1].data
            header = data.partition(b"\r\n\r\n")[0]
            got = [line for line in header.split(b"\r\n")
                   if line.lower().startswith(b"received:")]
            assert len(got) == (1 if number <= 2 else 0), (mode, to, header)
            assert b"10589" not in header and \
                b"postern" not in without_ref(header)
            if got:
                assert got[0].startswith(b"Received: from web7.client.test"), \
                    (mode, to, got)


def test_what_can_not_be_changed_is_said(base):
    """postconf(1) can not write blanks to master.cf, and the table needs
    them."""
    master = base.postfix.config / "master.cf"
    text = master.read_text().replace(
        "- smtp\nrelay", "- smtp\n"
        "  -o { smtp_header_checks = regexp:{{/^X-A:/ IGNORE}} }\nrelay")
    master.write_text(text)
    before = (base.postfix.config / "main.cf").read_text()
    done = base.cli.run("postfix", "enable", check=False)
    assert done.returncode != 0
    assert "whitespace" in done.stderr, done.stderr
    assert master.read_text() == text
    assert (base.postfix.config / "main.cf").read_text() == before
