# SPDX-License-Identifier: BSD-2-Clause
"""Transports of shaping filters in a real Postfix: made from the settings by
the queue helper, kept as they are wanted, and taken away again."""
import re
import time

import pytest

from harness import story
from harness.authority import Authority
from harness.receiver import Receiver
from harness.submission import Submission
from harness.util import run, wait_for


class Counting(Receiver):
    """Who connects, and how many at once."""

    def __init__(self, *args):
        super().__init__(*args)
        self.peers, self.now, self.most = [], 0, 0

    def _serve(self, s):
        with self.lock:
            self.peers.append(s.getpeername()[0])
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            super()._serve(s)
        finally:
            with self.lock:
                self.now -= 1


@pytest.fixture
def sending(env):
    """Everything runs, with a provider "big" that has two domains."""
    env.big = Counting("127.0.3.1", "mx.big.test")
    env.dns.host("relay.test", "127.0.3.9")
    for domain in ("one.test", "two.test"):
        env.dns.mx(domain, ("mx.big.test", "127.0.3.1"))
    env.receivers["one.test"] = env.big
    env.start_stack()
    shape(env)
    env.enable(story.RETURN_DOMAIN)
    env.postfix.reload()
    return env


def shape(env, *filters, mode="enforce", **more):
    """Put these filters in force, in the settings."""
    env.apply("_global", {**story.GLOBAL, "shaping": {
        "mode": mode, "providers": False, "filters": list(filters), **more}})


def master_cf(env):
    return run(["postconf", "-c", env.postfix.config, "-M"]).stdout


def services(env):
    """Ours, by name."""
    return {line.split()[0]: line for line in master_cf(env).splitlines()
            if line.startswith("pn-")}


def wait_services(env, *names):
    wait_for(lambda: sorted(services(env)) == sorted(names), 30, names)


def wait_applied(env, count):
    wait_for(lambda: f"transports={count}, " in env.daemons.policyd.text, 30)


BIG = {"name": "big", "patterns": [".*@(one|two)\\.test"], "connections": 2}


def test_made_changed_and_taken_away(sending):
    env = sending
    before = {name: (env.postfix.config / name).read_bytes()
              for name in ("main.cf", "master.cf")}
    shape(env, BIG, {"name": "other", "patterns": [".*@x\\.test"],
                     "connections": 7})
    wait_services(env, "pn-big", "pn-other")
    wait_applied(env, 2)
    line = services(env)["pn-big"].split()
    assert line[:8] == ["pn-big", "unix", "-", "-", "y", "-", "2", "smtp"]
    assert "smtp_delivery_status_filter=" \
        "socketmap:unix:postern/map.sock:pace-big" in line
    main_cf = (env.postfix.config / "main.cf").read_text()
    assert "pn-other_destination_concurrency_limit = 7\n" in main_cf
    # Mail goes by it, and the log follower sees that.
    env.postfix.send("anna@one.test", sender=story.SENDER)
    env.delivered("anna@one.test")
    wait_for(lambda: env.postfix.log_lines(
        "postfix/pn-big/smtp.*to=<anna@one.test>.*status=sent"))
    wait_for(lambda: env.api.all("/v1/events", type="succeeded",
                                 recipient="anna@one.test"))
    # Another number: one edit each.
    shape(env, {**BIG, "connections": 3})
    wait_services(env, "pn-big")
    wait_applied(env, 1)
    wait_for(lambda: services(env)["pn-big"].split()[6] == "3")
    # None: both files are as they were, to the octet.
    shape(env, BIG, mode="observe")
    wait_services(env)
    wait_applied(env, 0)
    for name, octets in before.items():
        assert (env.postfix.config / name).read_bytes() == octets, name
    env.postfix.send("bert@one.test")
    env.delivered("bert@one.test")
    assert env.postfix.log_lines(
        "postfix/smtp.*to=<bert@one.test>.*status=sent")


def test_connections(sending):
    """No more sessions at once than the filter has, over its domains."""
    env = sending
    env.big.delay["eom"] = 0.2
    shape(env, BIG)
    wait_applied(env, 1)
    for i in range(20):
        env.postfix.send([f"a{i}@one.test", f"b{i}@two.test"])
    wait_for(lambda: len(env.big.received) >= 40, 60)
    assert env.big.most == 2


def test_connection_cache(sending):
    """Sessions are used again, so often as the filter says."""
    env = sending
    env.big.delay["eom"] = 0.1
    shape(env, {**BIG, "connections": 1, "messages_per_connection": 5})
    wait_applied(env, 1)
    for i in range(20):
        env.postfix.send(f"a{i}@one.test")
    wait_for(lambda: len(env.big.received) >= 20, 60)
    # The queue is one destination's: sessions are kept while it lasts.
    assert 4 <= len(env.big.peers) <= 7
    assert env.big.most == 1
    env.big.peers.clear()
    env.big.received.clear()
    shape(env, {**BIG, "connections": 1, "connection_cache": {"size": 0}})
    wait_for(lambda: "cache_on_demand=no" in services(env)["pn-big"], 30)
    wait_for(lambda: env.daemons.policyd.text.count("transports=1, ") == 2)
    for i in range(5):
        env.postfix.send(f"c{i}@one.test")
    wait_for(lambda: len(env.big.received) >= 5, 60)
    assert len(env.big.peers) == 5


def test_sending_addresses(sending):
    """Each domain has its address, and the receiver sees it."""
    env = sending
    shape(env, BIG, addresses=[
        {"name": "a", "ipv4": "127.0.0.21", "helo": "a.out.test"},
        {"name": "b", "ipv4": "127.0.0.22"},
        {"name": "c", "ipv4": "127.0.0.23", "host": "another"}])
    wait_services(env, "pn-big_a", "pn-big_b")
    wait_applied(env, 2)
    env.big.script["rcpt"] = lambda to: None
    for i in range(6):
        env.postfix.send(f"u{i}@one.test")
        env.delivered(f"u{i}@one.test")
    used = set(env.big.peers)
    assert len(used) == 1 and used < {"127.0.0.21", "127.0.0.22"}


def test_warm_up(sending):
    """Behind the ceiling of the day nothing leaves, and nothing is lost."""
    env = sending
    today = time.strftime("%Y-%m-%d", time.gmtime())
    new = {"name": "new", "ipv4": "127.0.0.21",
           "warm_up": {"start": today, "per_day": [6]}}
    shape(env, BIG, addresses=[new])
    wait_applied(env, 1)
    taken = [f"w{i}@one.test" for i in range(15)]
    for r in taken:
        env.postfix.send(r)  # accepted, all of them
    wait_for(lambda: all(env.postfix.log_lines(
        f"to=<{r}>.*status=(sent|deferred)") for r in taken))
    assert env.postfix.log_lines("deferred transport")
    assert 0 < len(env.big.received) <= 6
    assert not env.postfix.log_lines("status=bounced")
    key = f"pn:sa:{{new}}:{today.replace('-', '')}"
    redis = env.redis.client()
    wait_for(lambda: int(redis.hget(key, "attempts") or 0) ==
             len(env.big.received), what="counted in Redis")
    # Another address takes what is left.
    shape(env, BIG, addresses=[new, {"name": "old", "ipv4": "127.0.0.22"}])
    wait_services(env, "pn-big_new", "pn-big_old")
    wait_applied(env, 2)
    env.postfix.flush()
    wait_for(lambda: len(env.big.received) == len(taken), 90)
    assert env.big.peers.count("127.0.0.21") <= 6


def test_forward(sending):
    """To a server of one's own: TLS, its name, a password."""
    env = sending
    ca = Authority(env.folder)
    ca._request("relay", "/CN=relay.test", "RSA")
    ca._sign("relay", "root", "subjectAltName=DNS:relay.test\n")
    relay = Submission("127.0.3.9", "relay.test", 587,
                       ca.folder / "relay.pem", ca.folder / "relay.key",
                       "out", "pass word:1")
    relay.start()
    try:
        env.postfix.postconf(f"smtp_tls_CAfile={ca.root}")
        env.postfix.reload()
        forward = {"host": "relay.test", "port": 587, "tls": "verify",
                   "user": "out", "password": "pass word:1"}
        shape(env, {**BIG, "forward": forward})
        wait_applied(env, 1)
        path = env.postfix.config / "pn-big.passwd"
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.stat().st_uid == 0
        state = (env.folder / "state" / "transports").read_text()
        assert "pass word" not in state and "password=enc:v1:" in state
        env.postfix.send(["anna@one.test", "bert@two.test"])
        wait_for(lambda: len(relay.received) >= 1, 40)
        wait_for(lambda: len(env.postfix.log_lines(
            r"relay=relay.test\[127.0.3.9\]:587.*status=sent")) == 2, 40)
        assert set(relay.logins) == {("out", "pass word:1")}
        assert relay.in_clear == 0
        assert not env.big.received
        # Another password is put in its place.
        relay.password = "new"
        shape(env, {**BIG, "forward": {**forward, "password": "new"}})
        wait_for(lambda: "out:new\n" in path.read_text(), 30)
        # Not forwarded any more: nothing of it is left.
        shape(env, BIG)
        wait_for(lambda: not path.exists(), 30)
        assert "sasl" not in services(env)["pn-big"]
    finally:
        relay.stop()


def test_a_forwarding_server_that_is_not_found(sending):
    """The operator's trouble: mail waits."""
    env = sending
    shape(env, {**BIG, "forward": {"host": "nowhere.test"}})
    wait_applied(env, 1)
    env.postfix.send("anna@one.test")
    wait_for(lambda: env.postfix.log_lines(
        r"dsn=4\.4\.4, status=deferred .*nowhere\.test"), 40)
    assert not env.postfix.log_lines("status=bounced")


def test_refused_by_postfix(sending):
    """What "postfix check" refuses changes nothing, and is tried again."""
    env = sending
    owner = env.postfix.value("mail_owner")
    env.postfix.postconf("mail_owner=nobody-has-this-name")
    before = {name: (env.postfix.config / name).read_bytes()
              for name in ("main.cf", "master.cf")}
    shape(env, BIG)
    text = wait_for(lambda: re.search(
        "transports: not applied: (.*)", env.daemons.policyd.text), 30)
    assert text[1].endswith("; main.cf and master.cf are as they were")
    for name, octets in before.items():
        assert (env.postfix.config / name).read_bytes() == octets, name
    env.postfix.postconf(f"mail_owner={owner}")
    # Mail goes as without, until it was tried again.
    env.postfix.send("anna@one.test")
    env.delivered("anna@one.test")
    wait_applied(env, 1)


def test_disable_leaves_no_trace(sending):
    env = sending
    shape(env, BIG)
    wait_applied(env, 1)
    # Somebody's own hand: told by diff, mended by enable.
    run(["postconf", "-c", env.postfix.config, "-MX", "pn-big/unix"])
    done = env.cli.run("postfix", "diff", "-d", story.RETURN_DOMAIN,
                       check=False)
    assert "+ pn-big/unix = pn-big unix" in done.stdout
    env.cli.run("postfix", "enable", "-d", story.RETURN_DOMAIN)
    assert "pn-big" in services(env)
    env.cli.run("postfix", "disable")
    assert services(env) == {}
    assert "pn-big" not in (env.postfix.config / "main.cf").read_text()
    # Nor does policyd put it there again.
    env.daemons.policyd.restart()
    wait_for(lambda: "hooks are not in main.cf" in env.daemons.policyd.text)
    assert services(env) == {}
