# SPDX-License-Identifier: BSD-2-Clause
"""Bounces passed on to who sent the message."""
import email
import email.policy
import re
import smtplib
import time

import pytest
from harness import story
from harness.util import connectable, run, wait_for

BACK = story.RETURN_DOMAIN
APP = "app@good.test"       # sends, and has a mailbox for what comes back
GONE = "noone@bounce.test"  # 550 at RCPT
PORT = 587
GLOBAL = {"tenants": [{"name": story.TENANT,
                       "match": {"client": ["127.0.0.0/8"]}}]}


def start(env, **settings):
    env.start_stack(**{"envelope_sender": {"mode": "verp",
                                           "forward_bounces": True},
                       **settings})
    env.apply("_global", GLOBAL)
    run(["postconf", "-c", env.postfix.config, "-M",
         f"{PORT}/inet={PORT} inet n - y - - smtpd"])
    env.postfix.reload()
    wait_for(lambda: connectable(("127.0.0.1", PORT)))
    for daemon in ("milter", "bounced"):
        wait_for(lambda: "global settings: revision 2" in
                 env.daemons.of[daemon].text)


def send(env, to=GONE, sender=APP, port=PORT):
    with env.postfix.smtp(port) as c:
        c.sendmail(sender, to,
                   f"From: {sender}\r\nTo: {to}\r\n"
                   "Subject: =?utf-8?q?H=C3=A4llo?=\r\n"
                   "Message-ID: <1@good.test>\r\n\r\nthe secret body\r\n")


def returned(env, count=1, to=APP):
    got = env.delivered(to, count)
    assert len(got) == count
    # A null sender: nothing of it ever comes back.
    assert all(m.sender == "" for m in got)
    return [email.message_from_bytes(m.data, policy=email.policy.default)
            for m in got]


def parts(message):
    got = {}
    for part in message.walk():
        got.setdefault(part.get_content_type(), part)
    return got


def test_a_failure_is_told_to_who_sent(env):
    start(env)
    send(env)
    message, = returned(env)
    assert message["From"].addresses[0].addr_spec == f"mailer-daemon@{BACK}"
    assert message["To"].addresses[0].addr_spec == APP
    assert message["In-Reply-To"] == "<1@good.test>"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    # No tag of ours, and no pass: who reads it can make nothing of it.
    raw = message.as_bytes()
    assert b"X-Postern-" not in raw and b"the secret body" not in raw
    assert not re.search(rb"\bb-[a-z2-7]{28}", raw)
    got = parts(message)
    block = got["message/delivery-status"].get_payload()[1]
    assert block["Original-Recipient"] == f"rfc822; {GONE}"
    assert block["Final-Recipient"] == f"rfc822; {GONE}"
    assert block["Action"] == "failed"
    assert block["Status"].startswith("5.")
    assert "550" in block["Diagnostic-Code"]
    assert "Subject: =?utf-8?q?H=C3=A4llo?=" in \
        got["text/rfc822-headers"].get_payload()
    text = got["text/plain"].get_content()
    assert GONE in text and "Hällo" in text
    # One failure, one bounce, one error.
    time.sleep(1)
    returned(env, 1)
    events = [e for e in env.api.all("/v1/events", recipient=GONE)
              if e["type"] in ("failed", "bounced")]
    assert len(events) == 1
    assert env.daemons.bounced.text.count("bounce=passed-on") == 1


def test_as_plain_text(env):
    start(env, bounces={"format": "simple", "from": "post@shop.test"})
    send(env)
    message, = returned(env)
    assert message.get_content_type() == "text/plain"
    assert message["From"].addresses[0].addr_spec == "post@shop.test"
    text = message.get_content()
    assert GONE in text and "550" in text and "Message-ID: <1@good.test>" in text
    assert "the secret body" not in text


@pytest.mark.parametrize("sender, port, forward", [
    (APP, PORT, False), (f"post@{BACK}", PORT, True), (APP, 25, True),
], ids=["not asked for", "a sender of ours", "port 25"])
def test_what_is_not_passed_on(env, sender, port, forward):
    start(env, envelope_sender={"mode": "verp", "forward_bounces": forward})
    send(env, sender=sender, port=port)
    wait_for(lambda: [e for e in env.api.all("/v1/events", recipient=GONE)
                      if e["type"] == "failed"])
    wait_for(lambda: env.postfix.queued() == [])
    assert "bounce=passed-on" not in env.daemons.bounced.text
    assert not env.receivers["good.test"].messages_to(APP)


def test_a_made_up_bounce_reaches_nobody(env):
    start(env)
    with env.postfix.smtp() as c:
        c.sendmail("", [f"b-{'a' * 40}@{BACK}"],
                   "From: MAILER-DAEMON@evil.test\r\nSubject: failure notice"
                   "\r\n\r\n<noone@bounce.test>: 550 no such user\r\n")
    wait_for(lambda: "bounce=dropped" in env.daemons.bounced.text)
    assert not env.receivers["good.test"].messages_to(APP)


def test_a_pass_is_needed(env):
    """The internal listener takes nothing without a pass, nor with a wrong
    one."""
    start(env)
    for value in (None, "own shop 1795000000 " + "0" * 32):
        with smtplib.SMTP("127.0.0.1", 10589) as c:
            field = f"X-Postern-Copy: {value}\r\n" if value else ""
            with pytest.raises(smtplib.SMTPDataError):
                c.sendmail("", [APP], f"{field}From: a@good.test\r\n\r\nx\r\n")
    assert not env.receivers["good.test"].messages_to(APP)


def test_while_the_mta_does_not_take_it_the_bounce_waits(env):
    """Nothing is lost while the milter is away: Postfix keeps the bounce."""
    start(env)
    env.daemons.bounced.stop()
    send(env)
    wait_for(lambda: env.postfix.log_lines(rf"to=<b-\S+@{BACK}>.*deferred"),
             what="the bounce waits for bounced")
    env.daemons.milter.stop()
    env.daemons.bounced.start()
    env.postfix.flush()
    wait_for(lambda: env.postfix.log_lines(
        rf"to=<b-\S+@{BACK}>.*deferred.*451"), what="and for the milter")
    assert not env.receivers["good.test"].messages_to(APP)
    env.daemons.milter.start()
    env.postfix.flush()
    returned(env, 1)
    wait_for(lambda: env.postfix.queued() == [])
    returned(env, 1)


def test_delays_are_told_too(env):
    start(env)
    env.postfix.postconf("delay_warning_time = 1s", "queue_run_delay = 2s",
                         "minimal_backoff_time = 2s")
    env.postfix.reload()
    send(env, "eva@throttle.test")
    message, = returned(env)
    block = parts(message)["message/delivery-status"].get_payload()[1]
    assert block["Action"] == "delayed" and block["Status"].startswith("4.")


def test_an_alarm_is_told_by_mail(env):
    start(env, outbreak={"recipients": 3, "share_percent": 50,
                         "notify": ["it@good.test", "boss@good.test"]})
    for i in range(4):
        one = f"gone{i}@bounce.test"
        env.receivers["bounce.test"].script[one] = \
            f"550 5.1.1 <{one}>: no such user here"
        send(env, one)
    for one in ("it@good.test", "boss@good.test"):
        message, = returned(env, to=one)
        assert message["Subject"].startswith("Postern alarm: outbreak at ")
        assert message["Auto-Submitted"] == "auto-generated"
        text = message.get_content()
        assert "same answer" in text and "postern blocks outbreaks" in text
    alarm, = env.api.all("/v1/events", type="alarm")
    assert alarm["origin"] == "outbreak"
