# SPDX-License-Identifier: BSD-2-Clause
"""Mail from outside for an application: through Postfix, kept by bounced, told
by webhooks in each format; what a receiving server refuses; what is killed and
what is away meanwhile."""
import base64
import email
import email.policy
import json
import secrets
import smtplib
import time
import urllib.request

import pytest
from harness import story
from harness.util import wait_for

DOMAIN = "in.shop.test"
OUTSIDE = {"ADDR": "192.0.2.77", "NAME": "mx.customer.test"}
SENDER = "mia@customer.test"
NAMES = ["画像1.jpg", "見積書.pdf", "レポート.txt"]
# A picture, a document, and lines that look like a form's.
FILES = [bytes(range(256)) * 40, b"%PDF-1.4\r\n--x\r\n\r\n" * 30,
         "本文\r\n--postern-msg_\r\n".encode("shift_jis")]


def attachment(number, disposition):
    text = base64.encodebytes(FILES[number]).decode().replace("\n", "\r\n")
    return (f"--b\r\nContent-Type: image/jpeg\r\n{disposition}\r\n"
            f"Content-Transfer-Encoding: base64\r\n\r\n{text}\r\n").encode(
                "shift_jis")


def japanese(to, sender=SENDER, subject="見積のお願い"):
    """Text in ISO-2022-JP, HTML in Shift_JIS, and file names as RFC 2231, RFC
    2047 and old mailers have them."""
    word = base64.b64encode(subject.encode("iso-2022-jp")).decode()
    parts2231 = "".join(f"%{b:02X}" for b in NAMES[0].encode())
    word2047 = base64.b64encode(NAMES[1].encode("iso-2022-jp")).decode()
    half = len(parts2231) // 6 * 3
    return b"".join((
        f"From: =?utf-8?b?5LiJ?= <{sender}>\r\nTo: {to}\r\n"
        f"Subject: =?ISO-2022-JP?B?{word}?=\r\n"
        f"Message-ID: <{secrets.token_hex(8)}@customer.test>\r\n"
        "X-Twice: one\r\nX-Twice: two\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n"
        "--a\r\nContent-Type: text/plain; charset=ISO-2022-JP\r\n\r\n"
        .encode(), "こんにちは、世界\r\n".encode("iso-2022-jp"),
        b"--a\r\nContent-Type: text/html; charset=Shift_JIS\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n",
        "<p>表示</p>\r\n".encode("shift_jis"), b"--a--\r\n",
        attachment(0, "Content-Disposition: attachment;\r\n"
                   f" filename*0*=utf-8''{parts2231[:half]};\r\n"
                   f" filename*1*={parts2231[half:]}"),
        attachment(1, "Content-Disposition: attachment; filename="
                   f"\"=?ISO-2022-JP?B?{word2047}?=\""),
        attachment(2, "Content-Disposition: attachment; "
                   f"filename=\"{NAMES[2]}\""),
        b"--b--\r\n"))


def settings(env, **inbound):
    base = env.webhook.url.rpartition("/")[0]
    hook = {"enabled": True, "events": ["inbound"],
            "secrets": [story.SECRET], "api_key": "k-1"}
    return {"webhooks": [
        {"name": "std", "url": base + "/std", **hook},
        {"name": "json", "url": base + "/json", "format": "cmc-json", **hook},
        {"name": "form", "url": base + "/form", "format": "cmc-form", **hook},
    ], "inbound": {"domains": [DOMAIN], "filters": [
        {"name": "Orders", "conditions": [
            {"header": "To", "pattern": f"orders@{DOMAIN}"}]},
        {"name": "One", "webhooks": ["std"], "conditions": [
            {"header": "To", "pattern": f"one@{DOMAIN}"}]},
    ], **inbound}}


def stack(env, **inbound):
    env.daemons.parameters["webhook_private_addresses"] = "yes"
    env.start_stack(**settings(env, **inbound))
    wait_for(lambda: all("first_seen" in w for w in
                         env.api.all("/v1/webhooks")), what="the endpoints")
    return env


@pytest.fixture
def shop(env):
    return stack(env)


def send(env, message, to=f"orders@{DOMAIN}", sender=SENDER, **xclient):
    """As another host would; (code, text) of what was answered last."""
    with env.postfix.smtp(25, **{**OUTSIDE, **xclient}) as c:
        c.ehlo_or_helo_if_needed()
        code, text = c.mail(sender, [f"size={len(message)}"])
        if code == 250:
            code, text = c.rcpt(to)
        if code == 250:
            try:
                code, text = c.data(message)
            except smtplib.SMTPDataError as e:
                code, text = e.args
        return code, text.decode()


def plain(to=f"orders@{DOMAIN}", sender=SENDER, body="Hello.\r\n",
          mail_to=None):
    return (f"From: {sender}\r\nTo: {mail_to or to}\r\nSubject: hello\r\n"
            f"Message-ID: <{secrets.token_hex(8)}@customer.test>\r\n\r\n"
            f"{body}").encode()


def posts(env, path):
    return [p for p in env.webhook.taken() if p.path == path]


def one_post(env, path):
    wait_for(lambda: posts(env, path), 30, f"a post to {path}")
    return posts(env, path)[0]


def form_of(post):
    """A form as a server library would read it: name to (value, file name)."""
    text = (b"Content-Type: " + post.headers["content-type"].encode() +
            b"\r\n\r\n" + post.body)
    fields = []
    parts = email.message_from_bytes(text, policy=email.policy.HTTP)
    for part in parts.iter_parts():
        raw = dict(part.raw_items())["Content-Disposition"]
        named = dict(x.strip().partition("=")[::2]
                     for x in str(raw).split(";")[1:])
        file_name = named.get("filename")
        fields.append((named["name"].strip('"'),
                       part.get_payload(decode=True),
                       file_name and file_name.strip('"')))
    return fields


def unescape(name):
    """What the standard library made of raw UTF-8 in a header."""
    return name.encode("ascii", "surrogateescape").decode()


def test_a_mail_comes_in_every_format(shop):
    to = f"orders@{DOMAIN}"
    code, text = send(shop, japanese(to))
    assert code == 250, text

    data = one_post(shop, "/std")
    assert data.signed_by(story.SECRET)
    body = data.json
    assert body["type"] == "inbound.received"
    mail = body["data"]
    assert mail["filter"] == "Orders"
    assert (mail["envelope_from"], mail["envelope_to"]) == (SENDER, to)
    assert mail["subject"] == "見積のお願い"
    assert mail["from"] == f"三 <{SENDER}>"
    assert mail["text"].strip() == "こんにちは、世界"
    assert mail["html"].strip() == "<p>表示</p>"
    assert [a["filename"] for a in mail["attachments"]] == NAMES
    assert [base64.b64decode(a["content"])
            for a in mail["attachments"]] == FILES
    names = [h["name"] for h in mail["headers"]]
    assert names[0] == "return-path"
    assert [h["value"] for h in mail["headers"]
            if h["name"] == "x-twice"] == ["one", "two"]
    assert names.index("from") < names.index("to") < names.index("subject")

    cmc = one_post(shop, "/json").json
    assert cmc["api_key"] == "k-1"
    assert cmc["server_composition"] == "Shop"
    assert cmc["filter"] == "Orders"
    assert cmc["attachments"] == 3
    assert not [k for k in cmc if k.startswith("attachment") and
                k != "attachments"]
    assert cmc["headers"] == mail["headers"]
    assert cmc["text"].strip() == "こんにちは、世界"
    assert cmc["subject"] == "見積のお願い"

    fields = form_of(one_post(shop, "/form"))
    values = {name: value for name, value, _ in fields}
    assert values["api_key"] == b"k-1"
    assert values["filter"].decode() == "Orders"
    assert json.loads(values["headers"]) == mail["headers"]
    assert values["subject"].decode() == "見積のお願い"
    assert values["envelope-from"].decode() == SENDER
    assert values["envelope-to"].decode() == to
    assert values["text"].decode().strip() == "こんにちは、世界"
    assert values["html"].decode().strip() == "<p>表示</p>"
    assert values["attachments"] == b"3"
    assert [(n, unescape(f)) for n, _, f in fields if f] == [
        (f"attachment{i + 1}", name) for i, name in enumerate(NAMES)]
    assert [v for n, v, f in fields if f] == FILES

    # All have it: its content is gone, and stays so.
    wait_for(lambda: shop.api.all("/v1/inbound") == [], what="its end")
    assert shop.api.get("/v1/inbound/", mail["id"])[0] == 404
    assert not [k for k in shop.redis.client().scan_iter("pn:in:*")
                if shop.redis.client().hlen(k) > 1]


def test_one_webhook_and_the_api(shop):
    assert send(shop, japanese(f"one@{DOMAIN}"), f"one@{DOMAIN}")[0] == 250
    one_post(shop, "/std")
    assert send(shop, plain(f"none@{DOMAIN}"), f"none@{DOMAIN}")[0] == 250
    wait_for(lambda: "inbound=dropped" in shop.daemons.bounced.text,
             what="the one that nobody wants")
    shop.webhook.answers = [(500, {})]
    assert send(shop, japanese(f"orders@{DOMAIN}"))[0] == 250
    rows = wait_for(lambda: shop.api.all("/v1/inbound"), what="the list")
    assert [r["filter"] for r in rows] == ["Orders"]
    assert sorted(rows[0]["waiting_for"]) == ["form", "json", "std"]
    status, mail = shop.api.get("/v1/inbound/", rows[0]["id"])
    assert status == 200
    assert [a["filename"] for a in mail["attachments"]] == NAMES
    for number, a in enumerate(mail["attachments"]):
        assert fetch(shop, a["url"]) == FILES[number]
    raw = fetch(shop, mail["raw_url"])
    assert raw.endswith(b"--b--\r\n")
    assert shop.api.delete("/v1/inbound/", rows[0]["id"])[0] == 204
    assert shop.api.all("/v1/inbound") == []
    assert len({p.path for p in posts(shop, "/json")}) <= 1


def fetch(env, path):
    host, port = env.daemons.api_address
    request = urllib.request.Request(f"http://{host}:{port}{path}")
    login = base64.b64encode(
        f"{story.API_USER}:{story.API_KEY}".encode()).decode()
    request.add_header("Authorization", "Basic " + login)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read()


# ---- what a receiving server does not take ----

def test_what_is_forged_is_refused_at_the_door(shop):
    to = f"orders@{DOMAIN}"
    code, text = send(shop, plain(to, sender=f"boss@{DOMAIN}"))
    assert code == 550 and "5.7.1" in text, text
    code, text = send(shop, plain(to, sender=to, mail_to=to), sender=SENDER)
    assert code == 550 and "5.7.1" in text, text
    code, text = send(shop, plain(to, sender=SENDER, mail_to=SENDER))
    assert code == 550 and "same address" in text, text
    # Nobody gets a bounce of that: the client was told.
    assert shop.postfix.empty()
    # Who has logged in is no stranger.
    code, text = send(shop, plain(to, sender=f"boss@{DOMAIN}"),
                      LOGIN=story.API_USER)
    assert code == 250, text
    one_post(shop, "/std")


def test_a_mail_from_outside_is_no_mail_of_ours(shop):
    code, text = send(shop, plain(sender=story.SENDER), sender=story.SENDER)
    assert code == 250, text
    mail = one_post(shop, "/std").json["data"]
    # The sender stays, nobody signs, and our Received field tells the way.
    assert mail["envelope_from"] == story.SENDER
    names = [h["name"] for h in mail["headers"]]
    assert "dkim-signature" not in names
    received = next(h["value"] for h in mail["headers"]
                    if h["name"] == "received")
    assert "192.0.2.77" in received
    # And it is no delivery.
    wait_for(shop.postfix.empty, what="an empty queue")
    shop.postfix.send("mia@good.test", sender=story.SENDER)
    wait_for(lambda: [e for e in shop.api.all("/v1/events")
                      if e["type"] == "succeeded"], what="a delivery")
    assert {e["type"] for e in shop.api.all("/v1/events")
            if e["recipient"].endswith(DOMAIN)} == {"inbound"}


def test_size(env):
    stack(env, max_size_kb=100)
    large = plain(body="x" * 70 + "\r\n")[:-2] + b"y\r\n" * 40000
    code, text = send(env, large)
    assert code == 552 and "5.3.4" in text, text
    with env.postfix.smtp(25, **OUTSIDE) as c:
        c.ehlo_or_helo_if_needed()
        assert c.mail(SENDER)[0] == 250  # does not say how large
        assert c.rcpt(f"orders@{DOMAIN}")[0] == 250
        code, text = c.data(large)
        assert code == 552 and b"5.3.4" in text, text
    assert send(env, plain())[0] == 250


def test_mails_at_once(env):
    stack(env, max_sessions=1)
    with env.postfix.smtp(25, **OUTSIDE) as c:
        c.ehlo_or_helo_if_needed()
        c.mail(SENDER)
        c.rcpt(f"orders@{DOMAIN}")
        assert c.docmd("DATA")[0] == 354
        code, text = send(env, plain())
        assert code == 451 and "4.7.0" in text, text
        # Mail of ours does not count.
        env.postfix.send("mia@good.test", sender=story.SENDER)
        c.send(plain() + b".\r\n")
        assert c.getreply()[0] == 250
    assert send(env, plain())[0] == 250


def test_interval(env):
    stack(env, interval_ms=300)
    begun = time.monotonic()
    for _ in range(4):
        assert send(env, plain())[0] == 250
    assert time.monotonic() - begun >= 0.9


# ---- what is killed, and what is away ----

def test_apid_killed_while_it_sends(shop):
    shop.webhook.answers = [(500, {})]
    assert send(shop, plain(f"one@{DOMAIN}"), f"one@{DOMAIN}")[0] == 250
    first = one_post(shop, "/std")
    shop.daemons.apid.kill()
    shop.webhook.answers = [(200, {})]
    shop.daemons.apid.start()
    wait_for(lambda: len(posts(shop, "/std")) >= 2, 100, "the same again")
    again = posts(shop, "/std")[1]
    assert again.headers["webhook-id"] == first.headers["webhook-id"]
    assert again.json["data"]["id"] == first.json["data"]["id"]
    wait_for(lambda: shop.api.all("/v1/inbound") == [], what="its end")


def test_bounced_killed_before_it_answers(shop):
    """What Postfix hands over again is the same mail."""
    message, to = plain(), f"orders@{DOMAIN}"
    socket = shop.postfix.queue / "postern" / "bounced.sock"
    shop.webhook.answers = [(500, {})]
    for _ in range(2):
        with smtplib.LMTP(str(socket)) as lmtp:
            assert lmtp.sendmail(SENDER, [to], message) == {}
        shop.daemons.bounced.kill()
        shop.daemons.bounced.start()
    assert len(shop.api.all("/v1/inbound")) == 1
    assert len([e for e in shop.api.all("/v1/events")
                if e["type"] == "inbound"]) == 1
    shop.webhook.answers = [(200, {})]
    wait_for(lambda: shop.api.all("/v1/inbound") == [], 100, "its end")
    with smtplib.LMTP(str(socket)) as lmtp:
        assert lmtp.sendmail(SENDER, [to], message) == {}
    assert "inbound=duplicate" in shop.daemons.bounced.text
    assert shop.api.all("/v1/inbound") == []


def test_bounced_and_redis_away(shop):
    shop.daemons.bounced.stop()
    assert send(shop, plain())[0] == 250
    wait_for(lambda: shop.postfix.log_lines("status=deferred"),
             what="the mail to wait")
    shop.daemons.bounced.start()
    shop.postfix.flush()
    one_post(shop, "/std")
    shop.redis.hang()
    try:
        socket = shop.postfix.queue / "postern" / "bounced.sock"
        with smtplib.LMTP(str(socket)) as lmtp, \
                pytest.raises((smtplib.SMTPException)):
            refused = lmtp.sendmail(SENDER, [f"orders@{DOMAIN}"], plain())
            if refused:
                code, text = refused[f"orders@{DOMAIN}"]
                assert code == 451
                raise smtplib.SMTPException
    finally:
        shop.redis.go_on()


def test_no_room(env):
    env.daemons.parameters["inbound_max_kb"] = "64"
    stack(env)
    env.webhook.answers = [(500, {})]
    large = plain(body="y" * 70 + "\r\n") + b"z" * 50000 + b"\r\n"
    assert send(env, large)[0] == 250
    wait_for(lambda: env.api.all("/v1/inbound"), what="the first")
    assert send(env, large.replace(b"hello", b"again"))[0] == 250
    wait_for(lambda: "has no room" in env.daemons.bounced.text,
             what="that there is no room")
    row = env.api.all("/v1/inbound")[0]
    assert env.api.delete("/v1/inbound/", row["id"])[0] == 204
    env.postfix.flush()
    wait_for(lambda: [r for r in env.api.all("/v1/inbound")
                      if r["subject"] == "again"], 60, "the second")
