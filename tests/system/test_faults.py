# SPDX-License-Identifier: BSD-2-Clause
"""2,000 messages while one part after another dies and comes back: every
message has exactly one final event per recipient, no block is missing or made
up, and no webhook event is lost."""
import collections
import os
import random
import smtplib
import threading
import time

import pytest
from harness.story import SENDER, webhook_events
from harness.util import wait_for

MESSAGES = int(os.environ.get("POSTERN_FAULT_MESSAGES", "2000"))
SENDERS = 4
FINAL = ("succeeded", "failed")


@pytest.fixture
def stack(env):
    """As always, but for the guard: two hundred dead addresses of one provider
    with the same answer are an outbreak to it."""
    env.start_stack(outbreak={"enabled": False})
    return env


class Load:
    """Sends to numbered addresses, each once: one in ten is dead.  What
    Postfix puts off or a broken connection leaves open is sent again, with the
    queue id of each acceptance kept."""

    def __init__(self, env, messages):
        self.env, self.messages = env, messages
        self.accepted = {}  # recipient -> queue ids
        self.lock = threading.Lock()
        self.stop = False
        self.numbers = iter(range(messages))
        env.receivers["bounce.test"].script["rcpt"] = \
            "550 5.1.1 no such user here"
        self.threads = [threading.Thread(target=self._run, daemon=True)
                        for _ in range(SENDERS)]

    @staticmethod
    def address(number):
        domain = "bounce.test" if number % 10 == 0 else "good.test"
        return f"user{number}@{domain}"

    def _next(self):
        with self.lock:
            return next(self.numbers, None)

    def _run(self):
        while not self.stop:
            number = self._next()
            if number is None:
                return
            self._send(self.address(number))

    def _send(self, to):
        while not self.stop:
            try:
                queue_id = self.env.postfix.send(to, sender=SENDER)
            except (smtplib.SMTPException, OSError) as e:
                assert not (isinstance(e, smtplib.SMTPRecipientsRefused) and
                            e.recipients[to][0] >= 500), (to, e)
                time.sleep(0.1)  # as a client waits, not as a test
                continue
            with self.lock:
                self.accepted.setdefault(to, []).append(queue_id)
            return

    def start(self):
        for t in self.threads:
            t.start()

    def sent(self):
        with self.lock:
            return len(self.accepted)

    def join(self, seconds):
        wait_for(lambda: not any(t.is_alive() for t in self.threads),
                 seconds, f"all messages are sent ({self.sent()} are)")


def final_events(env):
    """(recipient, queue id) -> types of its final events."""
    found = collections.defaultdict(list)
    for e in env.api.all("/v1/events", limit=1000):
        if e["type"] in FINAL:
            found[e["recipient"], e["queue_id"]].append(e["type"])
    return found


def judge(env, load):
    wait_for(env.postfix.empty, 120, "Postfix's queue is empty")
    want = {(to, q): ["failed" if to.endswith("@bounce.test") else
                      "succeeded"]
            for to, ids in load.accepted.items() for q in ids}

    def complete():
        return len(final_events(env)) >= len(want)
    try:
        wait_for(complete, 60)
    except AssertionError:
        pass  # the comparison below says what is missing
    found = dict(final_events(env))
    # A connection that broke behind the end of data leaves a message that
    # nobody was told of; it has its events, too.
    extra = {k: v for k, v in found.items() if k not in want}
    assert all(len(v) == 1 for v in extra.values()), extra
    assert {k: found.get(k) for k in want} == want

    blocked = {b["address"] for b in env.api.all("/v1/blocks",
                                                 limit=1000)}
    dead = {to for to in load.accepted if to.endswith("@bounce.test")}
    wait_for(lambda: {b["address"] for b in env.api.all(
        "/v1/blocks", limit=1000)} == dead, 30,
        f"blocks: {len(blocked)}, dead addresses: {len(dead)}")
    judge_webhooks(env)


def judge_webhooks(env):
    """Each event of the streams was posted, and repeats are the same."""
    stored = {e["id"]: e["type"] for e in env.api.all(
        "/v1/events", limit=1000)}

    def posted():
        return {e["id"] for e in webhook_events(env)}
    wait_for(lambda: set(stored) <= posted(), 120,
             "every event is posted")
    texts = {}
    for post in env.webhook.taken():
        first = texts.setdefault(post.headers["webhook-id"], post.body)
        assert first == post.body, post.headers["webhook-id"]


def while_load_runs(env, harm, times, messages=MESSAGES):
    """harm() at random moments of the whole run."""
    load = Load(env, messages)
    dice = random.Random(4711)
    moments = sorted(dice.randrange(messages // 20, messages * 9 // 10)
                     for _ in range(times))
    load.start()
    try:
        for moment in moments:
            wait_for(lambda: load.sent() >= moment, 300,
                     f"{moment} messages")
            harm()
        load.join(300)
    finally:
        load.stop = True
    judge(env, load)


@pytest.mark.parametrize("name", ["policyd", "milter", "bounced", "apid"])
def test_a_daemon_is_killed_again_and_again(stack, name):
    daemon = stack.daemons.of[name]

    def harm():
        daemon.kill()
        daemon.start()
    while_load_runs(stack, harm, 8)


def test_redis_stops_and_comes_back(stack):
    def harm():
        stack.redis.stop()
        stack.redis.start()
    while_load_runs(stack, harm, 3)


@pytest.mark.parametrize("how", ["hangs", "full"])
def test_redis_is_in_trouble_for_a_while(stack, how):
    """Until it shows: policyd has given up, or facts of messages wait."""
    redis = stack.redis
    begin, end = {"hangs": (redis.hang, redis.go_on),
                  "full": (redis.fill, redis.make_room)}[how]
    daemon, sign = {
        "hangs": (stack.daemons.policyd, "redis: away"),
        "full": (stack.daemons.milter, "facts=spooled")}[how]

    def harm():
        before = daemon.text.count(sign)
        begin()
        wait_for(lambda: daemon.text.count(sign) > before, 30, sign)
        end()
    while_load_runs(stack, harm, 3, MESSAGES // 4)


def test_the_log_is_rotated_in_the_middle(stack):
    while_load_runs(stack, stack.postfix.rotate, 4)
