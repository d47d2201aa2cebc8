# SPDX-License-Identifier: BSD-2-Clause
"""What an error leads to: lines of the Postfix log and mails that come back,
through postern-bounced, to counts and blocks."""
import itertools
import secrets
import smtplib
import time

import pytest
from harness.util import wait_for, write
from harness.verp import tag

DAY = 86400
API_USER, API_KEY = "app@shop.test", "test-key-0123456789"
UNKNOWN = ("5.1.1", "host mx[192.0.2.1] said: 550 5.1.1 User unknown "
           "(in reply to RCPT TO command)")
FULL = ("5.2.2", "host mx[192.0.2.1] said: 552 5.2.2 Mailbox full "
        "(in reply to RCPT TO command)")
# The sender's fault, or unclear.
OTHERS = (
    ("5.7.1", "host mx[192.0.2.1] said: 554 5.7.1 Rejected as spam"),
    ("5.7.1", "host mx[192.0.2.1] said: 554 5.7.1 Relay access denied"),
    ("5.3.4", "message size 9 exceeds size limit 5 of server mx"),
    ("5.0.0", "host mx[192.0.2.1] said: 550 qwertz"),
)


class Loop:
    """bounced and apid run; lines and mails are what the test gives them."""

    def __init__(self, env, blocking):
        self.env = env
        self.number = itertools.count(1)
        self.master = secrets.token_bytes(32)
        write(env.folder / "etc" / "master.key", self.master.hex() + "\n",
              0o600)
        env.postfix.log.parent.mkdir(parents=True, exist_ok=True)
        write(env.postfix.log, "", 0o644)
        document = {"api_users": [{
            "name": API_USER, "key": API_KEY, "enabled": True,
            "access": ["api"], "permissions": ["read", "write"]}]}
        if blocking:
            document["blocking"] = blocking
        env.apply("default", document)
        env.api.user, env.api.key = API_USER, API_KEY
        env.daemons.start("bounced", "apid")
        wait_for(lambda: env.redis.client().hgetall("pn:ck:{h:mta1}"),
                 what="the first checkpoint")

    def new_id(self):
        return f"4TkX{next(self.number):08d}z"

    def line(self, queue_id, text, program="smtp", ago=0):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ",
                              time.gmtime(time.time() - ago))
        with open(self.env.postfix.log, "a") as f:
            f.write(f"{stamp} mx postfix/{program}[1]: {queue_id}: {text}\n")

    def queue(self, *recipients, ago=0):
        queue_id = self.new_id()
        self.line(queue_id, "from=<s@shop.test>, size=1, "
                  f"nrcpt={len(recipients)} (queue active)", "qmgr", ago)
        return queue_id

    def result(self, queue_id, to, status, dsn, text, ago=0):
        self.line(queue_id, f"to=<{to}>, relay=mx[192.0.2.1]:25, delay=0, "
                  f"delays=0/0/0/0, dsn={dsn}, status={status} ({text})",
                  ago=ago)

    def sent(self, queue_id, to, ago=0):
        self.result(queue_id, to, "sent", "2.0.0", "250 ok", ago)

    def removed(self, queue_id, ago=0):
        self.line(queue_id, "removed", "qmgr", ago)

    def fail(self, to, error=UNKNOWN, ago=0):
        """A message of its own; returns its queue id."""
        queue_id = self.queue(to, ago=ago)
        self.result(queue_id, to, "bounced", *error, ago)
        self.removed(queue_id, ago)
        return queue_id

    def events(self, queue_id):
        return [e for e in self.env.api.all("/v1/events")
                if e.get("queue_id") == queue_id]

    def types(self, queue_id):
        return sorted(e["type"] for e in self.events(queue_id))

    def settled(self):
        """Everything before this is counted: errors count in order."""
        to = f"marker{next(self.number)}@marker.test"
        for _ in range(3):
            self.fail(to)
        wait_for(lambda: self.block(to), what="the marker's block")

    def block(self, address):
        status, found = self.env.api.get("/v1/blocks/", address)
        assert status in (200, 404), (status, found)
        return found if status == 200 else None

    def record(self, address):
        """state and count, as Redis has them, blocked or not."""
        client = self.env.redis.client()
        for key in client.scan_iter("pn:bc:*"):
            if client.hexists(key, address):
                return "c", int(client.hget(key, address).split(".")[1])
        for key in client.scan_iter("pn:be:*"):
            if client.hexists(key, address):
                return "b", int(client.hget(key, address).split("\t")[0])
        return None

    def mail(self, queue_id, text, sent=None, sender=None):
        """By LMTP to the signed address of that message."""
        local = sender or tag(self.master, "mta1", queue_id,
                              sent or time.time())
        socket = self.env.postfix.queue / "postern" / "bounced.sock"
        with smtplib.LMTP(str(socket)) as lmtp:
            assert lmtp.sendmail("", [f"{local}@bounce.shop.test"],
                                 text) == {}
        return local

    def said(self, *words):
        """Waits for a line of bounced's log with all of these."""
        return wait_for(lambda: [
            line for line in self.env.daemons.bounced.text.split("\n")
            if all(w in line for w in words)], what=" ".join(words))


def dsn(*recipients, action="failed", status="5.1.1",
        diagnostic="smtp; 550 5.1.1 no such user"):
    blocks = "".join(f"\r\nFinal-Recipient: rfc822; {r}\r\n"
                     f"Action: {action}\r\nStatus: {status}\r\n"
                     f"Diagnostic-Code: {diagnostic}\r\n"
                     for r in recipients)
    return ("From: MAILER-DAEMON@mx.test\r\nSubject: Undelivered Mail\r\n"
            "MIME-Version: 1.0\r\nContent-Type: multipart/report;\r\n"
            "\treport-type=delivery-status; boundary=b\r\n\r\n"
            "--b\r\n\r\nSorry.\r\n--b\r\n"
            "Content-Type: message/delivery-status\r\n\r\n"
            f"Reporting-MTA: dns; mx.test\r\n{blocks}--b--\r\n")


@pytest.fixture
def loop(base):
    """Starts the loop with these blocking conditions; none: the default."""
    return lambda *blocking: Loop(base, list(blocking))


def condition(status, **more):
    return {"status": status, "enabled": True, "count": 1, **more}


# ---- conditions ----

def test_what_blocks_by_default(loop):
    loop = loop()
    loop.fail("gone@a.test")
    for i in range(5):
        for n, error in enumerate(OTHERS):
            loop.fail(f"other{n}@a.test", error)
        if i < 4:
            loop.fail("nearly-full@a.test", FULL)
        loop.fail("full@a.test", FULL)
    loop.settled()
    assert loop.block("gone@a.test")["status"] == 2
    assert loop.block("full@a.test")["count"] == 5
    assert loop.block("nearly-full@a.test") is None
    for n in range(len(OTHERS)):
        assert loop.record(f"other{n}@a.test") is None


def test_a_condition_may_be_off_and_another_on(loop):
    loop = loop({"status": 2, "enabled": False}, condition(4))
    loop.fail("unknown@a.test")
    loop.fail("refused@a.test", OTHERS[0])
    wait_for(lambda: loop.block("refused@a.test"))
    assert loop.record("unknown@a.test") is None


def test_the_count_decides(loop):
    loop = loop(condition(2, count=3))
    for _ in range(2):
        loop.fail("a@a.test")
    loop.settled()
    assert loop.block("a@a.test") is None
    assert loop.record("a@a.test") == ("c", 2)
    loop.fail("a@a.test")
    assert wait_for(lambda: loop.block("a@a.test"))["count"] == 3


def test_once_a_day(loop):
    loop = loop(condition(2, count=2, once_per_day=True), condition(5))
    for _ in range(3):
        loop.fail("today@a.test")
    loop.fail("days@a.test", ago=2 * DAY)
    loop.fail("days@a.test")
    wait_for(lambda: loop.block("days@a.test"))
    assert loop.record("today@a.test") == ("c", 1)


def test_old_errors_are_forgotten(loop):
    loop = loop(condition(2, count=2, forget_days=2))
    loop.fail("a@a.test", ago=3 * DAY)
    loop.fail("a@a.test")
    loop.settled()
    assert loop.record("a@a.test") == ("c", 1)
    loop.fail("a@a.test")
    wait_for(lambda: loop.block("a@a.test"))


def test_a_watch_period_ends(loop):
    loop = loop(condition(2, watch_days=2))
    loop.fail("old@a.test", ago=3 * DAY)
    loop.fail("new@a.test", ago=DAY)
    wait_for(lambda: loop.block("new@a.test"))
    loop.said("block=blocked", "recipient=old@a.test")
    assert loop.block("old@a.test") is None
    loop.fail("old@a.test")
    wait_for(lambda: loop.block("old@a.test"), what="blocked again")


def test_observed_only(loop):
    loop = loop(condition(2, observe=True), condition(5))
    loop.fail("a@a.test")
    loop.said("block=would", "recipient=a@a.test", "status=2")
    loop.fail("b@a.test", FULL)
    wait_for(lambda: loop.block("b@a.test"))
    assert loop.block("a@a.test") is None


def test_one_of_two_recipients(loop):
    loop = loop()
    queue_id = loop.queue("good@a.test", "gone@a.test")
    loop.sent(queue_id, "good@a.test")
    loop.result(queue_id, "gone@a.test", "bounced", *UNKNOWN)
    loop.removed(queue_id)
    wait_for(lambda: loop.block("gone@a.test"))
    assert loop.record("good@a.test") is None


# ---- a mail and a line ----

def test_the_line_first_then_the_mail(loop):
    loop = loop(condition(2, count=2))
    queue_id = loop.fail("a@a.test")
    wait_for(lambda: "failed" in loop.types(queue_id))
    loop.mail(queue_id, dsn("a@a.test"))
    loop.said("bounce=duplicate", "a@a.test")
    loop.settled()
    assert loop.record("a@a.test") == ("c", 1)
    assert loop.types(queue_id) == ["failed", "queued"]


def test_the_mail_first_then_the_line(loop):
    loop = loop(condition(2, count=2))
    queue_id = loop.queue("a@a.test")
    loop.result(queue_id, "a@a.test", "deferred", "4.4.1", "later")
    wait_for(lambda: "deferred" in loop.types(queue_id))
    loop.mail(queue_id, dsn("a@a.test"))
    loop.said("bounce=recorded", "a@a.test")
    loop.result(queue_id, "a@a.test", "bounced", *UNKNOWN)
    loop.removed(queue_id)
    loop.settled()
    assert loop.record("a@a.test") == ("c", 1)
    assert loop.types(queue_id) == ["bounced", "deferred", "failed", "queued"]


def test_two_mails_about_one_error(loop):
    loop = loop(condition(2, count=2))
    queue_id = sent_message(loop, "a@a.test")
    loop.mail(queue_id, dsn("a@a.test"))
    loop.mail(queue_id, dsn("a@a.test"))
    loop.said("bounce=duplicate")
    loop.settled()
    assert loop.record("a@a.test") == ("c", 1)


def sent_message(loop, *recipients, ago=0):
    queue_id = loop.queue(*recipients, ago=ago)
    for to in recipients:
        loop.sent(queue_id, to, ago)
    loop.removed(queue_id, ago)
    wait_for(lambda: loop.types(queue_id).count("succeeded") ==
             len(recipients))
    return queue_id


def test_a_mail_about_one_of_two_recipients(loop):
    loop = loop()
    queue_id = sent_message(loop, "a@a.test", "b@a.test")
    loop.mail(queue_id, dsn("b@a.test"))
    wait_for(lambda: loop.block("b@a.test"))
    assert loop.record("a@a.test") is None


@pytest.mark.parametrize("text", [
    dsn("a@a.test", action="delayed", status="4.4.1",
        diagnostic="smtp; 451 try later"),
    dsn("a@a.test", action="delivered", status="2.0.0",
        diagnostic="smtp; 250 ok"),
    "From: a@a.test\r\nAuto-Submitted: auto-replied\r\n"
    "Subject: Out of office\r\n\r\nI no longer work here. User unknown.\r\n",
    "From: a@a.test\r\nSubject: Re: Your order\r\n\r\nThank you!\r\n",
], ids=["delayed", "delivered", "vacation", "reply"])
def test_what_is_no_failure(loop, text):
    loop = loop()
    queue_id = sent_message(loop, "a@a.test")
    loop.mail(queue_id, text)
    loop.said("bounce=no-failure")
    loop.settled()
    assert loop.record("a@a.test") is None
    assert "bounced" not in loop.types(queue_id)


def test_a_mail_in_plain_words(loop):
    loop = loop()
    queue_id = sent_message(loop, "a@a.test")
    loop.mail(queue_id, "From: MAILER-DAEMON@a.test\r\n"
              "Subject: failure notice\r\n\r\n<a@a.test>:\r\n"
              "192.0.2.1 does not like recipient.\r\n"
              "Remote host said: 550 5.1.1 User unknown\r\n")
    wait_for(lambda: loop.block("a@a.test"))


def test_a_mail_that_names_nobody_is_about_the_only_recipient(loop):
    loop = loop()
    queue_id = sent_message(loop, "a@a.test")
    loop.mail(queue_id, "From: MAILER-DAEMON@a.test\r\n"
              "Subject: failure notice\r\n\r\nUser unknown.\r\n")
    wait_for(lambda: loop.block("a@a.test"))


# ---- signatures ----

def test_a_wrong_signature(loop):
    loop = loop()
    queue_id = sent_message(loop, "a@a.test")
    good = tag(loop.master, "mta1", queue_id, time.time())
    wrong = good[:-3] + ("aaa" if good[-3:] != "aaa" else "bbb")
    other = tag(secrets.token_bytes(32), "mta1", queue_id, time.time())
    for local in (wrong, other):
        loop.mail(queue_id, dsn("a@a.test"), sender=local)
        loop.said("bounce=dropped", "why=bad-signature", local)
    loop.settled()
    assert loop.record("a@a.test") is None


def test_an_expired_signature(loop):
    loop = loop()
    queue_id = sent_message(loop, "a@a.test")
    loop.mail(queue_id, dsn("a@a.test"), sent=time.time() - 60 * DAY)
    loop.said("bounce=dropped", "why=expired")
    loop.settled()
    assert loop.record("a@a.test") is None


def test_a_right_signature_and_a_stranger(loop):
    """Whoever got a message may only speak of its recipients."""
    loop = loop(condition(2, count=2))
    for _ in range(3):
        queue_id = sent_message(loop, "a@a.test", "b@a.test")
        loop.mail(queue_id, dsn("victim@v.test"))
        loop.said("bounce=unknown", "victim@v.test")
        queue_id = sent_message(loop, "c@a.test")
        loop.mail(queue_id, dsn("victim@v.test"))
        wait_for(lambda: "bounced" in loop.types(queue_id))
        # Named as forwarded, which blocks nobody by default.
        assert [e["status"] for e in loop.events(queue_id)
                if e["type"] == "bounced"] == [6]
    loop.settled()
    for to in ("victim@v.test", "a@a.test", "b@a.test", "c@a.test"):
        assert loop.record(to) is None


def test_a_mail_about_a_message_of_three_days_ago(loop):
    """Its facts are gone from under the queue id; its events are not."""
    loop = loop()
    queue_id = sent_message(loop, "a@a.test", "b@a.test")
    loop.settled()
    client = loop.env.redis.client()
    then = time.time() - 3 * DAY
    stream, = client.scan_iter("pn:ev:{h:mta1}:*")
    today = stream.rpartition(":")[2]
    day = time.strftime("%Y-%m-%d" if "-" in today else "%Y%m%d",
                        time.gmtime(then))
    client.rename(stream, stream.replace(today, day))
    for key in client.scan_iter(f"pn:*{queue_id}*"):
        client.delete(key)
    loop.mail(queue_id, dsn("b@a.test"), sent=then - 5)
    loop.said("bounce=recorded", "b@a.test")
    wait_for(lambda: loop.block("b@a.test"))
    assert loop.record("a@a.test") is None


def test_trace_tells_the_story(loop):
    loop = loop()
    queue_id = loop.queue("a@a.test", "b@a.test")
    loop.sent(queue_id, "a@a.test")
    loop.result(queue_id, "b@a.test", "deferred", "4.4.1", "try later")
    loop.result(queue_id, "b@a.test", "bounced", *UNKNOWN)
    loop.removed(queue_id)
    wait_for(lambda: loop.block("b@a.test"))
    text = loop.env.cli.run("trace", queue_id)
    text = getattr(text, "stdout", text)
    text = " ".join(text.split())
    for words in ("queued", "succeeded a@a.test", "deferred b@a.test",
                  "failed b@a.test 2 user-unknown", "blocked", "try later",
                  "User unknown", "a@a.test: delivered at",
                  "b@a.test: failed at"):
        assert words in text, text
    assert "marker" not in text
