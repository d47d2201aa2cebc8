# SPDX-License-Identifier: BSD-2-Clause
"""Pre-flight checks: what they find, refuse and tell, with a real DNS."""
import pytest
from harness import story
from harness.util import wait_for, write

pytest.importorskip("dkim")
pytest.importorskip("nacl")  # Ed25519 signatures

from harness.signing import Milter, message  # noqa: E402


@pytest.fixture
def milter(base):
    """Postfix adds nothing to the header; the milter has our resolver."""
    base.postfix.postconf("local_header_rewrite_clients =")
    base.dns.txt("_dmarc.shop.test", "v=DMARC1; p=none")
    base.dns.txt("_dmarc.other.test", "v=spf1 -all")
    base.daemons.milter.resolv = str(write(
        base.folder / "resolv.conf",
        "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"))
    return Milter(base)


def found(milter, queue_id):
    """The words on the log line."""
    line = milter.log(queue_id)
    if "preflight=" not in line:
        return []
    words = line.partition("preflight=")[2]
    return words.partition(",")[0].strip().strip('"').split()


def asked(milter, name):
    return f"query[TXT] {name} from" in milter.env.dns.log.read_text()


def head(*lines):
    return b"\r\n".join(x.encode() for x in lines) + b"\r\n\r\nhi\r\n"


DATE = "Date: Mon, 23 Nov 2026 07:00:00 +0000"
ID = "Message-ID: <1@shop.test>"


def test_what_is_found(milter):
    good = ["From: a@shop.test", DATE, ID]
    cases = [
        (message(1), []),
        (head(*good), []),
        (head("From: a@sub.shop.test", DATE, ID), []),
        (head("From: a@none.test", DATE, ID), ["alignment"]),
        (head(DATE, ID), ["from"]),
        (head(*good, "From: b@shop.test"), ["from"]),
        (head("From: a@shop.test", ID), ["date"]),
        (head("From: a@shop.test", DATE), ["message-id"]),
        (head(*good, "List-Id: <news.shop.test>"), ["unsubscribe"]),
        (head(*good, "Precedence: bulk",
              "List-Unsubscribe: <https://shop.test/u>",
              "List-Unsubscribe-Post: List-Unsubscribe=One-Click"), []),
        (message(2, b"x" * 998 + b"\r\n"), []),
        (message(3, b"a\r\n" + b"x" * 999 + b"\r\n"), ["line-length"]),
        (message(4, header=b"X-Long: " + b"x" * 1200 + b"\r\n"),
         ["line-length"]),
        (head("Precedence: bulk"),
         ["from", "date", "message-id", "unsubscribe"]),
    ]
    for data, wanted in cases:
        assert found(milter, milter.submit(data)) == wanted, data[:200]
    assert "action=reject" not in milter.env.daemons.milter.text


def test_dmarc_is_asked_in_the_background(milter):
    """The first message of a domain goes; then the answer is known."""
    plain = [DATE, ID]
    first = milter.submit(head("From: a@deep.other.test", *plain))
    assert found(milter, first) == ["alignment"]
    wait_for(lambda: asked(milter, "_dmarc.other.test"))
    wait_for(lambda: "dmarc" in found(milter, milter.submit(
        head("From: a@deep.other.test", *plain))))
    assert asked(milter, "_dmarc.deep.other.test")
    assert not asked(milter, "_dmarc.test")
    # A record of the domain above counts.
    milter.submit(head("From: a@sub.shop.test", *plain))
    wait_for(lambda: asked(milter, "_dmarc.shop.test"))
    last = milter.submit(head("From: a@sub.shop.test", *plain))
    assert found(milter, last) == []


def test_dns_away_is_no_fault(milter):
    milter.env.dns.stop()
    for n in range(3):
        queue_id = milter.submit(head("From: a@none.test", DATE, ID),
                                 to="a@[127.0.1.1]")
        assert found(milter, queue_id) == ["alignment"]


def test_enforce_refuses_and_says_why(milter):
    milter.change(preflight={"mode": "enforce"})
    milter.submit(message(1))
    for data, code, words in (
            (head("From: a@none.test", DATE, ID), b"5.7.22",
             (b"RFC 7489", b"no DKIM key")),
            (head("From: a@shop.test"), b"5.6.0",
             (b"Date must stand once (RFC 5322", b"Message-ID")),
            (message(2, b"x" * 1500), b"5.6.0", (b"998 octets",))):
        with milter.env.postfix.smtp() as c:
            c.ehlo()
            c.mail("news@shop.test")
            c.rcpt("one@good.test")
            status, text = c.data(data)
        assert status == 550 and text.startswith(code), (status, text)
        assert all(w in text for w in words), text
    assert "action=reject" in milter.env.daemons.milter.text

    milter.change(preflight={"mode": "enforce", "ignore": [
        "alignment", "line-length"]})
    milter.submit(head("From: a@shop.test", DATE, ID))
    milter.submit(message(2, b"x" * 1500))


def test_off_looks_at_nothing(milter):
    milter.change(preflight={"mode": "off"})
    queue_id = milter.submit(head("From: a@none.test"))
    assert found(milter, queue_id) == []
    assert not asked(milter, "_dmarc.none.test")


def test_fields_that_are_added_here_count(milter):
    milter.change(unsubscribe={
        "url": "https://shop.test/u/",
        "filters": [{"name": "news", "header": "List-Id",
                     "pattern": ".*news.*"}]})
    good = ["From: a@shop.test", DATE, ID]
    for name, wanted in (("news", []), ("other", ["unsubscribe"])):
        queue_id = milter.submit(head(*good, f"List-Id: <{name}.shop.test>"))
        assert found(milter, queue_id) == wanted


def test_applications_are_told(env):
    """By the events of each recipient, also where it has a copy of its
    own."""
    env.start_stack(unsubscribe={
        "url": "https://shop.test/u/",
        "filters": [{"name": "news", "header": "Subject",
                     "pattern": "news.*"}]})
    env.postfix.postconf("local_header_rewrite_clients =")
    env.postfix.reload()
    with env.postfix.smtp() as c:
        c.sendmail("news@shop.test", ["one@good.test", "two@good.test"],
                   head("From: a@shop.test", "Subject: news", ID))

    def told():
        return {e["recipient"]: e["preflight"]
                for e in story.webhook_events(env) if e["type"] == "queued"}
    wait_for(lambda: len(told()) == 2)
    assert told() == dict.fromkeys(("one@good.test", "two@good.test"),
                                   ["alignment", "date"])
