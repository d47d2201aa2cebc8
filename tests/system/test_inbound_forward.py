# SPDX-License-Identifier: BSD-2-Clause
"""Mail that came in, inbound or bounce, sent on to other addresses."""
import email
import email.policy

from harness import story
from harness.util import wait_for

DOMAIN = "in.shop.test"
BACK = story.RETURN_DOMAIN
OUTSIDE = {"ADDR": "192.0.2.77", "NAME": "mx.customer.test"}


def rule(name, to, header, pattern, mode="copy"):
    return {"name": name, "to": to, "header": header, "pattern": pattern,
            "mode": mode}


def start(env, *rules):
    env.start_stack(inbound={
        "domains": [DOMAIN], "forwarding": list(rules),
        "filters": [{"name": "All"}]},
        webhooks=[{"name": "app", "url": env.webhook.url,
                   "events": ["inbound"], "secrets": [story.SECRET]}])


def send(env, to, subject="hello", sender="mia@customer.test", more=""):
    with env.postfix.smtp(25, **OUTSIDE) as c:
        c.sendmail(sender, [to], f"From: mia@customer.test\r\nTo: {to}\r\n"
                   f"{more}Subject: {subject}\r\n\r\nHello.\r\n")


def got(env, to, count=1):
    messages = env.delivered(to, count)
    assert len(messages) == count and all(m.sender == "" for m in messages)
    return [email.message_from_bytes(m.data, policy=email.policy.default)
            for m in messages]


def events(env):
    return env.api.all("/v1/events", type="inbound")


def test_copies_and_redirects(env):
    start(env, rule("boss", "boss@good.test", "Subject", ".*urgent.*"),
          rule("also", "boss@good.test", "To", f"orders@{DOMAIN}"),
          rule("away", "desk@good.test", "Subject", "redirect", "redirect"))
    send(env, f"orders@{DOMAIN}", "very urgent")
    # Two rules, one address: once; and the application has it, too.
    message, = got(env, "boss@good.test")
    assert message["Delivered-To"] == f"orders@{DOMAIN}"
    assert message["From"] == "mia@customer.test"
    assert message.get_content().strip() == "Hello."
    assert not [name for name in message.keys() if name == "X-Postern-Copy"]
    wait_for(lambda: len(events(env)) == 1)
    send(env, f"info@{DOMAIN}", "redirect")
    got(env, "desk@good.test")
    send(env, f"info@{DOMAIN}", "nobody else")
    wait_for(lambda: len(events(env)) == 2)
    wait_for(lambda: env.postfix.queued() == [])
    got(env, "boss@good.test", 1)
    assert {e["recipient"] for e in events(env)} == \
        {f"orders@{DOMAIN}", f"info@{DOMAIN}"}
    assert env.daemons.bounced.text.count("forward=sent") == 2


def test_mail_that_has_been_here_goes_no_further(env):
    start(env, rule("boss", "boss@good.test", "To", ".*"))
    send(env, f"orders@{DOMAIN}", more=f"Delivered-To: Orders@{DOMAIN}\r\n")
    wait_for(lambda: len(events(env)) == 1)
    wait_for(lambda: env.postfix.queued() == [])
    assert not env.receivers["good.test"].messages_to("boss@good.test")


def test_bounces_are_copied_and_still_read(env):
    start(env, rule("post", "post@good.test", "Subject", "Undelivered.*"))
    env.postfix.send("noone@bounce.test", sender=story.SENDER)
    message, = got(env, "post@good.test")
    assert message.get_content_type() == "multipart/report"
    assert message["Delivered-To"].endswith(f"@{BACK}")
    wait_for(lambda: "bounce=duplicate" in env.daemons.bounced.text)


def test_while_the_milter_is_away_it_waits(env):
    start(env, rule("boss", "boss@good.test", "To", ".*"))
    env.daemons.bounced.stop()
    send(env, f"orders@{DOMAIN}")
    wait_for(lambda: env.postfix.log_lines(
        f"to=<orders@{DOMAIN}>.*deferred"))
    env.daemons.milter.stop()
    env.daemons.bounced.start()
    env.postfix.flush()
    wait_for(lambda: env.postfix.log_lines(
        f"to=<orders@{DOMAIN}>.*deferred.*451"))
    env.daemons.milter.start()
    env.postfix.flush()
    got(env, "boss@good.test")
    wait_for(lambda: env.postfix.queued() == [])
    # Kept once for the application, however often it came.
    assert len(events(env)) == 1
