# SPDX-License-Identifier: BSD-2-Clause
"""Held mail leaves when its time has come, the better one first, each message
once; people can look at it, release it and drop it."""
import concurrent.futures
import json
import re
import time

from harness.story import API_KEY, API_USER, GLOBAL, SENDER
from harness.util import run, wait_for

HOST = "mta1"
KEY = "pn:h:{h:mta1}:"


def clock(seconds):
    """HH:MM of so many seconds from now."""
    return time.strftime("%H:%M", time.gmtime(time.time() + seconds))


def window(pattern=r".*@good\.test", name="night", seconds=3600):
    """A prohibited time that has begun and ends in an hour or so."""
    return {"name": name, "apply": [{"header": "To", "pattern": pattern}],
            "from": clock(-60), "to": clock(seconds)}


PRIORITIES = [
    {"name": "password", "header": "Subject", "pattern": "password.*",
     "priority": 90},
    {"name": "newsletter", "header": "Subject", "pattern": "newsletter.*",
     "priority": 10},
]


def start(env, scheduler=None, **settings):
    env.start_stack(**settings)
    if scheduler:
        env.apply("_global", {**GLOBAL, "scheduler": scheduler})
        wait_for(lambda: env.daemons.policyd.text.count(
            "global settings: revision") > 1, what="policyd has it")


def in_hold(env):
    """Queue ids in Postfix's hold queue."""
    return {m["queue_id"] for m in env.postfix.queued()
            if m["queue_name"] == "hold"}


def due(env, seconds, only=None):
    """What is held becomes due so many seconds from now."""
    at = int((time.time() + seconds) * 1000)
    r = env.redis.client()
    ids = [i for i in r.zrange(KEY + "due", 0, -1) if not only or i in only]
    r.zadd(KEY + "due", {i: at for i in ids}, xx=True)
    return at / 1000


def released(env):
    """Queue ids in the order in which Postfix released them."""
    return [re.search(r": (\w+): released from hold", line).group(1)
            for line in env.postfix.log_lines("released from hold")]


def listed(env):
    return env.redis.client().hlen(KEY + "of")


def send_many(env, mails):
    """(to, subject) each; queue ids in their order."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda m: env.postfix.send(
            m[0], sender=SENDER, subject=m[1]), mails))


def test_in_order(env):
    """Priority first, then the time of arrival; nobody gets anything twice,
    and no trace of the hold goes out."""
    start(env, prohibitions=[window()], priorities=PRIORITIES)
    wanted = []
    for kind in ("newsletter", "order", "password"):
        wanted.insert(0, [env.postfix.send(
            f"{kind}{i}@good.test", sender=SENDER, subject=f"{kind} {i}")
            for i in range(10)])
    wait_for(lambda: len(in_hold(env)) == 30, what="all are held")
    assert listed(env) == 30
    assert not env.receivers["good.test"].received
    due(env, 2)
    for kind in ("newsletter", "order", "password"):
        for i in range(10):
            env.delivered(f"{kind}{i}@good.test")
    assert released(env) == sum(wanted, [])
    assert len(env.receivers["good.test"].received) == 30
    for m in env.receivers["good.test"].received:
        assert b"X-Postern-Held" not in m.data
    wait_for(lambda: listed(env) == 0, what="all are forgotten")
    text = env.daemons.policyd
    text.process.signal(10)
    wait_for(lambda: "released=30" in text.text, what="the state")


def test_a_window_ends(env):
    """By the clock: nothing before, everything behind."""
    # A whole minute that is not about to end.
    wait_for(lambda: time.gmtime().tm_sec < 50, 15)
    end = (int(time.time()) // 60 + 1) * 60
    start(env, prohibitions=[window(seconds=end - time.time() + 1)])
    for i in range(5):
        env.postfix.send(f"mia{i}@good.test", sender=SENDER)
    if time.time() < end - 1:
        assert len(in_hold(env)) == 5
    assert env.postfix.send("tim@full.test", sender=SENDER) not in in_hold(env)
    for i in range(5):
        at = env.delivered(f"mia{i}@good.test", seconds=80)[0].at
        assert at >= end


def test_priority(env):
    """While delivery is busy a better message overtakes what waits."""
    start(env, scheduler={"max_in_flight": 2}, priorities=PRIORITIES)
    low = [(f"n{i}@slow.test", f"newsletter {i}") for i in range(12)]
    send_many(env, low)
    wait_for(lambda: len(in_hold(env)) > 4, what="some wait")
    high = env.postfix.send("eva@slow.test", sender=SENDER,
                            subject="password reset")
    env.delivered("eva@slow.test", seconds=60)
    got = [m.recipients[0] for m in env.receivers["slow.test"].received]
    # Those in flight, and some that were on their way.
    assert got.index("eva@slow.test") < 9, got
    for to, _ in low:
        env.delivered(to, seconds=90)
    got = [m.recipients[0] for m in env.receivers["slow.test"].received]
    assert len(got) == len(set(got)) == 13
    assert high not in in_hold(env)


def test_administrators_hold(env):
    """What was held by postsuper -h is nobody's business but his."""
    start(env)
    env.receivers["good.test"].script["rcpt"] = "450 4.2.0 later"
    queue_id = env.postfix.send("mia@good.test", sender=SENDER)
    wait_for(lambda: env.postfix.log_lines(f"{queue_id}: .*status=deferred"))
    run(["postsuper", "-c", env.postfix.config, "-h", queue_id])
    del env.receivers["good.test"].script["rcpt"]
    env.daemons.policyd.restart()
    wait_for(lambda: 'reason="not_ours"} 1' in
             env.cli.run("metrics").stdout.replace('host="mta1",', ""), 30,
             "it is seen")
    assert in_hold(env) == {queue_id}
    assert listed(env) == 0


def test_held_again_by_hand(env):
    """The milter's mark does not make it ours for ever."""
    start(env, prohibitions=[window()])
    env.receivers["good.test"].script["rcpt"] = "450 4.2.0 later"
    queue_id = env.postfix.send("mia@good.test", sender=SENDER)
    wait_for(lambda: queue_id in in_hold(env), what="it is held")
    env.cli.run("held", "release", queue_id)
    wait_for(lambda: [e for e in env.api.all("/v1/events", type="deferred")],
             what="it is deferred")
    run(["postsuper", "-c", env.postfix.config, "-h", queue_id])
    env.daemons.policyd.restart()
    wait_for(lambda: 'reason="not_ours"} 1' in
             env.cli.run("metrics").stdout.replace('host="mta1",', ""), 30,
             "it is seen")
    assert in_hold(env) == {queue_id} and listed(env) == 0


# ---- people ----

def test_command(env):
    start(env, prohibitions=[window(), window(r".*@slow\.test", "weekend")],
          priorities=PRIORITIES)
    ids = send_many(env, [(f"u{i}@good.test", "order") for i in range(6)])
    slow = env.postfix.send("u@slow.test", sender=SENDER,
                            subject="password reset")
    wait_for(lambda: len(in_hold(env)) == 7, what="all are held")
    rows = [json.loads(line) for line in
            env.cli.run("held", "list", "--json").stdout.splitlines()]
    assert {r["queue_id"] for r in rows} == {*ids, slow}
    assert all(r["host"] == HOST and r["tenant"] == "shop" and
               r["reason"] == "window" and r["waits_for"] == "time"
               for r in rows)
    text = env.cli.run("held", "list", "--rule", "weekend").stdout
    assert slow in text and "u@slow.test" in text and len(
        text.splitlines()) == 2
    assert env.cli.run("held", "list", "--reason", "scan").stdout == ""
    assert "Priority:    90" in env.cli.run("held", "show", slow).stdout
    assert env.cli.run("held", "show", "4nosuchid", check=False).returncode
    assert env.cli.run("held", "list", "x", check=False).returncode == 64
    assert env.cli.run("held", "drop", check=False).returncode == 64

    # By hand a window does not matter.
    assert "1 released" in env.cli.run("held", "release", ids[0]).stdout
    env.delivered("u0@good.test")
    # Kept, whatever the clock says.
    env.cli.run("held", "hold", ids[1])
    due(env, 0, only=ids[2:3])
    env.delivered("u2@good.test")
    show = env.cli.json("held", "show", ids[1], "--json")
    assert show["waits_for"] == "person" and show["reason"] == "hand"
    # Dropping many is asked about.
    refused = env.cli.run("held", "drop", "--all", "--rule", "night",
                          check=False)
    assert refused.returncode and "--yes" in refused.stderr
    assert len(in_hold(env)) == 5
    done = env.cli.run("held", "drop", ids[3], ids[4], "--yes")
    assert "2 dropped" in done.stdout
    wait_for(lambda: in_hold(env) == {ids[1], ids[5], slow})
    failed = wait_for(lambda: [e for e in env.api.all(
        "/v1/events", type="failed") if e["queue_id"] == ids[3]])
    assert failed[0]["recipient"] == "u3@good.test"
    assert (failed[0]["status"], failed[0]["origin"]) == (99, "cli")
    env.cli.run("held", "release", "--all")
    for to in ("u1@good.test", "u5@good.test", "u@slow.test"):
        env.delivered(to)
    assert not in_hold(env) and listed(env) == 0
    got = [m.recipients[0] for m in env.receivers["good.test"].received]
    assert sorted(got) == [f"u{i}@good.test" for i in (0, 1, 2, 5)]
    audit = env.redis.client().xrange(
        "pn:a:{shop}:" + time.strftime("%Y%m%d", time.gmtime()))
    actions = [e[1]["action"] for e in audit]
    assert {"held_release", "held_drop", "held_hold"} <= set(actions)


def test_api(env):
    """Pages, one record, release and drop; another tenant sees nothing."""
    env.start_stack(prohibitions=[window()])
    env.apply("other", {"title": "Other", "api_users": [{
        "name": "other", "key": "other-key-0123456789", "enabled": True,
        "access": ["api"], "permissions": ["read", "write"]}]})
    ids = send_many(env, [(f"u{i}@good.test", "order") for i in range(7)])
    wait_for(lambda: len(in_hold(env)) == 7, what="all are held")
    rows = env.api.all("/v1/held", limit=2)
    assert [r["queue_id"] for r in rows] and {
        r["queue_id"] for r in rows} == set(ids)
    status, one = env.api.get(f"/v1/held/{HOST}/{ids[0]}")
    assert status == 200 and one["rule"] == "night"
    assert env.api.get(f"/v1/held/{HOST}/nosuch")[0] == 404
    assert env.api.get("/v1/held", host="nosuch")[1]["data"] == []
    assert env.api.get("/v1/held", cursor="x")[0] == 400

    env.api.user, env.api.key = "other", "other-key-0123456789"
    wait_for(lambda: env.api.get("/v1/held")[0] == 200, what="a second user")
    assert env.api.get("/v1/held")[1]["data"] == []
    assert env.api.get(f"/v1/held/{HOST}/{ids[0]}")[0] == 404
    assert env.api.delete(f"/v1/held/{HOST}/{ids[0]}")[0] == 404
    env.api.user, env.api.key = API_USER, API_KEY

    assert env.api.post(f"/v1/held/{HOST}/{ids[0]}/release")[0] == 202
    env.delivered("u0@good.test")
    assert env.api.delete(f"/v1/held/{HOST}/{ids[1]}")[0] == 202
    wait_for(lambda: env.api.get(f"/v1/held/{HOST}/{ids[1]}")[0] == 404)
    failed = wait_for(lambda: env.api.get(
        "/v1/events", type="failed")[1]["data"])
    assert [(e["queue_id"], e["status"], e["origin"]) for e in failed] == [
        (ids[1], 99, "api")]
    assert in_hold(env) == set(ids[2:])
