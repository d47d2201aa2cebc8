# SPDX-License-Identifier: BSD-2-Clause
"""Which transport mail takes: the tables of policyd, alone and with Postfix."""
import secrets
import time

import pytest

from harness.policy import Policy
from harness.socketmap import Socketmap
from harness.util import wait_for, write

# The mail of these domains is taken by one provider, or two at once.
PROVIDERS = [
    ("one.test", [("mx1.big.test", "127.0.2.1"),
                  ("mx2.big.test", "127.0.2.2")]),
    ("two.test", [("mx1.big.test", "127.0.2.1"),
                  ("mx2.big.test", "127.0.2.2")]),
    ("part.test", [("mx1.big.test", "127.0.2.1"),
                   ("mx.part.test", "127.0.2.3")]),
    ("small.test", [("mx.small.test", "127.0.2.4")]),
]
FILTERS = [
    {"name": "vip", "patterns": ["boss@.*", "(?i).*@vip\\.one\\.test"]},
    {"name": "big", "patterns": [".*\\.big\\.test"], "host_name": True},
    {"name": "own", "patterns": ["plain\\.test", "xn--bcher-kva\\.test"],
     "host_name": True},
    {"name": "fwd", "patterns": [".*@fwd\\.test"],
     "forward": {"host": "relay.small.test", "port": 2525}},
]


def shaping(**more):
    return {"tenants": [],
            "shaping": {"mode": "enforce", "providers": False,
                        "filters": FILTERS, **more}}


def master_key(env):
    write(env.folder / "etc" / "master.key", secrets.token_hex(32) + "\n",
          0o600)


@pytest.fixture
def tables(env):
    """policyd with these filters; Redis and DNS run."""
    for domain, hosts in PROVIDERS:
        env.dns.mx(domain, *hosts)
    env.dns.host("plain.test", "127.0.2.5")
    env.start_base()
    master_key(env)
    env.apply("_global", shaping())
    env.daemons.start("policyd")
    wait_for(lambda: "global settings: revision" in env.daemons.policyd.text)
    return env


def connect(env):
    return Socketmap(env.postfix.queue / "postern" / "map.sock")


def known(env, address, name="transport"):
    """What is answered once the domain is known."""
    with connect(env) as s:
        s.ask(name, address)
        return wait_for(
            lambda: (lambda a: a if a[0] == "OK" else None)(
                s.ask(name, address)), what=address)


def test_answers(tables):
    env = tables
    assert known(env, "anna@one.test") == ("OK", "pn-big:")
    assert known(env, "ANNA@Two.TEST") == ("OK", "pn-big:")
    with connect(env) as s:
        assert s.ask("transport", "*") == ("NOTFOUND", "")
        # Not every host is the provider's.
        assert s.ask("transport", "anna@part.test") == ("NOTFOUND", "")
        # Patterns of recipients need no DNS, and the first filter goes.
        assert s.ask("transport", "boss@one.test") == ("OK", "pn-vip:")
        assert s.ask("transport", "boss@unheard-of.test") == ("OK", "pn-vip:")
        assert s.ask("transport", "x@vip.one.test") == ("OK", "pn-vip:")
        # One server for all, where the filter says so.
        assert s.ask("transport", "x@fwd.test") == \
            ("OK", "pn-fwd:[relay.small.test]:2525")
        assert s.ask("nonsense", "anna@one.test") == \
            ("PERM", "no such table")
    # Without MX record a domain is its own host.
    assert known(env, "x@plain.test") == ("OK", "pn-own:")
    log = env.daemons.policyd.text
    assert log.count("domain=one.test, site=(mx1|mx2).big.test, filter=big, "
                     "transport=pn-big:, action=route") == 1


def test_odd_addresses(tables):
    env = tables
    known(env, "anna@one.test")
    with connect(env) as s:
        def ask(address):
            return s.ask("transport", address)
        for address in ("anna+tag@one.test", "anna..x.@one.test",
                        '"anna b"@one.test', "anna b@one.test",
                        "anna@two.test@one.test", "anna@one.test.",
                        "größe@one.test"):
            assert ask(address) == ("OK", "pn-big:"), address
        for address in ("anna", "@one.test", "anna@", "anna@[127.0.2.1]",
                        "anna@[IPv6:::1]", "anna@127.0.2.1",
                        "anna@sub.one.test", "anna@one.test.evil.test",
                        "anna@onetest", "anna@bücher.test", "anna@one..test",
                        "anna@" + "x" * 300 + ".test", "anna@mx1.big.test",
                        "anna\t@one.test", b"anna@one.test\xff",
                        "anna@one.test\x01"):
            assert ask(address) == ("NOTFOUND", ""), address
        # Never asked for: no such name goes to the DNS.
        asked = env.logs.joinpath("dns.log").read_text()
        assert "query[MX] sub.one.test" in asked
        for name in ("[127", "127.0.2.1 from", "b\\195", "one..test"):
            assert f"query[MX] {name}" not in asked


def test_unknown_does_not_wait(tables):
    """An unknown domain is NOTFOUND at once, though the DNS is dead."""
    env = tables
    known(env, "anna@one.test")
    env.dns.stop()
    with connect(env) as s:
        # All of them before any question can have timed out (5 s).
        started = time.monotonic()
        for i in range(300):
            assert s.ask("transport", f"anna@new{i}.test") == \
                ("NOTFOUND", "")
        assert time.monotonic() - started < 5
        assert s.ask("transport", "boss@new.test") == ("OK", "pn-vip:")
        # And what is known stays.
        assert s.ask("transport", "anna@one.test") == ("OK", "pn-big:")


def test_rcpt_begins_to_find_out(tables):
    env = tables
    path = env.postfix.queue / "postern" / "policyd.sock"
    with Policy(path) as policy:
        assert policy.ask("anna@one.test") == "DUNNO"
    wait_for(lambda: "query[MX] one.test" in
             env.logs.joinpath("dns.log").read_text())
    with connect(env) as s:
        wait_for(lambda: s.ask("transport", "anna@one.test") ==
                 ("OK", "pn-big:"))
