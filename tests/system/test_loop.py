# SPDX-License-Identifier: BSD-2-Clause
"""Postern's main job, end to end, on a real Postfix."""
import smtplib

import pytest
from harness.policy import Policy
from harness.story import RETURN_DOMAIN, SENDER, Story, webhook_events
from harness.util import wait_for


def events_of(env, recipient):
    return [e for e in env.api.all("/v1/events")
            if e["recipient"] == recipient]


def test_the_story(stack):
    for _, step in Story(stack).steps():
        step()


def test_a_block_names_the_message_that_led_to_it(stack):
    stack.postfix.send(Story.GONE, sender=SENDER, subject="Your order")

    def posted(kind):
        return [e for e in webhook_events(stack) if e["type"] == kind]
    blocked = wait_for(lambda: posted("blocked"))[0]
    queued = wait_for(lambda: posted("queued"))[0]
    assert blocked["message"] == queued["id"]
    assert blocked["queue_id"] == queued["queue_id"]
    listed = [e for e in events_of(stack, Story.GONE)
              if e["type"] == "blocked"]
    assert [e["message"] for e in listed] == [queued["id"]]


def test_a_dsn_that_comes_later_blocks(stack):
    stack.postfix.send("late@good.test", sender=SENDER)
    message = stack.delivered("late@good.test")[0]
    receiver = stack.receivers["good.test"]
    receiver.send_dsn(message, "late@good.test")
    wait_for(lambda: stack.api.get("/v1/blocks/", "late@good.test")[0] == 200,
             what="the block")
    types = [e["type"] for e in events_of(stack, "late@good.test")]
    assert types.count("bounced") == 1
    assert types.count("succeeded") == 1
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        stack.postfix.send("late@good.test", sender=SENDER)


def test_a_forged_dsn_is_never_counted(stack):
    stack.postfix.send("safe@good.test", sender=SENDER)
    message = stack.delivered("safe@good.test")[0]
    receiver = stack.receivers["good.test"]
    local = message.sender.partition("@")[0]
    last = "a" if local[-1] != "a" else "b"
    message.sender = f"{local[:-1]}{last}@{RETURN_DOMAIN}"
    try:
        receiver.send_dsn(message, "safe@good.test")
    except smtplib.SMTPException:
        pass  # refused at once is as good
    # A true one behind it: when that is counted the forged one has been read.
    stack.postfix.send("true@good.test", sender=SENDER)
    receiver.send_dsn(stack.delivered("true@good.test")[0], "true@good.test")
    wait_for(lambda: stack.api.get("/v1/blocks/", "true@good.test")[0] == 200)
    assert stack.api.get("/v1/blocks/", "safe@good.test")[0] == 404


def test_an_error_is_counted_once_though_two_tell_it(stack):
    """The log says it, and Postfix's own DSN says it again."""
    stack.postfix.send(Story.GONE, sender=SENDER)
    block = wait_for(lambda: stack.api.get("/v1/blocks/", Story.GONE)[1]
                     if stack.api.get("/v1/blocks/", Story.GONE)[0] == 200
                     else None)
    wait_for(lambda: stack.postfix.log_lines(
        r"to=<b-.*relay=.*bounced\.sock.*status=sent"),
        what="Postfix's DSN is taken by bounced")
    failed = [e for e in events_of(stack, Story.GONE)
              if e["type"] == "failed"]
    assert len(failed) == 1
    assert block["count"] == 1


def test_an_exempt_address_is_never_blocked(stack):
    status, text = stack.api.put("/v1/exemptions/", Story.GONE, body={})
    assert status in (200, 201, 204), text
    for _ in range(2):
        stack.postfix.send(Story.GONE, sender=SENDER)
    wait_for(lambda: [e["type"] for e in events_of(stack, Story.GONE)
                      ].count("failed") == 2)
    wait_for(lambda: [e for e in webhook_events(stack)
                      if e["type"] == "failed"])
    assert stack.api.get("/v1/blocks/", Story.GONE)[0] == 404
    with Policy(stack.postfix.queue / "postern" / "policyd.sock") as policy:
        assert policy.ask(Story.GONE, sender=SENDER) == "DUNNO"


def test_without_redis_nothing_is_lost(stack):
    stack.redis.stop()
    with pytest.raises(smtplib.SMTPException):
        stack.postfix.send("one@good.test", sender=SENDER)
    stack.redis.start()

    def sent():
        try:
            return stack.postfix.send("one@good.test", sender=SENDER)
        except smtplib.SMTPException:
            return None
    wait_for(sent, 30)
    stack.delivered("one@good.test")
    wait_for(lambda: "succeeded" in [e["type"] for e in events_of(
        stack, "one@good.test")], 30)
