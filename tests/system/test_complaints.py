# SPDX-License-Identifier: BSD-2-Clause
"""What comes back without a tag in its address: bounces and complaints that
find their message by the signed field, and what finds none."""
import email
import re

import pytest
from harness.events import stored
from harness.util import wait_for

pytest.importorskip("dkim")
pytest.importorskip("nacl")  # Ed25519 signatures

from harness.signing import SENDER, MilterAndLog, message  # noqa: E402
from harness.signing import verify_with_dkim_py  # noqa: E402

FEEDBACK = "fbl@fb.shop.test"
OWNER = "owner@fb.shop.test"
SETTINGS = {
    "complaints": {"addresses": [FEEDBACK], "cfbl": True,
                   "feedback_id": {"sender": "shop-test"}},
    "envelope_sender": {"mode": "address", "address": OWNER},
    "return_path": {"domain": "ret.shop.test"},
}


class Back:
    """Mail leaves, and what comes back is what a test makes of it."""

    def __init__(self, env, **settings):
        self.env = env
        self.milter = MilterAndLog(env, **{**SETTINGS, **settings})
        self.number = 0

    def send(self, *to):
        """(queue id, the message as the next host got it), once its events
        are there."""
        self.number += 1
        to = to or ("one@good.test",)
        queue_id = self.milter.submit(message(self.number), list(to))
        wait_for(lambda: {e["r"] for e in self.events(queue_id)
                          if e["t"] == "s"} == set(to), 30,
                 f"deliveries of {queue_id}")
        got = [m for m in self.env.receivers["good.test"].received
               if f"\r\nX-Number: {self.number}\r\n".encode() in
               b"\r\n" + m.data] or \
            self.env.receivers["good.test"].received[-1:]
        return queue_id, got[-1]

    def events(self, queue_id=None):
        return [e for e in stored(self.env.redis.client())
                if queue_id in (None, e["q"])]

    def told(self, queue_id):
        """(type, recipient, status, why it is not counted) of what came
        back."""
        return [(e["t"], e["r"], e["s"], e["o"])
                for e in self.events(queue_id) if e["t"] in "bc"]

    def mail(self, to, text):
        """Through Postfix, which has it from anybody."""
        with self.env.postfix.smtp() as c:
            c.sendmail("", [to], text.encode())

    def said(self, *words, times=1):
        """Waits for so many lines of bounced's log with all of these."""
        return wait_for(lambda: len([
            line for line in self.env.daemons.bounced.text.split("\n")
            if all(w in line for w in words)]) >= times,
            30, " ".join(words))


@pytest.fixture
def back(base):
    return lambda **settings: Back(base, **settings)


def header_of(got):
    return got.data.partition(b"\r\n\r\n")[0].decode()


def without(name, text):
    return re.sub(rf"(?m)^{name}:.*\r?\n(?:[ \t].*\r?\n)*", "", text)


def changed(name, text):
    """The word's last letter but one is another one: its signature."""
    def other(found):
        c = "a" if found[2] != "a" else "b"
        return found[1] + c + found[3]
    return re.sub(rf"(?m)^({name}: \S+)(\S)(\S)\r?$", other, text)


def arf(header, *fields, kind="abuse"):
    lines = "".join(f"{line}\r\n" for line in fields)
    return ("From: Feedback <loop@provider.test>\r\nSubject: FW: hello\r\n"
            "MIME-Version: 1.0\r\nContent-Type: multipart/report;\r\n"
            " report-type=feedback-report; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n"
            "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
            f"Feedback-Type: {kind}\r\nVersion: 1\r\n"
            f"User-Agent: Test/1.0\r\n{lines}\r\n"
            f"--b\r\nContent-Type: message/rfc822\r\n\r\n{header}\r\n\r\n"
            "A few words.\r\n--b--\r\n")


def jmrp(header, recipient):
    return ("From: staff@hotmail.com\r\n"
            "Subject: complaint about message from 192.0.2.1\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: message/rfc822\r\n\r\n"
            f"X-HmXmrOriginalRecipient: {recipient}\r\n{header}\r\n\r\n"
            "A few words.\r\n--b--\r\n")


def test_the_fields_are_there_and_signed(back):
    b = back()
    got = b.send()[1]
    mail = email.message_from_bytes(got.data)
    assert mail["CFBL-Address"] == f"{FEEDBACK}; report=arf"
    assert mail["CFBL-Feedback-ID"] == mail["X-Postern-Ref"]
    assert mail["Feedback-ID"] == "shop:shop-test"
    assert len(mail.get_all("X-Postern-Ref")) == 1
    assert verify_with_dkim_py(got.data, b.milter.dns)
    signatures = mail.get_all("DKIM-Signature")
    assert len(signatures) == 2
    for text in signatures:
        names = re.search(r"h=([^;]*)", text)[1].replace("\t", "")
        names = re.sub(r"\s", "", names).lower().split(":")
        assert {"cfbl-address", "cfbl-feedback-id",
                "feedback-id"} <= set(names)


def test_a_bounce_to_an_untagged_sender(back):
    b = back()
    queue_id, got = b.send()
    assert got.sender == OWNER
    receiver = b.env.receivers["good.test"]
    dsn = receiver.dsn(got, "one@good.test")
    # Forged: somebody else's signature, or none that names a message.
    names = ("X-Postern-Ref", "CFBL-Feedback-ID")
    forged = dsn
    for name in names:
        forged = changed(name, forged)
    assert forged != dsn
    b.mail(OWNER, forged)
    b.said("bounce=dropped", "why=bad-signature")
    assert not b.told(queue_id)
    # Found, and told once, however often it comes.
    for times in (1, 2):
        b.mail(OWNER, dsn)
        b.said("bounce=recorded" if times == 1 else "bounce=duplicate",
               "by=reference")
    b.mail(OWNER, dsn.replace("text/rfc822-headers", "text/plain"))
    b.said("bounce=duplicate", times=2)
    assert b.told(queue_id) == [("b", "one@good.test", "2", "")]
    # Nobody signs a Message-ID: it is told, and does not count.
    queue_id, got = b.send("two@good.test")
    dsn = receiver.dsn(got, "two@good.test")
    for name in names:
        dsn = without(name, dsn)
    b.mail(OWNER, dsn.replace("two@good.test", "three@good.test"))
    b.said("bounce=dropped", "why=no-envelope-id")
    b.mail(OWNER, dsn)
    b.said("bounce=recorded", "by=message-id")
    b.mail(OWNER, dsn)
    b.said("bounce=duplicate", "by=message-id")
    assert b.told(queue_id) == [("b", "two@good.test", "2", "message-id")]


def test_a_bounce_to_a_tagged_sender(back):
    b = back(envelope_sender={"mode": "verp"})
    queue_id, got = b.send("one@good.test", "two@good.test")
    assert got.sender.startswith("b-")
    dsn = b.env.receivers["good.test"].dsn(got, "two@good.test")
    b.mail(got.sender, dsn.replace(
        "\r\nFinal-Recipient:", "\r\nFinal-Recipient: rfc822; "
        "three@good.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        "Final-Recipient:", 1))
    b.said("bounce=recorded", "two@good.test", "by=return-path")
    b.said("bounce=unknown", "three@good.test")
    assert b.told(queue_id) == [("b", "two@good.test", "2", "")]
    # A complaint of the same recipient is something else.
    b.mail(got.sender, arf("Subject: redacted", "Original-Rcpt-To: "
                           "two@good.test", "Original-Rcpt-To: "
                           "one@good.test"))
    b.said("complaint=recorded", "one@good.test", "by=return-path")
    b.said("complaint=recorded", "two@good.test")
    assert set(b.told(queue_id)[1:]) == {("c", "one@good.test", "", ""),
                                         ("c", "two@good.test", "", "")}


def test_complaints(back):
    b = back()
    queue_id, got = b.send()
    header = header_of(got)
    redacted = header.replace("one@good.test", "redacted")
    # Not a complaint, whatever it says.
    b.mail(FEEDBACK, arf(header, "Original-Rcpt-To: one@good.test",
                         kind="not-spam"))
    b.said("complaint=none", "type=not-spam")
    b.mail(FEEDBACK, arf(header, "Auth-Failure: dmarc", kind="auth-failure"))
    b.said("complaint=none", "type=auth-failure")
    # Nothing that says which message.
    nameless = redacted
    for name in ("X-Postern-Ref", "CFBL-Feedback-ID"):
        nameless = without(name, nameless)
    b.mail(FEEDBACK, arf(nameless, "Original-Rcpt-To: redacted"))
    b.said("complaint=dropped", "why=not-attributed")
    assert not b.told(queue_id)
    # By its Message-ID, with a mark.
    b.mail(FEEDBACK, arf(nameless, "Original-Rcpt-To: <one@good.test>"))
    b.said("complaint=recorded", "by=message-id")
    # Redacted, but for our own field; blocked, as it is by default.
    b.mail(FEEDBACK, arf(redacted, "Original-Rcpt-To: redacted"))
    b.said("complaint=recorded", "by=reference", "type=abuse")
    b.mail(FEEDBACK, arf(redacted, "Original-Rcpt-To: redacted"))
    b.said("complaint=duplicate", "by=reference")
    assert b.told(queue_id) == [("c", "one@good.test", "", "message-id"),
                                ("c", "one@good.test", "", "")]
    event = [e for e in b.events(queue_id) if e["t"] == "c"][-1]
    assert event["x"] == "abuse, reported by loop@provider.test"
    b.said("block=blocked", "one@good.test")

    queue_id, got = b.send("two@good.test", "three@good.test")
    b.mail(FEEDBACK, jmrp(header_of(got), "three@good.test"))
    b.said("complaint=recorded", "three@good.test",
           "reporter=staff@hotmail.com")
    # A machine's report is told, and does not count.
    b.mail(FEEDBACK, arf(header_of(got), "Original-Rcpt-To: two@good.test",
                         kind="virus"))
    b.said("complaint=recorded", "type=virus")
    assert b.told(queue_id) == [("c", "three@good.test", "", ""),
                                ("c", "two@good.test", "", "virus")]
    b.said("block=blocked", "three@good.test")
    assert "block=blocked, tenant=shop, recipient=two@good.test" not in \
        b.env.daemons.bounced.text
