# SPDX-License-Identifier: BSD-2-Clause
"""Forwarding by filters, with a real Postfix: who gets a message, what its
envelope says, and which events tell of it."""
import base64

import pytest
from harness.util import wait_for

pytest.importorskip("dkim")
pytest.importorskip("nacl")  # Ed25519 signatures

from harness.signing import Milter, MilterAndLog, message  # noqa: E402
from harness.signing import verify_with_dkim_py  # noqa: E402

AUDIT = "audit@good.test"


def rule(header, pattern, mode="copy", to=AUDIT, name="rule"):
    return {"name": name, "header": header, "pattern": pattern, "to": to,
            "mode": mode}


def word(text, charset, encoding="B"):
    raw = text.encode(charset)
    if encoding == "B":
        coded = base64.b64encode(raw).decode()
    else:
        coded = "".join(f"={c:02X}" for c in raw)
    return f"=?{charset}?{encoding}?{coded}?=".encode()


# Name, expression for the Subject, Subject as it is on the wire, matches.
SUBJECTS = [
    ("plain", "Report [0-9]+", b"Report 17", True),
    ("the whole value", "Report", b"Report 17", False),
    ("with case", "report.*", b"Report 17", False),
    ("without case", "(?i)report.*", b"Report 17", True),
    ("ISO-2022-JP", "日本語の件名", word("日本語の件名", "iso-2022-jp"), True),
    ("ISO-2022-JP, folded in two words", "日本語の件名.*",
     word("日本語", "iso-2022-jp") + b"\r\n " +
     word("の件名です", "iso-2022-jp"), True),
    ("Shift_JIS", "日本.*", word("日本①", "cp932").replace(
        b"cp932", b"Shift_JIS"), True),
    ("two character sets", "日本 café", word("日本", "euc-jp") +
     b"\r\n " + word(" café", "iso-8859-1", "Q"), True),
    ("folded", "one two three", b"one\r\n two\r\n\tthree", True),
    ("8-bit UTF-8", "Gr.ße", "Grüße".encode(), True),
    ("8-bit of another kind", "Gr.\ufffde|Gr..e", "Grüße".encode("latin-1"),
     True),
    ("a script", r"\p{Hiragana}+", word("ひらがな", "utf-8"), True),
    ("8-bit, not decoded", "=.utf-8.*", word("ひらがな", "utf-8"), False),
]


def test_header_encodings(base):
    """Each expression looks at what a person would read."""
    rules = [rule("Subject", pattern, to=f"s{i}@good.test", name=name)
             for i, (name, pattern, _, _) in enumerate(SUBJECTS)]
    milter = Milter(base, forwarding=rules)
    for i, (name, _, subject, want) in enumerate(SUBJECTS):
        queue_id = milter.submit(message(i, subject=subject),
                                 to=f"r{i}@good.test")
        base.delivered(f"r{i}@good.test")
        line = milter.log(queue_id)
        got = base.receivers["good.test"].messages_to(f"s{i}@good.test")
        matched = "forward=" in line and name in line
        assert matched == want, (name, line)
        if want:
            base.delivered(f"s{i}@good.test")
        else:
            assert not got, name


def test_copy(base):
    """The recipients get it as they would, and so does the address; it is a
    delivery of its own."""
    milter = MilterAndLog(base, forwarding=[rule("Subject", "hello")])
    queue_id = milter.submit(message(1), to=["one@good.test",
                                             "two@good.test"])
    for to in ("one@good.test", "two@good.test", AUDIT):
        data = base.delivered(to)[0].data
        assert verify_with_dkim_py(data, milter.dns)
        assert AUDIT.encode() not in data
    assert "forward=rule" in milter.log(queue_id)
    wait_for(lambda: len([e for e in milter.events() if e[2] == "s"]) == 3)
    assert sorted(e[1:3] for e in milter.events()) == sorted(
        (to, kind) for to in ("one@good.test", "two@good.test", AUDIT)
        for kind in "qs")
    # Who gets it anyway gets it once.
    milter.submit(message(2), to=["one@good.test", AUDIT])
    base.delivered(AUDIT, 2)
    milter.submit(message(3), to=AUDIT)
    base.delivered(AUDIT, 3)
    wait_for(base.postfix.empty)
    assert len(base.receivers["good.test"].messages_to(AUDIT)) == 3


def test_redirect(base):
    """The address takes the place of all; nobody else gets it."""
    milter = MilterAndLog(base, forwarding=[
        rule("X-Stage", "test", mode="redirect")])
    milter.submit(message(1, header=b"X-Stage: test\r\n"),
                  to=["one@good.test", "two@good.test"])
    milter.submit(message(2, header=b"X-Stage: test\r\n"), to="One@Good.test")
    milter.submit(message(3, header=b"X-Stage: live\r\n"),
                  to="three@good.test")
    base.delivered(AUDIT, 2)
    base.delivered("three@good.test")
    wait_for(base.postfix.empty)
    receiver = base.receivers["good.test"]
    assert sorted(m.recipients for m in receiver.received) == [
        [AUDIT], [AUDIT], ["three@good.test"]]
    assert all(verify_with_dkim_py(m.data, milter.dns)
               for m in receiver.received)
    # Only those that leave have events.
    wait_for(lambda: len([e for e in milter.events() if e[2] == "s"]) == 3)
    assert {e[1] for e in milter.events()} == {AUDIT, "three@good.test"}


def test_redirect_by_recipient(base):
    """To is the envelope's recipient, without case; the others stay."""
    milter = Milter(base, forwarding=[
        rule("To", r".+@MX\.test", mode="redirect"),
        rule("to", r"Copy-.*@good\.test", to="copies@good.test",
             name="copies")])
    milter.submit(message(1), to=["one@mx.test", "two@good.test",
                                  "three@mx.test", "copy-x@good.test"])
    for to in ("two@good.test", AUDIT, "copy-x@good.test",
               "copies@good.test"):
        base.delivered(to)
    wait_for(base.postfix.empty)
    got = [r for receiver in base.receivers.values()
           for m in receiver.received for r in m.recipients]
    assert sorted(got) == sorted([
        "two@good.test", AUDIT, "copy-x@good.test", "copies@good.test"])


def test_suppressed_address(base):
    """The list is asked about the address; its failed event is written, and
    with redirect nothing goes out at all."""
    milter = MilterAndLog(base, forwarding=[
        rule("Subject", "copy"),
        rule("Subject", "redirect", mode="redirect", name="other")])
    base.cli.run("blocks", "-t", "shop", "add", AUDIT)
    first = milter.submit(message(1, subject=b"copy"))
    base.delivered("one@good.test")
    second = milter.submit(message(2, subject=b"redirect"))
    assert "suppressed=1" in milter.log(first)
    line = milter.log(second)
    assert "forward=other" in line and "action=discard" in line
    wait_for(lambda: len([e for e in milter.events()
                          if e[2] == "s"]) == 1)
    wait_for(base.postfix.empty)
    assert [m.recipients for m in base.receivers["good.test"].received] == [
        ["one@good.test"]]
    failed = [e for e in milter.events() if e[2] == "f"]
    assert sorted(e[:2] for e in failed) == sorted([(first, AUDIT),
                                                    (second, AUDIT)])
    assert {e[3] for e in failed} == {"10"}


def test_bounce_names_the_one_it_stood_for(base):
    """The address got an ORCPT, which Postfix's own bounce gives back."""
    milter = Milter(base)
    base.apply("default", {"forwarding": [
        rule("Subject", "hello", mode="redirect", to="noone@bounce.test")]})
    wait_for(lambda: "tenant default: revision" in base.daemons.milter.text)
    milter.submit(message(1), to="one@good.test", sender="me@good.test")
    bounce = base.delivered("me@good.test")[0].data
    assert b"Final-Recipient: rfc822; noone@bounce.test" in bounce
    assert b"Original-Recipient: rfc822;one@good.test" in bounce


def test_sendmail(base):
    """Mail that no smtpd saw meets the same rules."""
    milter = Milter(base, forwarding=[rule("Subject", "hello",
                                           mode="redirect")])
    milter.sendmail(message(1), "one@good.test", "two@good.test")
    base.delivered(AUDIT)
    wait_for(base.postfix.empty)
    assert [m.recipients for m in base.receivers["good.test"].received] == [
        [AUDIT]]


def test_rules_change(base):
    """A new revision is in force for the next message."""
    milter = Milter(base)
    milter.submit(message(1))
    base.delivered("one@good.test")
    milter.change(forwarding=[rule("Subject", "hello")])
    milter.submit(message(2))
    base.delivered(AUDIT)
    assert len(base.receivers["good.test"].messages_to(AUDIT)) == 1


def test_bad_rules_are_refused(base):
    """At apply, with place and position, and the old ones stay."""
    milter = Milter(base, forwarding=[rule("Subject", "hello")])
    for members, path in (
            ({"forwarding": [rule("Subject", "a(b")]},
             "/forwarding/0/pattern"),
            ({"forwarding": [rule("Received", "x")]},
             "/forwarding/0/header"),
            ({"forwarding": [rule("Subject", "x"), rule("To", "y")]},
             "/forwarding/1/name"),
            ({"bcc": {"host": "archive.test"}}, "/bcc")):
        with pytest.raises(AssertionError) as e:
            base.apply("shop", {**milter.document, **members})
        assert path in str(e.value)
    milter.submit(message(1))
    base.delivered(AUDIT)
