# SPDX-License-Identifier: BSD-2-Clause
"""postern-policyd by itself, on its socket, with a real Redis: decisions,
hostile clients, many clients, reloads and outages under load."""
import os
import secrets
import signal
import socket
import threading
import time

import pytest

from harness.events import stored
from harness.policy import Policy
from harness.util import connectable, wait_for, write

HEAD = b"request=smtpd_access_policy\nprotocol_state=RCPT\n"
DUNNO = b"action=DUNNO\n\n"
SHARDS, PIECES = 256, 128
BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


def request(recipient="mia@good.test", **more):
    text = "".join(f"{k}={v}\n" for k, v in {
        "sender": "news@shop.test", "client_address": "192.0.2.1",
        "instance": secrets.token_hex(6), "recipient": recipient,
        **more}.items())
    return HEAD + text.encode() + b"\n"


def fnv(octets):
    h = 14695981039346656037
    for octet in octets:
        h = (h ^ octet) * 1099511628211 % 2 ** 64
    return h


class Policyd:
    """The daemon with one tenant's settings, and its socket."""

    def __init__(self, env):
        self.env, self.daemon = env, env.daemons.policyd
        self.path = env.postfix.queue / "postern" / "policyd.sock"

    def start(self, tenant=None, **parameters):
        env = self.env
        env.daemons.parameters.update(parameters)
        env.daemons.write_config()
        write(env.folder / "etc" / "master.key",
              secrets.token_hex(32) + "\n", 0o600)
        env.apply("default", tenant or {})
        self.daemon.start()
        wait_for(lambda: self.log_has("redis: connected") and
                 self.log_has("in operation"))
        return self

    def client(self):
        return Policy(self.path)

    def raw(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        s.connect(str(self.path))
        return s

    def log_has(self, text):
        return text in self.daemon.text

    def counters(self):
        """After SIGUSR1."""
        before = self.daemon.text.count("state: clients=")
        self.daemon.process.signal(signal.SIGUSR1)
        wait_for(lambda: self.daemon.text.count(
            "state: clients=") > before)
        line = self.daemon.text.rpartition("state: clients=")[2]
        line = "clients=" + line.split("\n")[0]
        return {k: int(v) for k, v in
                (pair.split("=") for pair in line.split(", "))}

    def block(self, address, state="b", status=2, expires=0,
              tenant="default", stream=None):
        """An entry as the counting consumer leaves it; its reference."""
        h = fnv(address.encode())
        piece = (h >> 20 ^ h >> 43) % PIECES
        h ^= h >> 32
        h ^= h >> 16
        h ^= h >> 8
        now = int(time.time())
        self.env.redis.client().hset(
            "pn:b:{%s:%03d}:%d" % (tenant, h % SHARDS, piece),
            address + ("\t" + stream if stream else ""),
            f"{state}b{status}.{now:x}" + (f".{expires:x}" * (expires > 0)))
        h = fnv(address.encode() + b"%d" % now)
        h ^= h >> 33
        return "".join(BASE32[h >> 5 * i & 31] for i in range(8))

    def events(self):
        return stored(self.env.redis.client())


@pytest.fixture
def policyd(env):
    env.redis.start()
    env.daemons.prepare()
    p = Policyd(env)
    yield p
    if p.daemon.process and p.daemon.process.alive():
        assert p.daemon.stop() == 0, p.daemon.text[-3000:]


def read_answers(s, count):
    """Exactly count answers."""
    got = b""
    while got.count(b"\n\n") < count:
        more = s.recv(65536)
        assert more, f"closed after {got.count(chr(10).encode() * 2)} answers"
        got += more
    assert got.endswith(b"\n\n")
    return got.split(b"\n\n")[:-1]


def closed(s):
    try:
        return s.recv(65536) == b""
    except ConnectionResetError:
        return True


# ---- decisions ----

def test_suppression(policyd):
    policyd.start()
    ref = policyd.block("gone@bounce.test")
    policyd.block("exempt@bounce.test", state="e")
    policyd.block("lifted@bounce.test", expires=int(time.time()) - 1)
    with policyd.client() as c:
        assert c.ask("Gone@BOUNCE.test") == "550 5.1.1 recipient is " \
            f"suppressed (user unknown, ref {ref})"
        for name in ("exempt", "lifted", "unknown"):
            assert c.ask(f"{name}@bounce.test") == "DUNNO", name
        assert c.ask("gone@bounce.test",
                     protocol_state="DATA") == "DUNNO"
        assert c.ask("") == "DUNNO"
    assert policyd.log_has("NOQUEUE: client=127.0.0.1, sender=news@shop.test, "
                           "recipient=Gone@BOUNCE.test, rule=suppression, "
                           f"ref={ref}, action=reject, tenant=default")
    event, = wait_for(policyd.events)
    assert "gone@bounce.test" in event.values()
    assert policyd.counters()["rejected"] == 1


@pytest.mark.parametrize("settings, word", [
    ({"mode": "observe"}, "would-reject"),
    ({"mode": "off"}, None),
    ({"on_suppressed": "accept"}, None)])
def test_suppression_that_does_not_refuse(policyd, settings, word):
    policyd.start({"suppression": settings})
    policyd.block("gone@bounce.test")
    with policyd.client() as c:
        assert c.ask("gone@bounce.test") == "DUNNO"
    counters = policyd.counters()
    assert counters["would"] == (1 if word else 0)
    assert counters["suppressed_accepted"] == \
        (1 if "on_suppressed" in settings else 0)
    assert word is None or policyd.log_has(f"action={word}")
    assert policyd.events() == []


def limits(*rules):
    return {"limits": [{"name": f"limit{i}", "mode": "enforce",
                        "key": ["sasl_user"],
                        "rates": [{"quantity": 3, "period": "1h",
                                   "burst": 3}], **rule}
                       for i, rule in enumerate(rules)]}


def test_limit_counts_messages(policyd):
    policyd.start(limits({}))
    with policyd.client() as c:
        for message in range(3):
            for rcpt in range(4):
                assert c.ask(f"r{rcpt}@good.test", sasl_username="app",
                             instance=f"i{message}") == "DUNNO"
        answer = c.ask("r0@good.test", sasl_username="app", instance="i3")
        assert answer.startswith("451 4.7.1 rate limit limit0 exceeded, "
                                 "try again in ")
        seconds = int(answer.split()[-2])
        assert 0 < seconds <= 1200
        # Others have their own, and who has not logged in has none.
        assert c.ask("r0@good.test", sasl_username="other") == "DUNNO"
        for _ in range(5):
            assert c.ask("r0@good.test", sasl_username="") == "DUNNO"
    assert policyd.log_has("rule=rate, limit=limit0, action=defer")


def test_limit_per_recipient(policyd):
    policyd.start(limits({"per_recipient": True}))
    with policyd.client() as c:
        answers = [c.ask(f"r{i}@good.test", sasl_username="app",
                         instance="one")[:5] for i in range(5)]
    assert answers == ["DUNNO"] * 3 + ["451 4"] * 2


def test_refused_mail_is_not_booked(policyd):
    policyd.start(limits({}, {"rates": [{"quantity": 1, "period": "1h",
                                         "burst": 1}],
                              "key": ["recipient"]}))
    policyd.block("gone@bounce.test")
    with policyd.client() as c:
        for _ in range(10):  # refused by suppression
            assert c.ask("gone@bounce.test",
                         sasl_username="app").startswith("550")
        assert c.ask("mia@good.test", sasl_username="app") == "DUNNO"
        for _ in range(10):  # refused by the second limit
            assert c.ask("mia@good.test",
                         sasl_username="app").startswith("451")
        for i in range(2):
            assert c.ask(f"r{i}@good.test", sasl_username="app") == "DUNNO"
        assert "limit0" in c.ask("r9@good.test", sasl_username="app")
    # A refused recipient of a message does not make the others free.
    with policyd.client() as c:
        attributes = {"sasl_username": "second", "instance": "x"}
        assert c.ask("gone@bounce.test", **attributes).startswith("550")
        assert c.ask("a@good.test", **attributes) == "DUNNO"
        for i in range(2):
            assert c.ask(f"b{i}@good.test", sasl_username="second") == "DUNNO"
        assert "limit0" in c.ask("c@good.test", sasl_username="second")


def test_observed_limit(policyd):
    policyd.start(limits({"mode": "observe"}))
    with policyd.client() as c:
        for i in range(6):
            assert c.ask(f"r{i}@good.test", sasl_username="app") == "DUNNO"
    assert policyd.counters()["would"] == 3
    assert policyd.log_has("limit=limit0, action=would-defer")


def test_tenant_of_the_message(policyd):
    env = policyd.env
    policyd.start({"suppression": {"mode": "off"}})
    env.apply("_global", {"tenants": [
        {"name": "shop", "match": {"sasl_user": ["app@shop.test"]}},
        {"name": "port", "match": {"port": [10587]}}]})
    env.apply("shop", limits({"key": ["tenant"]}))
    env.apply("port", {"suppression": {"mode": "enforce"}})
    policyd.block("gone@bounce.test", tenant="port")
    with policyd.client() as c:
        wait_for(lambda: c.ask("gone@bounce.test",
                               server_port="10587").startswith("550"))
        assert c.ask("gone@bounce.test", server_port="25") == "DUNNO"
        wait_for(lambda: c.ask("mia@good.test", sasl_username="app@shop.test")
                 .startswith("451"))
    assert policyd.log_has("action=reject, tenant=port")
    assert policyd.log_has("action=defer, tenant=shop")


def test_new_settings_on_an_open_connection(policyd):
    policyd.start()
    policyd.block("gone@bounce.test")
    with policyd.client() as c:
        assert c.ask("gone@bounce.test").startswith("550")
        policyd.env.apply("default", {"suppression": {"mode": "observe"}})
        wait_for(lambda: c.ask("gone@bounce.test") == "DUNNO")


# ---- clients ----

def test_pipelined_and_split(policyd):
    policyd.start(limits({}))
    policyd.block("gone@bounce.test")
    wanted = []
    text = b""
    for i in range(200):
        gone = i % 3 == 0
        text += request("gone@bounce.test" if gone else f"r{i}@good.test",
                        protocol_state="RCPT" if i % 5 else "DATA")
        wanted.append(b"action=550" if gone else b"action=DUN")
    with policyd.raw() as s:
        s.sendall(text)
        assert [a[:10] for a in read_answers(s, 200)] == wanted
    with policyd.raw() as s:
        one = request("gone@bounce.test")
        for octet in one[:-1]:
            s.sendall(bytes([octet]))
        s.settimeout(0.05)
        with pytest.raises(TimeoutError):
            s.recv(1)
        s.settimeout(10)
        s.sendall(one[-1:])
        assert read_answers(s, 1)[0].startswith(b"action=550")


@pytest.mark.parametrize("text", [
    HEAD + b"sender=a\0b\n\n",
    HEAD + b"no equals sign\n\n",
    b"request=junk\n\n",
    b"\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\n\n",
    HEAD + b"x" * 70000,
    HEAD + b"sender=a\n" * 9000], ids=["nul", "no-equals", "other-request",
                                       "empty", "http", "long-line",
                                       "many-lines"])
def test_malformed(policyd, text):
    policyd.start()
    with policyd.raw() as s, policyd.raw() as other:
        s.sendall(request())
        assert read_answers(s, 1) == [DUNNO[:-2]]
        try:
            s.sendall(text)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert closed(s)
        other.sendall(request())
        assert read_answers(other, 1) == [DUNNO[:-2]]
    assert policyd.counters()["malformed"] == 1
    assert policyd.log_has("connection closed")


def test_8bit_and_odd_values(policyd):
    policyd.start(limits({"key": ["sender", "recipient", "client"]}))
    odd = [b"\xff\xfe@x", b"\xc3\xa4@d\xc3\xa4.test", b"a b@c", b"@", b"",
           b"x" * 3000 + b"@y", b"a@[192.0.2.1]", b'"a\\"b"@c']
    with policyd.raw() as s:
        for value in odd:
            s.sendall(HEAD + b"sender=" + value + b"\nrecipient=" + value +
                      b"\nclient_address=" + value + b"\n\n")
            assert read_answers(s, 1) == [DUNNO[:-2]]


def test_two_hundred_clients(policyd):
    policyd.start(limits({}))
    clients = [policyd.raw() for _ in range(200)]
    for _ in range(3):
        for s in clients:
            s.sendall(request())
        for s in clients:
            assert read_answers(s, 1) == [DUNNO[:-2]]
    assert policyd.counters()["clients"] == 200
    for s in clients:
        s.close()
    wait_for(lambda: policyd.counters()["clients"] == 0)


def test_max_clients(policyd):
    policyd.start(policyd_max_clients="3")
    clients = [policyd.raw() for _ in range(5)]
    for s in clients:
        s.sendall(request())
    for s in clients[:3]:
        assert read_answers(s, 1) == [DUNNO[:-2]]
    wait_for(lambda: policyd.log_has("policyd_max_clients (3) reached"))
    # The fourth is served as soon as one has left.
    clients[0].close()
    assert read_answers(clients[3], 1) == [DUNNO[:-2]]
    for s in clients:
        s.close()


def test_client_that_does_not_read(policyd):
    policyd.start()
    with policyd.raw() as s, policyd.raw() as other:
        s.setblocking(False)
        text, sent = request(protocol_state="DATA") * 100, 0
        try:
            while sent < 50_000_000:
                sent += s.send(text)
        except BlockingIOError:
            pass
        other.sendall(request())
        assert read_answers(other, 1) == [DUNNO[:-2]]
    assert connectable(policyd.path)


# ---- load, reloads, outages ----

class Load:
    """Clients that ask without a pause, each answer counted once."""

    def __init__(self, policyd, clients=8):
        self.policyd, self.stopping = policyd, False
        self.answers, self.errors = [], []
        self.threads = [threading.Thread(target=self.run, daemon=True)
                        for _ in range(clients)]

    def run(self):
        try:
            with self.policyd.client() as c:
                while not self.stopping:
                    action = c.ask("mia@good.test", sasl_username="app")
                    self.answers.append(action)
        except (OSError, AssertionError) as e:
            self.errors.append(e)

    def __enter__(self):
        for t in self.threads:
            t.start()
        self.more(100)
        return self

    def more(self, count):
        """Waits for that many further answers."""
        goal = len(self.answers) + count
        wait_for(lambda: len(self.answers) >= goal or self.errors, 30)
        assert not self.errors

    def __exit__(self, *unused):
        self.stopping = True
        for t in self.threads:
            t.join(20)


WIDE = [{"quantity": 1000000, "period": "1h", "burst": 1000000}]


def test_reload_under_load(policyd):
    policyd.start(limits({"rates": WIDE}))
    with Load(policyd) as load:
        for i in range(5):
            policyd.env.daemons.parameters["policyd_max_clients"] = 100 + i
            policyd.env.daemons.write_config()
            policyd.daemon.process.signal(signal.SIGHUP)
            load.more(200)
        # A bad file changes nothing.
        policyd.env.daemons.parameters["policyd_max_clients"] = "none"
        policyd.env.daemons.write_config()
        policyd.daemon.process.signal(signal.SIGHUP)
        wait_for(lambda: policyd.log_has("policyd_max_clients"))
        load.more(200)
    assert not load.errors
    assert set(load.answers) == {"DUNNO"}


@pytest.mark.parametrize("when, answers", [
    ("tempfail", {"DUNNO", "451 4.3.0 recipient can not be checked now, "
                           "try again"}),
    ("pass", {"DUNNO"})])
def test_redis_restarts_under_load(policyd, when, answers):
    policyd.start({"suppression": {"when_unavailable": when},
                   **limits({"rates": WIDE})})
    redis = policyd.env.redis
    policyd.block("gone@bounce.test")
    with Load(policyd) as load:
        redis.kill()
        load.more(500)
        counters = policyd.counters()
        assert counters["suppression_unavailable"] > 0
        assert counters["limit_local"] > 0
        # Nothing permanent because of trouble.
        with policyd.client() as c:
            assert c.ask("gone@bounce.test").startswith(
                "451" if when == "tempfail" else "DUNNO")
        redis.start()
        policyd.block("gone@bounce.test")
        with policyd.client() as c:
            wait_for(lambda: c.ask("gone@bounce.test").startswith("550"))
        load.more(200)
    assert not load.errors
    assert set(load.answers) == answers
    assert policyd.daemon.text.count("redis: ") < 20


def test_local_share_holds(policyd):
    policyd.start({"suppression": {"when_unavailable": "pass"},
                   **limits({})})
    policyd.env.redis.kill()
    with policyd.client() as c:
        answers = [c.ask(f"r{i}@good.test", sasl_username="app")[:5]
                   for i in range(6)]
    assert answers == ["DUNNO"] * 3 + ["451 4"] * 3


def test_redis_that_hangs(policyd):
    """Stopped, not gone: the answer comes by the deadline all the same."""
    policyd.start()
    pid = policyd.env.redis.process.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        with policyd.client() as c:
            assert c.ask("mia@good.test").startswith("451 4.3.0")
    finally:
        os.kill(pid, signal.SIGCONT)
    with policyd.client() as c:
        wait_for(lambda: c.ask("mia@good.test") == "DUNNO")


def test_sigterm_answers_what_is_under_way(policyd):
    policyd.start()
    with policyd.raw() as idle, policyd.raw() as busy:
        idle.sendall(request())
        read_answers(idle, 1)
        pid = policyd.env.redis.process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            before = policyd.counters()["requests"]
            busy.sendall(request())
            wait_for(lambda: policyd.counters()["requests"] > before)
            policyd.daemon.process.signal(signal.SIGTERM)
            assert closed(idle)
            assert read_answers(busy, 1)[0].startswith(b"action=")
        finally:
            os.kill(pid, signal.SIGCONT)
        assert policyd.daemon.process.popen.wait(15) == 0
