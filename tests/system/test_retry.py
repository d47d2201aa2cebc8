# SPDX-License-Identifier: BSD-2-Clause
"""Deferred mail: when it is tried again, and when it is given up."""
import secrets
import time

import pytest

from harness import story
from harness.util import wait_for, write

PARAMETERS = ("minimal_backoff_time", "maximal_backoff_time",
              "maximal_queue_lifetime", "queue_run_delay")


def times(env):
    """main.cf's, expanded, in seconds."""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    found = []
    for name in PARAMETERS:
        text = env.postfix.value(name)
        if text.startswith("$"):
            text = env.postfix.value(text[1:])
        found.append(int(text[:-1]) * unit[text[-1]])
    return found


def retry(env, tenant=None, **shared):
    env.apply("_global", {**story.GLOBAL, "shaping": {"retry": shared}})
    if tenant is not None:
        env.apply(story.TENANT, env.settings(retry=tenant))


def test_postfix_follows_the_settings(base):
    env = base
    write(env.folder / "etc" / "master.key", secrets.token_hex(32) + "\n",
          0o600)
    env.daemons.parameters["user"] = ""
    env.daemons.write_config()
    main = env.postfix.config / "main.cf"
    main.write_text(main.read_text() + "maximal_backoff_time = 7777s\n")
    untouched, before = main.read_bytes(), times(env)

    # Nothing is said: nothing of it is touched.
    retry(env, {})
    env.enable()
    assert times(env) == before
    assert "backoff" not in env.cli.run("postfix", "diff").stdout
    # The curve as it is by default, written down: Postfix makes the tries.
    retry(env, {}, mode="native", period="24h")
    assert env.cli.run("postfix", "diff", check=False).returncode == 1
    env.enable()
    least, most, lifetime, delay = times(env)
    assert (least, lifetime, delay) == (240, 86400, 60)
    assert 4000 < most < 9000
    # Exact for one tenant: the scheduler makes them, Postfix comes behind.
    retry(env, {"mode": "exact", "method": "linear", "a": 600,
                "period": "2h"}, period="24h")
    env.enable()
    assert times(env) == [8700, 8700, 86400 + 8700, 150]
    # For a provider that is tried at longer intervals.
    env.apply("_global", {**story.GLOBAL, "shaping": {
        "mode": "enforce", "filters": [{"name": "slow", "patterns": [".*@x\\.test"], "retry": {
            "mode": "exact", "method": "linear", "a": 40000,
            "period": "10d"}}]}})
    env.enable()
    assert times(env) == [40300, 40300, 10 * 86400 + 40300, 150]
    # Nobody says anything any more.
    retry(env, {})
    env.enable()
    assert times(env) == before
    assert env.cli.run("postfix", "diff").stdout == ""
    env.cli.run("postfix", "disable")
    assert main.read_bytes() == untouched


# ---- exact ----

SLOW = "eva@good.test"
LINEAR = {"mode": "exact", "method": "linear", "a": 2, "period": "13s"}
GROWING = {"mode": "exact", "method": "growing", "a": 2, "b": -1,
           "period": "28s"}


class Busy:
    """A mailbox that is never at leisure: when it was tried."""

    def __init__(self, env, address=SLOW, reply="450 4.2.0 later, please"):
        self.at, self.reply = [], reply
        domain = address.rpartition("@")[2]
        env.receivers[domain].script[address] = self.answer

    def answer(self, _):
        self.at.append(time.time())
        return self.reply

    def steps(self):
        return [b - a for a, b in zip(self.at, self.at[1:])]


def send(env, *recipients):
    return env.postfix.send(list(recipients) if len(recipients) > 1
                            else recipients[0],
                            sender=story.SENDER, subject="retry")


def events(env, recipient, kind):
    return [e for e in env.api.all("/v1/events")
            if e["recipient"] == recipient and e["type"] == kind]


def assert_steps(got, want):
    """Each try at its second, or later where the machine is busy, but none
    before: the log, which is what counts, has whole seconds only."""
    assert len(got) == len(want), got
    for a, b in zip(got, want):
        assert b - 1.1 <= a <= b + 4, (got, want)


def failed(env, recipient=SLOW, seconds=40):
    return wait_for(lambda: events(env, recipient, "failed"), seconds,
                    "given up")[0]


def test_linear(env):
    env.start_stack(retry=LINEAR)
    busy = Busy(env)
    queue_id = send(env, SLOW)
    event = failed(env)
    assert event["status"] == 3
    assert "later, please" in event["reason"]
    assert_steps(busy.steps(), [2] * 6)
    assert len(events(env, SLOW, "deferred")) == 7
    wait_for(lambda: f"{queue_id}: retry=given-up" in
             env.daemons.policyd.text, what="said so")
    assert "tries=7" in env.daemons.policyd.text
    # The sender has Postfix's bounce, and nothing is left.
    assert env.postfix.log_lines(rf"{queue_id}: .*status=force-expired")
    wait_for(lambda: not env.redis.client().exists("pn:t:{h:mta1}:of"), 90,
             "the record is gone")


def test_growing(env):
    env.start_stack(retry=GROWING)
    busy = Busy(env, reply="452 4.2.2 mailbox is full")
    send(env, SLOW)
    assert failed(env, seconds=60)["status"] == 5
    assert_steps(busy.steps(), [1, 3, 5, 7, 9])


def test_success_ends_it(env):
    env.start_stack(retry=LINEAR)
    busy = Busy(env)
    busy.reply = ["450 4.2.0 later", "450 4.2.0 later", "250 2.1.5 Ok"]
    env.receivers["good.test"].script[SLOW] = [
        "450 4.2.0 later", "450 4.2.0 later", "250 2.1.5 Ok"]
    send(env, SLOW)
    env.delivered(SLOW)
    wait_for(lambda: events(env, SLOW, "succeeded"))
    client = env.redis.client()
    wait_for(lambda: not client.exists("pn:t:{h:mta1}:of"), 90, "forgotten")
    assert not events(env, SLOW, "failed")
    assert len(env.receivers["good.test"].messages_to(SLOW)) == 1


def test_recipients_of_one_message(env):
    """Several deferred in one attempt count one; of different curves the
    earliest try goes."""
    env.start_stack(retry={**LINEAR, "a": 600, "period": "2h"})
    env.apply("_global", {**story.GLOBAL, "shaping": {
        "mode": "enforce", "filters": [{"name": "hasty", "patterns": [".*@throttle\\.test"],
        "retry": {**LINEAR, "a": 3, "period": "10s"}}]}})
    wait_for(lambda: "global settings: revision 2 in operation" in
             env.daemons.policyd.text, what="the filter")
    busy = Busy(env)
    queue_id = send(env, SLOW, "tom@throttle.test", "ann@throttle.test")

    def record():
        text = env.redis.client().hget("pn:t:{h:mta1}:of", queue_id)
        return text.split("\t") if text else None

    # The hasty curve ends; the other one goes on, so nothing is given up.
    wait_for(lambda: record() and record()[8] == "t" and
             int(record()[1]) > 2, 40, "the slower curve has it")
    _, tries, _, queued, due, *_ = record()
    assert 3 <= int(tries) <= 4
    assert int(due) - int(queued) > 600000
    assert_steps(busy.steps(), [3] * (int(tries) - 1))
    assert not events(env, "ann@throttle.test", "failed")


def test_policyd_is_killed(env):
    """No attempt twice, and the curve goes on."""
    env.start_stack(retry={**LINEAR, "a": 6, "period": "10m"})
    env.postfix.postconf("minimal_backoff_time=10s",
                         "maximal_backoff_time=10s", "queue_run_delay=2s")
    env.postfix.reload()
    busy = Busy(env)
    queue_id = send(env, SLOW)
    wait_for(lambda: len(busy.at) == 2, 20, "the first retry")
    wait_for(lambda: len(events(env, SLOW, "deferred")) == 2)
    env.daemons.policyd.kill()
    env.daemons.policyd.start()
    wait_for(lambda: len(busy.at) == 4, 30, "the next ones")
    assert_steps(busy.steps(), [6] * 3)
    # Away for longer: Postfix's own schedule is the net.
    env.daemons.policyd.kill()
    count = len(busy.at)
    wait_for(lambda: len(busy.at) > count, 60, "Postfix tries it itself")
    assert not env.postfix.log_lines(rf"{queue_id}: .*dsn=4\.3\.0")
    # What happened meanwhile is counted; then as before.
    env.daemons.policyd.start()
    count = len(busy.at)
    wait_for(lambda: len(busy.at) >= count + 3, 60, "the curve goes on")
    assert_steps(busy.steps()[count + 1:], [6] * (len(busy.at) - count - 2))


def test_redis_is_lost(env):
    """Postfix's own net brings the message in again."""
    env.start_stack(retry={**LINEAR, "a": 3, "period": "10m"})
    env.postfix.postconf("minimal_backoff_time=10s",
                         "maximal_backoff_time=10s", "queue_run_delay=2s")
    env.postfix.reload()
    busy = Busy(env)
    queue_id = send(env, SLOW)
    client = env.redis.client()
    wait_for(lambda: len(busy.at) == 2, 20, "a retry")
    client.delete("pn:t:{h:mta1}:of", "pn:t:{h:mta1}:due")
    client.hdel("pn:p:{h:mta1}", "retry")
    count = len(busy.at)
    wait_for(lambda: client.hexists("pn:t:{h:mta1}:of", queue_id), 60,
             "the message is listed again")
    wait_for(lambda: len(busy.at) >= count + 3, 40, "it is tried again")


def test_native_mail_beside_exact(env):
    """Where one curve is exact, the others' mail is tried by the global one,
    and not given up where nobody said so."""
    env.start_stack(retry=LINEAR)
    env.apply("_global", {**story.GLOBAL, "shaping": {"retry": {
        "mode": "native", "method": "linear", "a": 4, "period": "10s"}}})
    wait_for(lambda: "global settings: revision 2 in operation" in
             env.daemons.policyd.text, what="the curve")
    busy = Busy(env)
    env.postfix.send(SLOW, sender="somebody@other.test")
    wait_for(lambda: len(busy.at) == 3, 20)
    assert_steps(busy.steps(), [4, 4])


def clock(seconds):
    """HH:MM of UTC."""
    return time.strftime("%H:%M", time.gmtime(seconds))


def test_window_stops_retries(env):
    """At its begin deferred mail goes into hold, at its end it is tried."""
    env.start_stack(retry={**LINEAR, "a": 5, "period": "1h"})
    busy, other = Busy(env), Busy(env, "tom@good.test")
    # Long enough before the minute for both to be deferred first.
    wait_for(lambda: time.time() % 60 < 30, 40, "the next minute")
    begin = (time.time() // 60 + 1) * 60
    env.apply(story.TENANT, env.settings(
        retry={**LINEAR, "a": 5, "period": "1h"},
        calendar={"time_zone": "UTC"},
        prohibitions=[{
            "name": "break", "from": clock(begin), "to": clock(begin + 60),
            "retries": True,
            "apply": [{"header": "Subject", "pattern": "(?i)retry"}]}]))
    wait_for(lambda: "tenant shop: revision 2 in operation" in
             env.daemons.policyd.text, what="the window")
    queue_id = send(env, SLOW)
    env.postfix.send("tom@good.test", sender=story.SENDER, subject="urgent")
    wait_for(lambda: f"{queue_id}: retry=stopped" in
             env.daemons.policyd.text, 60, "the window begins")
    assert "window=break" in env.daemons.policyd.text
    held = env.api.all("/v1/held")
    assert [h["queue_id"] for h in held] == [queue_id]
    assert held[0]["deferred"] is True and held[0]["rule"] == "break"
    assert (env.postfix.queue / "hold" / queue_id).exists()
    wait_for(lambda: busy.at[-1] >= begin + 59, 120, "the window ends")
    assert not [at for at in busy.at if begin + 2 < at < begin + 59]
    # What does not match goes on as before.
    assert len([at for at in other.at if begin < at < begin + 59]) >= 7
    wait_for(lambda: not env.api.all("/v1/held"), 30, "released")
