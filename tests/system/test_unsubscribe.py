# SPDX-License-Identifier: BSD-2-Clause
"""One-click unsubscribe, with a real Postfix: the fields as they arrive, and
that the signatures cover them."""
import base64
import email
import email.policy
import hmac
import re

import pytest
from harness.util import wait_for

aead = pytest.importorskip("cryptography.hazmat.primitives.ciphers.aead")
pytest.importorskip("dkim")
pytest.importorskip("nacl")  # Ed25519 signatures

from harness.signing import Milter, MilterAndLog, message  # noqa: E402
from harness.signing import verify_with_dkim_py  # noqa: E402

URL = "https://mail.shop.test/u/"
LISTED = b"List-Id: Shop <news.shop.test>\r\n"
NEWS = {"name": "Neue Angebote", "header": "List-Id",
        "pattern": r".*<news\.shop\.test>"}


def settle(milter):
    wait_for(milter.env.postfix.empty)


def unsubscribe(*filters, **more):
    return {"url": URL, "filters": list(filters or [NEWS]), **more}


def parse(data):
    return email.message_from_bytes(data, policy=email.policy.SMTP)


def links(data):
    """(tokens of HTTPS links, URIs of other kinds) of the only such field."""
    fields = parse(data).get_all("List-Unsubscribe", [])
    assert len(fields) == 1, fields
    uris = re.findall(r"<([^>]*)>", "".join(fields[0].split()))
    return ([u[len(URL):] for u in uris if u.startswith(URL)],
            [u for u in uris if not u.startswith("https:")])


def check_fields(data, milter):
    """One HTTPS link; both fields signed by both keys.  The token."""
    mail = parse(data)
    assert mail.get_all("List-Unsubscribe-Post") == [
        "List-Unsubscribe=One-Click"]
    tokens, others = links(data)
    assert len(tokens) == 1
    assert re.fullmatch(r"[A-Za-z0-9_-]{60,}", tokens[0])
    assert verify_with_dkim_py(data, milter.dns)
    signatures = mail.get_all("DKIM-Signature")
    assert len(signatures) == 2
    for signature in signatures:
        signed = re.search(r"\bh=([^;]*)", signature).group(1)
        names = [n.strip().lower() for n in signed.split(":")]
        assert "list-unsubscribe" in names
        assert "list-unsubscribe-post" in names
    return tokens[0], others


def derive(key, purpose):
    """HKDF-SHA256, one block (RFC 5869)."""
    prk = hmac.digest(bytes(32), key, "sha256")
    return hmac.digest(prk, b"postern " + purpose + b"\x01", "sha256")


def open_token(env, token):
    """(tenant, list, address), by another implementation."""
    master = bytes.fromhex((env.folder / "etc" / "master.key").read_text())
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert raw[0] == 1
    key = derive(derive(master, b"unsubscribe"), b"unsubscribe token")
    plain = aead.AESGCM(key).decrypt(raw[1:13], raw[13:], raw[:1])
    rest, parts = plain[4:], []
    for _ in range(2):
        parts.append(rest[1:1 + rest[0]].decode())
        rest = rest[1 + rest[0]:]
    return (*parts, rest.decode())


def test_fields(base):
    """Those that match get them, readable for nobody, new each time."""
    milter = Milter(base, unsubscribe=unsubscribe())
    first = milter.submit(message(1, header=LISTED))
    milter.submit(message(2, header=LISTED))
    other = milter.submit(message(3))
    data = [m.data for m in base.delivered("one@good.test", 3)]
    tokens = []
    for octets in data:
        if b"X-Number: 3" in octets:
            assert b"List-Unsubscribe" not in octets
            assert verify_with_dkim_py(octets, milter.dns)
            continue
        token, others = check_fields(octets, milter)
        assert others == []
        assert open_token(base, token) == ("shop", "Neue Angebote",
                                           "one@good.test")
        tokens.append(token)
    assert len(set(tokens)) == 2
    assert 'unsubscribe="Neue Angebote"' in milter.log(first)
    assert "unsubscribe=" not in milter.log(other)


def test_mailto(base):
    milter = Milter(base, unsubscribe=unsubscribe(
        mailto="leave+50%@shop.test"))
    milter.submit(message(1, header=LISTED))
    token, others = check_fields(base.delivered("one@good.test")[0].data,
                                 milter)
    assert len(others) == 1
    address, _, subject = others[0].partition("?subject=")
    assert address == "mailto:leave+50%25@shop.test"
    assert subject == token


def test_filter_by_recipient_and_decoded_value(base):
    milter = Milter(base, unsubscribe=unsubscribe(
        {"name": "decoded", "header": "subject", "pattern": "お知らせ.*"},
        {"name": "domain", "header": "To", "pattern": r"A@.+\.test"}))
    decoded = milter.submit(message(1, subject="=?utf-8?B?44GK55+l44KJ44Gb?="
                                    .encode() + b"\r\n =?utf-8?Q?_1?="))
    domain = milter.submit(message(2), to="a@good.test")
    neither = milter.submit(message(3), to="b@good.test")
    check_fields(base.delivered("one@good.test")[0].data, milter)
    check_fields(base.delivered("a@good.test")[0].data, milter)
    assert b"List-Unsubscribe" not in base.delivered(
        "b@good.test")[0].data
    assert "unsubscribe=decoded" in milter.log(decoded)
    assert "unsubscribe=domain" in milter.log(domain)
    assert "unsubscribe=" not in milter.log(neither)


OWN = (b"List-Unsubscribe: <https://own.test/a>,\r\n <mailto:x@own.test>\r\n"
       b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")


def test_existing_fields_are_kept(base):
    milter = Milter(base, unsubscribe=unsubscribe())
    queue_id = milter.submit(message(1, header=LISTED + OWN),
                             to=["one@good.test", "two@good.test"])
    for to in ("one@good.test", "two@good.test"):
        data = base.delivered(to)[0].data
        assert len(parse(data).get_all("List-Unsubscribe")) == 1
        assert b"<https://own.test/a>" in data
        assert URL.encode() not in data
        assert verify_with_dkim_py(data, milter.dns)
    assert "unsubscribe=kept" in milter.log(queue_id)


def test_existing_fields_are_replaced(base):
    """All of them, however many and however written."""
    milter = Milter(base, unsubscribe=unsubscribe(existing="replace"))
    milter.submit(message(1, header=LISTED + OWN + OWN.lower() + OWN))
    data = base.delivered("one@good.test")[0].data
    check_fields(data, milter)
    assert b"own.test/a" not in data


def test_sendmail(base):
    milter = Milter(base, unsubscribe=unsubscribe())
    milter.sendmail(message(1, header=LISTED), "one@good.test")
    check_fields(base.delivered("one@good.test")[0].data, milter)


def test_redirected(base):
    """The one that it stands for does not get a link; who reads it does."""
    milter = Milter(base, unsubscribe=unsubscribe(), forwarding=[
        {"name": "stage", "header": "Subject", "pattern": ".*",
         "to": "stage@good.test", "mode": "redirect"}])
    milter.submit(message(1, header=LISTED))
    check_fields(base.delivered("stage@good.test")[0].data, milter)
    wait_for(base.postfix.empty)
    assert len(base.receivers["good.test"].received) == 1


def test_a_link_for_each(base):
    """Recipients of one message get one each, with a link of their own."""
    milter = MilterAndLog(base, unsubscribe=unsubscribe())
    people = [f"p{i}@good.test" for i in range(12)]
    queue_id = milter.submit(message(1, header=LISTED), to=people)
    for to in people:
        got = base.delivered(to)
        token, _ = check_fields(got[0].data, milter)
        assert open_token(base, token) == ("shop", "Neue Angebote", to)
    settle(milter)
    received = base.receivers["good.test"].received
    assert sorted(m.recipients for m in received) == sorted(
        [to] for to in people)
    assert "copies=11" in milter.log(queue_id)
    # Each is a delivery like any other.
    wait_for(lambda: len([e for e in milter.events() if e[2] == "s"]) == 12)
    assert sorted(e[1] for e in milter.events() if e[2] == "s") == \
        sorted(people)


def test_some_have_a_link(base):
    """Those whom no filter matches share one message without any."""
    milter = MilterAndLog(base, unsubscribe=unsubscribe(
        {"name": "in", "header": "To", "pattern": r"in.*@good\.test"}))
    people = ["out1@good.test", "in1@good.test", "out2@good.test",
              "in2@good.test", "In1@Good.Test"]
    milter.submit(message(1), to=people)
    for to in ("in1@good.test", "in2@good.test", "out1@good.test",
               "out2@good.test"):
        base.delivered(to)
    settle(milter)
    received = base.receivers["good.test"].received
    plain = [m for m in received if parse(m.data)["List-Unsubscribe"] is None]
    assert sorted(r for m in plain for r in m.recipients) == [
        "out1@good.test", "out2@good.test"]
    assert len({parse(m.data)["Message-ID"] for m in received}) == 1
    linked = [m for m in received if m not in plain]
    assert sorted(r.lower() for m in linked for r in m.recipients) == [
        "in1@good.test", "in2@good.test"]
    for m in linked:
        token, _ = check_fields(m.data, milter)
        assert open_token(base, token)[2] == m.recipients[0].lower()


def test_copies_to_an_address_have_its_own_link(base):
    milter = MilterAndLog(base, unsubscribe=unsubscribe(), forwarding=[
        {"name": "audit", "header": "Subject", "pattern": ".*",
         "to": "audit@good.test"}])
    milter.submit(message(1, header=LISTED))
    data = [base.delivered(to)[0].data
            for to in ("one@good.test", "audit@good.test")]
    settle(milter)
    assert [open_token(base, check_fields(d, milter)[0])[2]
            for d in data] == ["one@good.test", "audit@good.test"]
    assert len(base.receivers["good.test"].received) == 2


def test_too_many_links(base):
    """Refused for good, with a text that says why, and nobody gets any."""
    milter = MilterAndLog(base, unsubscribe=unsubscribe())
    base.postfix.postconf("smtpd_recipient_limit = 2000")
    base.postfix.reload()
    with base.postfix.smtp() as c:
        c.ehlo()
        c.mail("news@shop.test")
        for i in range(1001):
            assert c.rcpt(f"p{i}@good.test")[0] == 250
        code, text = c.data(message(1, header=LISTED))
    assert code == 550
    assert text.startswith(b"5.5.3 ")
    assert b"1000" in text
    wait_for(base.postfix.empty)
    assert base.receivers["good.test"].received == []


def test_bad_settings_are_refused(base):
    milter = Milter(base)
    for section, path in (
            ({"filters": [NEWS]}, "/unsubscribe/url"),
            ({"url": "http://x.test/", "filters": [NEWS]},
             "/unsubscribe/url"),
            (unsubscribe({**NEWS, "pattern": "*"}),
             "/unsubscribe/filters/0/pattern"),
            (unsubscribe(NEWS, NEWS), "/unsubscribe/filters/1/name")):
        with pytest.raises(AssertionError) as e:
            base.apply("shop", {**milter.document, "unsubscribe": section})
        assert path in str(e.value)
