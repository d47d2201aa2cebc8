# SPDX-License-Identifier: BSD-2-Clause
"""Held mail while programs are killed and Redis loses everything: nothing is
lost, nothing leaves twice or before its time."""
import os
import random
import re
import signal
import subprocess
import time

from harness.daemons import Daemon
from harness.story import SENDER
from harness.util import run, wait_for
from test_scheduler import (KEY, PRIORITIES, due, in_hold, listed, released,
                            send_many, start, window)

MESSAGES = int(os.environ.get("POSTERN_HELD_MESSAGES", "400"))


def pump(env, count, to="u%d@good.test", subject="order"):
    """Messages to u0..., in some order."""
    for i in range(0, count, 100):
        send_many(env, [(to % n, subject)
                        for n in range(i, min(i + 100, count))])


def seen(env):
    """The scheduler knows when the next message is due; without that it looks
    for what Redis has lost every three minutes only."""
    def knows():
        env.daemons.policyd.process.signal(signal.SIGUSR1)
        return re.search(r"next_due_ms=[1-9]", env.daemons.policyd.text)
    wait_for(knows, what="the scheduler has seen them")


def judge(env, count, seconds=120):
    """Each of u0... has its message, once."""
    receiver = env.receivers["good.test"]
    wait_for(lambda: len(receiver.received) >= count, seconds,
             f"{count} messages")
    wait_for(env.postfix.empty, 60, "Postfix's queue is empty")
    got = sorted(m.recipients[0] for m in receiver.received)
    assert got == sorted(f"u{i}@good.test" for i in range(count))
    wait_for(lambda: listed(env) == 0, 60, "all are forgotten")


def test_everything_is_lost(env):
    """FLUSHALL: what is held is found, judged again, and leaves in time."""
    start(env, prohibitions=[window(), window(r".*@slow\.test", "other")])
    pump(env, 40)
    slow = env.postfix.send("u@slow.test", sender=SENDER, subject="Later")
    wait_for(lambda: len(in_hold(env)) == 41, what="all are held")
    seen(env)
    before = {r["queue_id"]: r for r in env.api.all("/v1/held")}
    r = env.redis.client()
    r.delete(*r.keys("pn:h:*"), *r.keys("pn:m:*"))
    wait_for(lambda: listed(env) == 41, 30, "all are listed again")
    after = {r["queue_id"]: r for r in env.api.all("/v1/held")}
    # The sender as it came is lost; the envelope has the one as it leaves.
    same = ("tenant", "reason", "rule", "release", "priority", "arrived",
            "recipient", "subject")
    assert {i: [m[k] for k in same] for i, m in before.items()} == \
        {i: [m[k] for k in same] for i, m in after.items()}
    assert len(in_hold(env)) == 41
    due(env, 1)
    judge(env, 40)
    env.delivered("u@slow.test")
    wait_for(lambda: [e for e in env.api.all("/v1/events", type="succeeded")
                      if e["queue_id"] == slow and e["subject"] == "Later"],
             30, "its events know the message again")


def test_flushall(env):
    """Settings and all are gone: the daemons go on with the last ones."""
    start(env, prohibitions=[window()])
    pump(env, 20)
    wait_for(lambda: len(in_hold(env)) == 20, what="all are held")
    seen(env)
    env.redis.client().flushall()
    wait_for(lambda: listed(env) == 20, 30, "all are listed again")
    due(env, 1)
    judge(env, 20)


def test_killed_while_mail_leaves(env):
    """policyd, its helper, Redis and the milter die again and again while a
    window's mail is released."""
    start(env, scheduler={"release_per_second": 40},
          prohibitions=[window()], priorities=PRIORITIES)
    pump(env, MESSAGES)
    wait_for(lambda: len(in_hold(env)) == MESSAGES, what="all are held")
    due(env, 0)
    chance = random.Random(4)
    wait_for(lambda: released(env), 30, "the first ones leave")
    for _ in range(8):
        what = chance.choice(("policyd", "policyd", "redis", "milter"))
        if what == "redis":
            env.redis.kill()
            env.redis.start()
        else:
            env.daemons.of[what].kill()
            env.daemons.of[what].start()
        n = len(released(env))
        wait_for(lambda: len(released(env)) > n or not in_hold(env), 60,
                 "it goes on")
    judge(env, MESSAGES)


def test_the_helper_dies(env):
    """policyd ends with its helper; started again, it goes on."""
    start(env, prohibitions=[window()])
    pump(env, 5)
    daemon = env.daemons.policyd
    children = run(["pgrep", "-P", str(daemon.process.pid)]).stdout.split()
    assert children
    for pid in children:
        os.kill(int(pid), 9)
    wait_for(lambda: not daemon.process.alive(), what="policyd ends")
    due(env, 0)
    daemon.process = None
    daemon.start()
    judge(env, 5)


def test_nobody_would_release(env):
    """The gate is open when no scheduler has told it anything lately."""
    start(env, scheduler={"max_in_flight": 1}, priorities=PRIORITIES)
    send_many(env, [(f"u{i}@slow.test", "newsletter") for i in range(6)])
    wait_for(lambda: in_hold(env), what="some wait")
    env.daemons.policyd.kill()
    wait_for(lambda: time.time() * 1000 - float(
        env.redis.client().hget(KEY + "gate", "t") or 0) > 5500, 10)
    subprocess.run(["sendmail", "-C", env.postfix.config, "-f", SENDER,
                    "mia@good.test"], check=True, timeout=30,
                   input=b"Subject: newsletter\nFrom: news@shop.test\n\nx\n",
                   env={**os.environ, "MAIL_CONFIG": str(env.postfix.config)})
    # Without policyd it has no transport, but it is not held.
    wait_for(lambda: env.postfix.log_lines("to=<mia@good.test>"),
             what="it is tried")
    env.daemons.policyd.start()
    env.delivered("mia@good.test")
    for i in range(6):
        env.delivered(f"u{i}@slow.test", seconds=60)
    assert len(env.receivers["slow.test"].received) == 6


def test_two_of_one_host(env):
    """A second policyd with the same host_name, by mistake."""
    start(env, prohibitions=[window()])
    pump(env, 100)
    wait_for(lambda: len(in_hold(env)) == 100, what="all are held")
    second = env.daemons.config.with_name("second.conf")
    text = env.daemons.config.read_text()
    second.write_text(text.replace("policyd.sock", "policyd2.sock")
                      .replace("map.sock", "map2.sock")
                      .replace("auth.sock", "auth2.sock"))
    other = Daemon("policyd", second, env.logs / "policyd2.log",
                   [env.postfix.queue / "postern" / "policyd2.sock"])
    other.start()
    try:
        due(env, 0)
        judge(env, 100)
    finally:
        other.stop()


def test_stopped_retries_are_known_again(env):
    """Deferred mail that policyd has held bears no mark of the milter."""
    start(env)
    env.receivers["good.test"].script["rcpt"] = "450 4.2.0 later"
    ids = send_many(env, [(f"u{i}@good.test", "order") for i in range(2)])
    for i in ids:
        wait_for(lambda: env.postfix.log_lines(f"{i}: .*status=deferred"))
        run(["postsuper", "-c", env.postfix.config, "-h", i])
    del env.receivers["good.test"].script["rcpt"]
    env.daemons.policyd.stop()
    (env.folder / "state" / "held-ids").write_text(f"{ids[0]}\n")
    env.daemons.policyd.start()
    env.delivered("u0@good.test", seconds=30)
    assert in_hold(env) == {ids[1]}
