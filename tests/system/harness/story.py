# SPDX-License-Identifier: BSD-2-Clause
"""Postern's main job as a story, step by step: the demonstration prints it,
and a system test runs it."""
import json
import smtplib

from .postfix import refusal
from .util import wait_for

TENANT = "shop"
API_USER = "app@shop.test"
API_KEY = "demo-key-0123456789"
SECRET = "whsec_cG9zdGVybi1kZW1vLXdlYmhvb2stc2VjcmV0LTAx"
SENDER = "news@shop.test"
RETURN_DOMAIN = "back.shop.test"


def settings(webhook_url, **more):
    """The tenant's document."""
    return {
        "title": "Shop",
        "return_path": {"domain": RETURN_DOMAIN},
        "webhooks": [{
            "name": "app", "url": webhook_url, "enabled": True,
            "events": ["deliveries", "bounces", "blocks"],
            "secrets": [SECRET], "batch_interval": "200ms",
        }],
        "api_users": [{
            "name": API_USER, "key": API_KEY, "enabled": True,
            "access": ["api", "smtp"],
            "permissions": ["read", "write", "download", "admin"],
        }],
        **more,
    }


GLOBAL = {"tenants": [{"name": TENANT,
                       "match": {"sender_domain": ["shop.test"]}}]}


def webhook_events(env):
    """Every event that was posted and rightly signed."""
    events = []
    for post in env.webhook.taken():
        assert post.signed_by(SECRET), "webhook with a wrong signature"
        events += post.json["data"]
    return events


class Story:
    """Each step returns a line for the reader, or fails."""

    GOOD = "mia@good.test"
    GONE = "noone@bounce.test"
    FULL = "tim@full.test"
    BUSY = "eva@throttle.test"

    def __init__(self, env):
        self.env = env
        self.queue_id = None

    def steps(self):
        return (
            ("An application sends to a good, a full, a throttled and a dead"
             " mailbox", self.send),
            ("The good one has its mail", self.delivered),
            ("The dead one answers 550", self.refused),
            ("Postern gives the failure its status", self.status),
            ("and blocks the address by rule", self.blocked),
            ("The full and the throttled one are not blocked",
             self.others),
            ("The application is told by webhook", self.told),
            ("The next send is refused at RCPT TO", self.next_send),
            ("The mailbox comes back; the API cancels the block",
             self.cancel),
            ("and mail flows again", self.again),
        )

    def send_to(self, to, subject):
        return self.env.postfix.send(to, sender=SENDER, subject=subject,
                                     headers={"X-Api-Data": "order-4711"})

    def send(self):
        for to in (self.GOOD, self.FULL, self.BUSY):
            self.send_to(to, "Your order")
        self.queue_id = self.send_to(self.GONE, "Your order")
        return f"accepted as {self.queue_id}"

    def delivered(self):
        message = self.env.delivered(self.GOOD)[0]
        assert message.sender.endswith("@" + RETURN_DOMAIN), message.sender
        return f"envelope sender {message.sender}"

    def refused(self):
        line = wait_for(lambda: self.env.postfix.log_lines(
            rf"{self.queue_id}: to=<{self.GONE}>.*status=bounced"),
            what="status=bounced in the log")[0]
        return line.partition(" said: ")[2] or line

    def status(self):
        def failed():
            return [e for e in self.env.api.all("/v1/events")
                    if e["type"] == "failed" and
                    e["recipient"] == self.GONE]
        event = wait_for(failed, what="a failed event")[0]
        assert event["status"] == 2, event
        return f"error status {event['status']}, {event['reason']}"

    def blocked(self):
        def block():
            status, found = self.env.api.get("/v1/blocks/", self.GONE)
            return found if status == 200 else None
        found = wait_for(block, what="the block")
        return json.dumps(found)

    def others(self):
        for to in (self.FULL, self.BUSY):
            assert self.env.api.get("/v1/blocks/", to)[0] == 404
        return "no block"

    def told(self):
        def posted():
            return [e for e in webhook_events(self.env)
                    if e["type"] == "blocked" and
                    e["recipient"] == self.GONE]
        return json.dumps(wait_for(posted, what="the webhook")[0])

    def next_send(self):
        try:
            self.send_to(self.GONE, "Once more")
        except smtplib.SMTPRecipientsRefused as e:
            code, text = refusal(e)
            assert code == 550 and text.startswith("5.1.1"), (code, text)
            return f"{code} {text}"
        raise AssertionError("mail to a blocked address was accepted")

    def cancel(self):
        del self.env.receivers["bounce.test"].script[self.GONE]
        status, text = self.env.api.delete("/v1/blocks/", self.GONE)
        assert status in (200, 204), (status, text)
        assert self.env.api.get("/v1/blocks/", self.GONE)[0] == 404
        return f"DELETE /v1/blocks/{self.GONE}: {status}"

    def again(self):
        self.send_to(self.GONE, "Welcome back")
        message = self.env.delivered(self.GONE)[0]
        assert "Welcome back" in message.text
        return "delivered"
