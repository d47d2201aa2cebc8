# SPDX-License-Identifier: BSD-2-Clause
"""The virus scan with a real Postfix, both scanners, and a database of our
own: what is refused, what follows from that, and what happens when nobody can
scan."""
import base64
import binascii
import email
import email.policy
import io
import json
import os
import re
import stat
import subprocess
import threading
import zipfile

import pytest
from harness.events import stored
from harness.util import wait_for

dkim = pytest.importorskip("dkim")
pytest.importorskip("nacl")  # Ed25519 signatures

from harness.scanner import (EICAR, EICAR_NAME, HOMEMADE,  # noqa: E402
                             HOMEMADE_NAME, SCANNERS, scanned)
from harness.signing import SENDER, Milter, MilterAndLog  # noqa: E402
from harness.signing import message, verify_with_dkim_py  # noqa: E402
from harness import story  # noqa: E402

both = pytest.mark.parametrize("kind", sorted(SCANNERS))
FROM = "scan@shop.test"


def answer(env, data, to=("one@good.test",)):
    """(code, text) at the end of DATA."""
    with env.postfix.smtp() as c:
        c.ehlo()
        assert c.mail(SENDER, ["BODY=8BITMIME"])[0] == 250
        for one in to:
            assert c.rcpt(one)[0] == 250
        code, text = c.data(data)
        return code, text.decode()


def is_refused(env, data, name, to=("one@good.test",)):
    code, text = answer(env, data, to)
    assert (code, text) == (
        550, f"5.7.1 Message refused: contains {name}"), (code, text)


def zipped(name, octets):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(name, octets)
    return out.getvalue()


def attached(octets, name):
    m = email.message.EmailMessage(policy=email.policy.SMTP)
    m["From"] = f"Shop <{SENDER}>"
    m["To"] = "one@good.test"
    m["Subject"] = "Ihre Bestellung für März"
    m["Date"] = "Mon, 23 Nov 2026 07:00:00 +0000"
    m["Message-ID"] = "<attached@shop.test>"
    m.set_content("See the attached file.\n")
    m.add_attachment(octets, maintype="application", subtype="octet-stream",
                     filename=name)
    return m.as_bytes()


def uuencoded(octets):
    lines = [b"begin 644 eicar.com"]
    for i in range(0, len(octets), 45):
        lines.append(binascii.b2a_uu(octets[i:i + 45]).rstrip(b"\n"))
    return b"\r\n".join(lines + [b"`", b"end", b""])


def infected_messages():
    """(form, message, name of the signature)."""
    yield "plain text", message(1, EICAR + b"\r\n"), EICAR_NAME
    yield "base64", attached(EICAR, "eicar.com"), EICAR_NAME
    yield "zip", attached(zipped("eicar.com", EICAR), "e.zip"), EICAR_NAME
    inner = zipped("eicar.com", EICAR)
    yield ("zip in zip", attached(zipped("a.zip", zipped("b.zip", inner)),
                                  "e.zip"), EICAR_NAME)
    yield ("uuencoded", message(5, b"a file\r\n\r\n" + uuencoded(EICAR)),
           EICAR_NAME)
    yield ("quoted-printable", message(
        6, binascii.b2a_qp(EICAR, quotetabs=True) + b"\r\n",
        header=b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
               b"Content-Transfer-Encoding: quoted-printable\r\n"),
        EICAR_NAME)
    yield ("home-made signature", attached(
        zipped("x.txt", b"here is " + HOMEMADE + b" again"), "x.zip"),
        HOMEMADE_NAME)


@both
def test_infected_mail_is_refused_and_clean_mail_passes(base, kind):
    scanned(base, kind)
    milter = Milter(base, scan={"mode": "enforce", "keep_days": 0})
    bad = []
    for form, data, name in infected_messages():
        code, text = answer(base, data)
        if (code, text) != (
                550, f"5.7.1 Message refused: contains {name}"):
            bad.append((form, code, text))
    assert not bad, bad
    for i, data in enumerate((
            message(20), attached(b"harmless", "a.txt"),
            attached(zipped("a.txt", os.urandom(5000)), "a.zip"),
            message(23, header=b"X-Virus-Scanned: yes, by myself\r\n"))):
        milter.submit(data, to=f"clean{i}@good.test")
    for i in range(4):
        got = base.delivered(f"clean{i}@good.test")[0]
        # Who scanned it is nobody's business, and what a client says of it
        # is worth nothing.
        assert b"x-virus-scanned" not in got.data.lower()
        assert verify_with_dkim_py(got.data, milter.dns)
    assert not base.receivers["good.test"].messages_to("one@good.test")


@both
def test_the_tenant_decides_when_nobody_can_scan(base, kind):
    scanner = scanned(base, kind)
    milter = Milter(base, scan={"mode": "enforce"})
    scanner.stop()
    code, text = answer(base, message(1))
    assert code == 451 and text.startswith("4.7.1 "), (code, text)

    milter.change(scan={"mode": "enforce", "when_unavailable": "pass"})
    queue_id = milter.submit(message(
        2, header=b"x-virus-scanned: yes\r\n"), to="pass@good.test")
    got = base.delivered("pass@good.test")[0]
    mail = email.message_from_bytes(got.data)
    assert mail.get_all("X-Virus-Scanned") == ["no"]
    assert "scan=unavailable" in milter.log(queue_id)

    milter.change(scan={"mode": "enforce", "when_unavailable": "hold"})
    milter.submit(message(3), to="hold@good.test")
    queued = [m for m in base.postfix.queued()
              if m["queue_name"] == "hold"]
    assert [r["address"] for m in queued for r in m["recipients"]] == [
        "hold@good.test"]

    milter.change(scan={"mode": "observe"})
    milter.submit(message(4, EICAR), to="observe@good.test")
    got = base.delivered("observe@good.test")[0]
    assert b"X-Virus-Scanned" not in got.data

    milter.change(scan={"mode": "enforce"})
    scanner.start()
    is_refused(base, message(5, EICAR), EICAR_NAME)
    milter.submit(message(6))
    base.delivered("one@good.test")
    assert "no virus scan for mail of tenant shop" in \
        base.daemons.milter.text


def test_a_tenant_with_a_scan_but_no_scanner(base):
    milter = Milter(base, scan={"mode": "enforce"})
    assert answer(base, message(1))[0] == 451
    assert "milter_scanner is not set" in base.daemons.milter.text
    # The other tenant has no part in it.
    milter.submit(message(2), sender="someone@else.test")


@both
def test_a_scanner_that_dies_or_hangs_costs_a_tempfail(base, kind):
    scanner = scanned(base, kind, timeout="2s")
    milter = Milter(base, scan={"mode": "enforce"})
    scanner.hang()
    assert answer(base, message(1))[0] == 451  # by the deadline

    results = []
    thread = threading.Thread(
        target=lambda: results.append(answer(base, message(2))))
    thread.start()
    wait_for(lambda: base.postfix.log_lines("client=")[1:])
    scanner.kill()
    thread.join(30)
    assert [code for code, _ in results] == [451]
    scanner.start()
    milter.submit(message(3))
    is_refused(base, message(4, EICAR), EICAR_NAME)


@both
def test_what_exceeds_the_limits(base, kind):
    scanner = scanned(base, kind)
    milter = Milter(base, scan={"mode": "enforce"})
    line = b"x" * 76 + b"\r\n"
    large = message(1, line * (scanner.max_kb * 1024 // len(line) + 2000))
    queue_id = milter.submit(large)
    mail = email.message_from_bytes(
        base.delivered("one@good.test")[0].data)
    assert mail.get_all("X-Virus-Scanned") == ["no"]
    assert "unscannable=" in milter.log(queue_id)
    # What stands beside a file that is too large is found all the same.
    packed = attached(zipped("a", b"x" * scanner.max_kb * 1500), "a.zip")
    is_refused(base, packed.replace(b"See the attached", EICAR),
               EICAR_NAME)
    for choice, code in (("reject", 550), ("tempfail", 451)):
        milter.change(scan={"mode": "enforce", "when_unscannable": choice})
        got = answer(base, large)
        assert got[0] == code, got
    assert ("f", "99") in {(e[2], e[3]) for e in milter.events()}


def events(env, **fields):
    return [e for e in stored(env.redis.client())
            if all(e[k] == v for k, v in fields.items())]


def test_observing_changes_nothing(base):
    scanned(base)
    milter = Milter(base, scan={"mode": "observe",
                                "notify": ["abuse@good.test"]})
    queue_id = milter.submit(message(1, EICAR))
    got = base.delivered("one@good.test")[0]
    assert EICAR in got.data and b"X-Virus-Scanned" not in got.data
    assert f"virus={EICAR_NAME}" in milter.log(queue_id)
    seen = events(base, t="o")
    assert [(e["q"], e["o"]) for e in seen] == [(queue_id, "virus")]
    assert EICAR_NAME in seen[0]["x"]
    assert not base.cli.run("quarantine", "-t", "shop", "list").stdout


def quarantine(env, *argv, **kw):
    return env.cli.run("quarantine", "-t", "shop", *argv, **kw)


def kept(env, count=1):
    """What is kept, newest first."""
    def rows():
        out = quarantine(env, "list", "--json").stdout.splitlines()
        found = [json.loads(line) for line in out]
        return found if len(found) == count and all(
            r["content"] != "incomplete" for r in found) else None
    return wait_for(rows, what=f"{count} in the quarantine")


def test_the_message_is_kept(base, tmp_path):
    scanned(base)
    milter = Milter(base, scan={"mode": "enforce", "keep_days": 3})
    odd = (b"X-Odd: \x1b]0;title\x07 \xff\r\nX-Word: "
           b"=?utf-8?B?" + base64.b64encode("a\u202eb\x1b[31m".encode()) +
           b"?=\r\n")
    data = message(1, b"some 8-bit: \xc3\xbc\xff\r\n.dot\r\n" +
                   EICAR + b"\r\n", header=odd)
    is_refused(base, data, EICAR_NAME, ["one@good.test", "two@good.test"])
    row = kept(base)[0]
    assert row["content"] == "kept" and row["virus"] == EICAR_NAME
    assert row["recipients"] == ["one@good.test", "two@good.test"]
    assert row["sender"] == SENDER and row["subject"] == "hello"
    assert row["client"] == "127.0.0.1" and row["host"] == "mta1"
    # Retention, and nothing of it in the open.
    c = base.redis.client()
    key = f"pn:q:{{shop}}:{row['id']}"
    assert 3 * 86400 - 60 < c.ttl(key) <= 3 * 86400
    raw = subprocess.run(
        ["redis-cli", "-s", str(base.redis.socket), "hgetall", key],
        capture_output=True, check=True).stdout
    assert EICAR[:20] not in raw and b"8-bit" not in raw

    line = quarantine(base, "list").stdout
    assert row["id"] in line and "and 1 more" in line
    view = quarantine(base, "view", row["id"]).stdout
    assert "X-Number: 1" in view and "text/plain, " in view
    assert EICAR.decode() not in view
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", view)

    target = tmp_path / "message"
    quarantine(base, "download", row["id"], "-o", target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert target.read_bytes() == data
    # Never over something, and never to a terminal.
    for bad in (target, "/dev/stdout", "/dev/tty"):
        assert quarantine(base, "download", row["id"], "-o", bad,
                          check=False).returncode != 0
    assert quarantine(base, "download", row["id"],
                      check=False).returncode == 64

    quarantine(base, "delete", row["id"])
    assert not quarantine(base, "list").stdout
    for verb in ("view", "delete"):
        assert quarantine(base, verb, row["id"], check=False).returncode != 0
    assert not c.exists(key, "pn:qi:{shop}", "pn:qr:{shop}")
    audit = [e["action"] for name in c.scan_iter("pn:a:{shop}:*")
             for _, e in c.xrange(name) if e["target"] == row["id"]]
    assert audit[0] == "quarantine_view"
    assert {"quarantine_download", "quarantine_delete"} <= set(audit)


def test_a_large_message_is_kept_whole_and_a_larger_one_is_not(base, tmp_path):
    scanner = scanned(base)
    scanner.stop()
    scanner.max_kb = 100 * 1024
    scanner.start()
    base.daemons.parameters.update({
        "milter_quarantine_message_kb": 6000, "milter_quarantine_kb": 8000})
    base.daemons.write_config()
    milter = Milter(base, scan={"mode": "enforce"})
    base.postfix.postconf("message_size_limit = 60000000")
    base.postfix.reload()

    def sized(n, octets):
        block = b"".join(b"%09d some words of text\r\n" % i
                         for i in range(octets // 32))
        return message(n, block + EICAR + b"\r\n")

    first = sized(1, 5_000_000)
    is_refused(base, first, EICAR_NAME)
    row = kept(base)[0]
    target = tmp_path / "message"
    quarantine(base, "download", row["id"], "-o", target)
    assert target.read_bytes() == first
    # No room for a second one; the third is too large by itself.
    is_refused(base, sized(2, 5_000_000), EICAR_NAME)
    kept(base, 2)
    is_refused(base, sized(3, 7_000_000), EICAR_NAME)
    rows = kept(base, 3)
    assert [r["content"] for r in rows] == ["too_large", "no_room", "kept"]
    done = quarantine(base, "download", rows[0]["id"], "-o", tmp_path / "no",
                      check=False)
    assert done.returncode != 0 and "too large" in done.stderr
    quarantine(base, "delete", row["id"])
    is_refused(base, sized(4, 5_000_000), EICAR_NAME)
    assert kept(base, 3)[0]["content"] == "kept"


def test_redis_is_away(base):
    """A virus is refused all the same, and clean mail is not."""
    scanned(base)
    milter = Milter(base, scan={"mode": "enforce",
                                "notify": ["abuse@good.test"]},
                    suppression={"when_unavailable": "pass"})
    base.redis.kill()
    is_refused(base, message(1, EICAR), EICAR_NAME)
    milter.submit(message(2))
    base.redis.start()
    # What it was about to keep comes to Redis, and so do the events.
    row = kept(base)[0]
    assert row["content"] == "kept"
    assert wait_for(lambda: events(base, t="f"))[0]["q"] == row["queue_id"]


def test_people_are_told(base):
    scanned(base)
    milter = MilterAndLog(base, scan={
        "mode": "enforce", "notify": ["abuse@good.test", "it@slow.test"],
        "notify_from": FROM})
    is_refused(base, attached(EICAR, "e.com"), EICAR_NAME,
               ["one@good.test", "two@good.test"])
    row = kept(base)[0]
    got = base.delivered("abuse@good.test")[0]
    assert got.sender == ""
    mail = email.message_from_bytes(got.data, policy=email.policy.default)
    assert mail["From"] == f"Postern <{FROM}>"
    assert mail["Subject"] == f"Virus refused: {EICAR_NAME} (shop)"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()
    for part in (row["id"], row["queue_id"], SENDER, "two@good.test",
                 "Subject:     Ihre Bestellung für März", "127.0.0.1"):
        assert part in text, text
    assert EICAR not in got.data and base64.b64encode(EICAR) not in got.data
    assert "X-Postern" not in got.text
    assert verify_with_dkim_py(got.data, milter.dns)
    base.delivered("it@slow.test")

    # A flood of them: not one notice each, and one at last that says so.
    for i in range(15):
        is_refused(base, message(i, EICAR), EICAR_NAME)
    kept(base, 16)
    base.delivered("abuse@good.test", 10)
    base.daemons.milter.stop()
    assert len(base.receivers["good.test"].messages_to(
        "abuse@good.test")) == 10


def test_nobody_takes_the_notice(base):
    scanned(base)
    milter = MilterAndLog(base, scan={
        "mode": "enforce", "notify": ["abuse@good.test"]})
    base.daemons.milter.stop()
    base.daemons.parameters["milter_reinject"] = "inet:127.0.0.1:9"
    base.daemons.write_config()
    base.daemons.milter.start()
    is_refused(base, message(1, EICAR), EICAR_NAME)
    wait_for(lambda: "notice of a virus for tenant shop not sent" in
             base.daemons.milter.text)
    milter.submit(message(2))


def test_the_application_is_told_and_nobody_is_blocked(env):
    scanned(env)
    env.start_stack(scan={"mode": "enforce"}, blocking=[
        {"status": 99, "enabled": True, "count": 1}])
    is_refused(env, message(1, EICAR, header=b"X-Api-Data: order-1\r\n"),
               EICAR_NAME, ["one@good.test", "two@good.test"])

    def failed():
        found = [e for e in env.api.all("/v1/events")
                 if e["type"] == "failed"]
        return found if len(found) == 2 else None
    for e in wait_for(failed, what="two failed events"):
        assert e["status"] == 99 and e["origin"] == "virus"
        assert e["reason"] == \
            f"550 5.7.1 Message refused: contains {EICAR_NAME}"
        assert e["subject"] == "hello" and e["api_data"] == "order-1"
    wait_for(lambda: len([e for e in story.webhook_events(env)
                          if EICAR_NAME in json.dumps(e)]) >= 2,
             what="the webhook")
    # An error of a destination that comes later is counted, these are not.
    env.receivers["good.test"].script["three@good.test"] = "550 5.9.9 no"
    env.postfix.send("three@good.test", sender=SENDER)
    blocked = wait_for(lambda: [b["address"]
                                for b in env.api.all("/v1/blocks")])
    assert blocked == ["three@good.test"]


def test_copies_are_not_scanned_again(base):
    """A message that is split: one scan, and what is said of it holds for
    all parts."""
    scanner = scanned(base)
    milter = MilterAndLog(
        base, scan={"mode": "enforce"},
        unsubscribe={"url": "https://mail.shop.test/u/", "filters": [
            {"name": "all", "header": "Subject", "pattern": ".*"}]})
    to = ["one@good.test", "two@good.test", "three@good.test"]

    def scans():
        out = base.cli.run("metrics").stdout
        return {r: int(n) for r, n in re.findall(
            r'postern_milter_scans_total{[^}]*result="(\w+)"[^}]*} (\d+)',
            out)}
    is_refused(base, message(1, EICAR), EICAR_NAME, to)
    milter.submit(message(2), to=to)
    for one in to:
        got = base.delivered(one)[0]
        assert got.recipients == [one]
        assert b"X-Virus-Scanned" not in got.data
    wait_for(lambda: scans().get("clean") == 1 and scans()["virus"] == 1)
    scanner.stop()
    milter.change(scan={"mode": "enforce", "when_unavailable": "pass"})
    milter.submit(message(3), to=to)
    for one in to:
        mail = email.message_from_bytes(base.delivered(one, 2)[1].data)
        assert mail.get_all("X-Virus-Scanned") == ["no"]
    # All parts wait, not only the one that keeps the queue id.
    milter.change(scan={"mode": "enforce", "when_unavailable": "hold"})
    milter.submit(message(4), to=to)
    held = [r["address"] for m in base.postfix.queued()
            if m["queue_name"] == "hold" for r in m["recipients"]]
    assert sorted(held) == sorted(to)
