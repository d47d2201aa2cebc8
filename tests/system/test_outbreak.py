# SPDX-License-Identifier: BSD-2-Clause
"""Counting that does not punish the innocent: one answer for many recipients,
deliveries that end blocks, conditions tried on what has happened."""
import collections
import itertools
import json

import pytest
from harness.daemons import Daemon
from harness.story import SENDER, TENANT
from harness.util import wait_for, write
from test_bounces import FULL, UNKNOWN, Loop, condition

GUARD = {"recipients": 30, "share_percent": 50, "window": "10m",
         "freeze": "1h"}
BROKEN = ("5.1.1", "host mx[192.0.2.1] said: 550 5.1.1 Directory not "
          "reachable, id %s (in reply to RCPT TO command)")


class Guarded(Loop):
    """As Loop, with settings for the outbreak guard."""

    def __init__(self, env, *blocking, **outbreak):
        super().__init__(env, list(blocking))
        document = {"api_users": [{
            "name": env.api.user, "key": env.api.key, "enabled": True,
            "access": ["api"], "permissions": ["read", "write"]}],
            "outbreak": {**GUARD, **outbreak}}
        if blocking:
            document["blocking"] = list(blocking)
        env.apply("default", document)
        for daemon in (env.daemons.bounced, env.daemons.apid):
            wait_for(lambda: "tenant default: revision 2" in daemon.text,
                     what="the settings")
        self.ids = itertools.count(7000)

    def fail_broken(self, to):
        return self.fail(to, (BROKEN[0], BROKEN[1] % next(self.ids)))

    def outbreaks(self):
        return self.env.api.all("/v1/outbreaks")

    def all_events(self, *types):
        return [e for e in self.env.api.all("/v1/events")
                if e["type"] in types]

    def blocked(self):
        return {b["address"] for b in self.env.api.all("/v1/blocks")}


@pytest.fixture
def guarded(base):
    return lambda *blocking, **outbreak: Guarded(base, *blocking, **outbreak)


# ---- with Postfix, and a provider ----

def test_a_provider_that_answers_all_the_same(env):
    """60 recipients of one provider get one 550: the good ones are free
    again; what is told, and where."""
    env.start_stack(outbreak=GUARD)
    receiver = env.receivers["good.test"]
    number = itertools.count(1)
    receiver.script["rcpt"] = lambda to: \
        f"550 5.1.1 <{to}>: mailbox store {next(number)} is not there"

    def send(count, prefix):
        for i in range(count):
            env.postfix.send(f"{prefix}{i}@good.test", sender=SENDER)

    send(20, "a")
    wait_for(lambda: len(env.api.all("/v1/blocks")) == 20, 60,
             what="20 blocks")
    assert env.api.all("/v1/outbreaks") == []
    send(40, "b")
    wait_for(lambda: env.api.all("/v1/outbreaks"), 60, what="an outbreak")
    wait_for(lambda: env.api.all("/v1/blocks") == [], 60,
             what="all are released")
    outbreak, = env.api.all("/v1/outbreaks")
    assert outbreak["provider"] == "@good.test"
    assert outbreak["answer"] == "550 5.1.1 @ mailbox store # is not there"
    assert outbreak["ended"] is None
    assert outbreak["released"] >= 20
    assert "outbreak=" + outbreak["id"] in env.daemons.bounced.text
    events = env.api.all("/v1/events")
    alarm, = [e for e in events if e["type"] == "alarm"]
    assert alarm["origin"] == "outbreak"
    assert outbreak["id"] in alarm["reason"]
    free = [e for e in events if e["type"] == "unblocked"]
    assert {e["origin"] for e in free} == {"outbreak"}
    assert collections.Counter(e["recipient"] for e in free) == \
        collections.Counter(e["recipient"] for e in events
                            if e["type"] == "blocked")
    # The operator sees it.
    assert outbreak["id"] in env.cli.run(
        "blocks", "-t", TENANT, "outbreaks").stdout
    assert f"outbreak {outbreak['id']}" in env.cli.run(
        "doctor", check=False).stdout
    # An answer of another kind counts.
    receiver.script["gone@good.test"] = "550 5.1.1 no such user here"
    env.postfix.send("gone@good.test", sender=SENDER)
    wait_for(lambda: [b["address"] for b in env.api.all("/v1/blocks")] ==
             ["gone@good.test"], 60, what="a true block")
    # Ended by hand: it counts again, and that is told, once.
    env.cli.run("blocks", "-t", TENANT, "outbreaks", "release",
                outbreak["id"])
    env.postfix.send("late@good.test", sender=SENDER)
    wait_for(lambda: len(env.api.all("/v1/blocks")) == 2, 60,
             what="it counts again")
    wait_for(lambda: len([e for e in env.api.all("/v1/events")
                          if e["type"] == "alarm"]) == 2, 60,
             what="its end is told")
    assert env.api.all("/v1/outbreaks")[0]["ended_by"] == "cli"
    assert env.cli.run("blocks", "-t", TENANT, "outbreaks", "release",
                       outbreak["id"], check=False).returncode != 0


# ---- from the log ----

def test_a_mix_of_unknown_users_is_none(guarded):
    loop = guarded()
    for i in range(40):
        loop.fail(f"gone{i}@a.test")
        for k in range(2):
            queue_id = loop.queue(f"good{i}x{k}@a.test")
            loop.sent(queue_id, f"good{i}x{k}@a.test")
            loop.removed(queue_id)
    loop.settled()
    assert len([a for a in loop.blocked() if a.startswith("gone")]) == 40
    assert loop.outbreaks() == []


def test_many_providers_are_none(guarded):
    loop = guarded()
    for i in range(60):
        loop.fail(f"gone@d{i}.test")
    loop.settled()
    assert len([a for a in loop.blocked() if a.startswith("gone")]) == 60
    assert loop.outbreaks() == []


def test_it_may_be_off(guarded):
    loop = guarded(enabled=False)
    for i in range(60):
        loop.fail(f"gone{i}@a.test")
    loop.settled()
    assert len([a for a in loop.blocked() if a.startswith("gone")]) == 60


def test_killed_again_and_again(guarded):
    """Each block that was told and each that was taken back: once."""
    loop = guarded(condition(2), recipients=150)
    bounced = loop.env.daemons.bounced
    for i in range(400):
        loop.fail_broken(f"u{i}@a.test")
        if i % 40 == 20:
            bounced.kill()
            bounced.start()
    loop.settled()
    wait_for(lambda: len(loop.all_events("failed")) >= 400,
             what="all are read")
    assert not [a for a in loop.blocked() if a.endswith("@a.test")]
    told = collections.Counter(
        (e["recipient"], e["type"]) for e in loop.all_events(
            "blocked", "unblocked") if e["recipient"].endswith("@a.test"))
    assert set(told.values()) <= {1}
    assert {r for r, t in told if t == "blocked"} == \
        {r for r, t in told if t == "unblocked"}
    assert len(loop.all_events("alarm")) == 1
    assert len(loop.outbreaks()) == 1


class Second:
    """Another host's bounced on the same Redis."""

    def __init__(self, loop):
        env, self.loop = loop.env, loop
        self.log = env.postfix.log.with_name("mail2.log")
        write(self.log, "", 0o644)
        state = env.folder / "state2"
        state.mkdir()
        state.chmod(0o777)
        socket = env.postfix.queue / "postern" / "bounced2.sock"
        config = write(env.folder / "etc" / "second.conf", "".join(
            f"{k} = {v}\n" for k, v in {
                **env.daemons.parameters, "host_name": "mta2",
                "state_directory": state, "maillog": self.log,
                "bounced_listen": f"unix:{socket}"}.items()))
        self.daemon = Daemon("bounced", config, env.logs / "bounced2.log",
                             [socket])
        self.daemon.start()
        wait_for(lambda: env.redis.client().hgetall("pn:ck:{h:mta2}"),
                 what="the first checkpoint")

    def fail_broken(self, to):
        first, self.loop.env.postfix.log = self.loop.env.postfix.log, self.log
        try:
            self.loop.fail_broken(to)
        finally:
            self.loop.env.postfix.log = first


def test_two_hosts_notice_together(guarded):
    loop = guarded(condition(2))
    second = Second(loop)
    try:
        for i in range(20):
            loop.fail_broken(f"u{i}@a.test")
        wait_for(lambda: len(loop.blocked()) == 20, what="20 blocks")
        for i in range(20):
            second.fail_broken(f"v{i}@a.test")
        wait_for(lambda: loop.outbreaks(), what="an outbreak")
        wait_for(lambda: not loop.blocked(), what="all are released")
        # It holds for both.
        for i in range(5):
            loop.fail_broken(f"w{i}@a.test")
            second.fail_broken(f"x{i}@a.test")
        loop.settled()
        assert not [a for a in loop.blocked() if a.endswith("@a.test")]
        assert len(loop.all_events("alarm")) == 1
        assert len(loop.outbreaks()) == 1
        # Its end is told once, too, by one of them.
        outbreak, = loop.outbreaks()
        assert loop.env.api.delete("/v1/outbreaks/",
                                   outbreak["id"])[0] == 204
        assert loop.env.api.delete("/v1/outbreaks/",
                                   outbreak["id"])[0] == 404
        wait_for(lambda: len(loop.all_events("alarm")) == 2, 40,
                 what="its end is told")
    finally:
        second.daemon.stop()
    assert len(loop.all_events("alarm")) == 2


# ---- successes ----

def deliver(loop, to):
    queue_id = loop.queue(to)
    loop.sent(queue_id, to)
    loop.removed(queue_id)


def test_a_delivery_ends_a_block(guarded):
    loop = guarded(condition(5, count=2), condition(2, count=2))
    for _ in range(2):
        loop.fail("full@a.test", FULL)
        loop.fail("gone@a.test")
    wait_for(lambda: loop.blocked() == {"full@a.test", "gone@a.test"},
             what="two blocks")
    # Mail that was in the queue already.
    deliver(loop, "full@a.test")
    deliver(loop, "gone@a.test")
    wait_for(lambda: loop.blocked() == {"gone@a.test"},
             what="one is lifted")
    event, = loop.all_events("unblocked")
    assert (event["recipient"], event["origin"]) == ("full@a.test", "success")
    # The count begins anew.
    loop.fail("full@a.test", FULL)
    deliver(loop, "full@a.test")
    loop.fail("full@a.test", FULL)
    loop.settled()
    assert "full@a.test" not in loop.blocked()
    loop.fail("full@a.test", FULL)
    wait_for(lambda: "full@a.test" in loop.blocked(), what="blocked again")


def test_deliveries_cost_no_command_each(guarded):
    loop = guarded()
    loop.settled()

    before = loop.env.redis.client().info("commandstats")
    for i in range(2000):
        queue_id = loop.queue(f"u{i}@a.test")
        loop.sent(queue_id, f"u{i}@a.test")
    wait_for(lambda: len(loop.all_events("succeeded")) == 2000, 60,
             what="all are read")
    loop.settled()
    after = loop.env.redis.client().info("commandstats")
    asked = after["cmdstat_sismember"]["calls"] - \
        before.get("cmdstat_sismember", {"calls": 0})["calls"]
    assert asked >= 2000  # inside of few scripts:
    assert after["cmdstat_evalsha"]["calls"] - \
        before["cmdstat_evalsha"]["calls"] < 1000


# ---- complaints ----

def complain(loop, to, origin=""):
    """As if a report had been read."""
    client = loop.env.redis.client()
    stream = max(client.scan_iter("pn:ev:{h:mta1}:*"))
    client.xadd(stream, {"e": "\t".join(["c", to, "", "", "", "", "", "",
                                         origin])})


def test_complaints_count_by_a_condition_of_their_own(guarded):
    loop = guarded()
    loop.settled()
    complain(loop, "annoyed@a.test")
    complain(loop, "maybe@a.test", origin="unsigned")
    wait_for(lambda: "annoyed@a.test" in loop.blocked(), what="the block")
    block = loop.block("annoyed@a.test")
    assert (block.get("status", 0), block["origin"]) == (0, "complaint")
    event, = [e for e in loop.all_events("blocked")
              if e["recipient"] == "annoyed@a.test"]
    assert event["origin"] == "complaint"
    # A delivery is no change of mind.
    deliver(loop, "annoyed@a.test")
    loop.fail("late@a.test")
    loop.settled()
    assert "annoyed@a.test" in loop.blocked()
    assert "maybe@a.test" not in loop.blocked()
    lines = loop.env.cli.run("blocks", "would", "--complaints", "--count",
                             "1", "--json").stdout.splitlines()
    assert json.loads(lines[0])["address"] == "annoyed@a.test"
    assert json.loads(lines[-1])["errors"] == 2
    assert "1 released" in loop.env.cli.run(
        "blocks", "lift", "--origin", "complaint", "--yes").stdout


def test_whose_fault_it_is(guarded):
    """A class that is not the recipient's fault counts only on demand."""
    loop = guarded(condition(4, any_fault=False), condition(5))
    spam = ("5.7.1", "host mx[192.0.2.1] said: 554 5.7.1 Message rejected as "
            "spam")
    system = ("4.3.1", "host mx[192.0.2.1] said: 552 4.3.1 Insufficient "
              "system storage")
    loop.fail("spam@a.test", spam)
    loop.fail("disk@a.test", system)
    loop.fail("full@a.test", FULL)
    loop.settled()
    assert "full@a.test" in loop.blocked()
    assert not {"spam@a.test", "disk@a.test"} & loop.blocked()
    tried = loop.env.cli.run("blocks", "would", "--status", "4", "--count",
                             "1", "--any-fault").stdout
    assert "spam@a.test" in tried


# ---- releasing many ----

def test_lift(guarded):
    loop = guarded(condition(2), condition(5))
    for i in range(5):
        loop.fail(f"gone{i}@a.test")
        loop.fail(f"full{i}@a.test", FULL)
    loop.env.cli.run("blocks", "add", "hand@a.test")
    wait_for(lambda: len(loop.blocked()) == 11, what="all are blocked")
    cli = loop.env.cli
    assert cli.run("blocks", "lift", check=False).returncode == 64
    assert cli.run("blocks", "lift", "--status", "2", "--to", "2020-01-01",
                   "--yes").stdout.startswith("0 blocked")
    assert cli.run("blocks", "lift", "--status", "2",
                   "--dry-run").stdout == "5 blocked addresses are meant\n"
    assert len(loop.blocked()) == 11
    assert "5 released" in cli.run("blocks", "lift", "--status", "2",
                                   "--yes").stdout
    assert loop.blocked() == {"hand@a.test"} | {
        f"full{i}@a.test" for i in range(5)}
    events = loop.all_events("unblocked")
    assert {(e["recipient"], e["origin"]) for e in events} == {
        (f"gone{i}@a.test", "cli") for i in range(5)}
    # Their counts begin anew, and old errors do not come back.
    api = loop.env.api
    assert api.post("/v1/blocks/lift", body={})[0] == 400
    assert api.post("/v1/blocks/lift", body={
        "origin": "bounce", "dry_run": True}) == (200, {
            "found": 5, "released": 0, "has_more": False,
            "next_cursor": None})
    assert api.post("/v1/blocks/lift", body={"origin": "bounce"})[1][
        "released"] == 5
    assert loop.blocked() == {"hand@a.test"}


# ---- trying a condition ----

def test_would(guarded):
    loop = guarded({"status": 2, "enabled": False})
    for i in range(4):
        for _ in range(i + 1):
            loop.fail(f"u{i}@a.test")
    wait_for(lambda: len(loop.all_events("failed")) == 10,
             what="all are read")
    cli = loop.env.cli
    lines = [json.loads(line) for line in cli.run(
        "blocks", "would", "--status", "2", "--count", "3", "--days", "2",
        "--json").stdout.splitlines()]
    assert [r["address"] for r in lines[:-1]] == ["u2@a.test", "u3@a.test"]
    assert lines[-1]["blocked"] == 2
    assert lines[-1]["errors"] == 10
    assert lines[-1]["addresses"] == 4
    text = cli.run("blocks", "would", "--status", "2", "--count", "1").stdout
    assert "4 would have been blocked" in text
    assert cli.run("blocks", "would", "--count", "1",
                   check=False).returncode == 64
    status, answer = loop.env.api.post("/v1/blocks/dry-run", body={
        "status": 2, "count": 3})
    assert status == 200
    assert [r["address"] for r in answer["data"]] == ["u2@a.test",
                                                      "u3@a.test"]
    assert answer["complete"] and answer["blocked"] == 2
    assert loop.env.api.post("/v1/blocks/dry-run",
                             body={"count": 3})[0] == 400
    assert loop.blocked() == set()


def test_what_would_be_blocked_is_what_is_blocked(guarded):
    """The same history, first counted, then tried."""
    loop = guarded(condition(2, count=2, once_per_day=True),
                   condition(5, count=2))
    for i in range(30):
        for _ in range(i % 4):
            loop.fail(f"u{i}@a{i}.test", FULL)
            if i % 3 == 0:
                deliver(loop, f"u{i}@a{i}.test")
    loop.fail("marker@x.test", UNKNOWN)
    wait_for(lambda: loop.record("marker@x.test"), what="the marker")
    tried = {json.loads(line)["address"] for line in loop.env.cli.run(
        "blocks", "would", "--status", "5", "--count", "2",
        "--lift-on-success", "--json").stdout.splitlines()[:-1]}
    assert tried == {e["recipient"] for e in loop.all_events("blocked")}
