# SPDX-License-Identifier: BSD-2-Clause
"""Which transport mail takes: the tables of policyd, alone and with Postfix."""
import secrets
import time

import pytest

from harness.policy import Policy
from harness.receiver import Receiver
from harness.socketmap import Socketmap
from harness.util import run, wait_for, write

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
    # Nobody looks whether Postfix has these transports.
    env.daemons.parameters["queue_helper"] = "no"
    env.daemons.write_config()
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


# ---- with Postfix ----

RECEIVERS = {"127.0.2.1": "mx1.big.test", "127.0.2.3": "mx.part.test",
             "127.0.2.4": "mx.small.test", "127.0.2.5": "plain.test"}


def start_postfix(env, **main):
    """Everything, and the transports that the filters name."""
    for address, name in RECEIVERS.items():
        env.receivers[name] = Receiver(address, name)
        env.receivers[name].start()
    env.daemons.start("milter", "bounced")
    env.postfix.postconf(*(f"{k} = {v}" for k, v in main.items()),
                         "default_process_limit = 20")
    env.enable("back.shop.test")
    for name in ("big", "vip", "own"):
        run(["postconf", "-c", env.postfix.config, "-M",
             f"pn-{name}/unix=pn-{name} unix - - y - - smtp"
             f" -o syslog_name=postfix/pn-{name}"])
    env.postfix.start()


def transport_of(env, recipient):
    """syslog_name of the service that delivered it."""
    def lines():
        return env.postfix.log_lines(
            rf"to=<{recipient}>.*status=sent")
    wait_for(lines, 30, f"mail for {recipient}")
    return lines()[-1].split("[")[0].split("postfix/")[-1]


@pytest.fixture
def stack(tables):
    start_postfix(tables)
    return tables


def test_mail_takes_its_transport(stack):
    env = stack
    known(env, "anna@one.test")
    known(env, "anna@two.test")
    # One message, four ways.
    env.postfix.send(["anna@one.test", "bea@two.test", "cleo@good.test",
                      "boss@plain.test", "dora@plain.test"])
    assert transport_of(env, "anna@one.test") == "pn-big/smtp"
    assert transport_of(env, "bea@two.test") == "pn-big/smtp"
    assert transport_of(env, "cleo@good.test") == "smtp"
    assert transport_of(env, "boss@plain.test") == "pn-vip/smtp"
    # Its first mail is maybe too early; the next is not.
    known(env, "dora@plain.test")
    env.postfix.send("dora2@plain.test")
    assert transport_of(env, "dora2@plain.test") == "pn-own/smtp"
    # Different domains stayed different: no common next-hop.
    got = env.receivers["mx1.big.test"].messages_to("anna@one.test")
    assert [m.recipients for m in got] == [["anna@one.test"]]
    # The envelope's extension is seen by patterns, at the last key, too.
    env.apply("_global", shaping(filters=[
        {"name": "vip", "patterns": [".*\\+vip@.*"]}]))
    wait_for(lambda: "global settings: revision 2" in
             env.daemons.policyd.text)
    env.postfix.send(["anna+vip@one.test", "anna+x@one.test"])
    assert transport_of(env, "anna\\+vip@one.test") == "pn-vip/smtp"
    assert transport_of(env, "anna\\+x@one.test") == "smtp"


def test_first_mail(stack):
    """Of a domain that nobody has asked for: RCPT begins to find out."""
    env = stack
    with env.postfix.smtp() as c:
        c.ehlo()
        c.mail("news@example.test")
        assert c.rcpt("anna@one.test")[0] == 250
        wait_for(lambda: "query[MX] one.test" in
                 env.logs.joinpath("dns.log").read_text())
        with connect(env) as s:
            wait_for(lambda: s.ask("transport", "anna@one.test")[0] == "OK")
        assert c.data("Subject: x\r\n\r\nx\r\n")[0] == 250
    assert transport_of(env, "anna@one.test") == "pn-big/smtp"


def test_own_table_wins(tables):
    """What the site says of an address, a domain or all below one."""
    env = tables
    table = env.postfix.config / "transport"
    start_postfix(
        env, transport_maps=f"texthash:{table}, "
        "inline:{ {by-inline@one.test = smtp:[127.0.2.4]} }",
        mydestination="$myhostname, own.one.test",
        relay_domains="relayed.test")
    write(table, "own@one.test smtp:[127.0.2.4]\n"
                 "two.test smtp:[127.0.2.4]\n"
                 ".sub.test smtp:[127.0.2.4]\n")
    env.postfix.reload()
    known(env, "anna@one.test")
    known(env, "anna@two.test")
    env.postfix.send(["own@one.test", "anna@one.test", "boss@two.test",
                      "boss@a.b.sub.test", "by-inline@one.test"])
    small = env.receivers["mx.small.test"]
    for recipient in ("own@one.test", "boss@two.test", "boss@a.b.sub.test",
                      "by-inline@one.test"):
        wait_for(lambda: small.messages_to(recipient), 30, recipient)
        assert transport_of(env, recipient) == "smtp"
    assert transport_of(env, "anna@one.test") == "pn-big/smtp"
    # Domains of this host, and those of bounces, are not touched.
    text = run(["postmap", "-c", env.postfix.config, "-q", "own.one.test",
                env.postfix.value("postern_transport").split(", unionmap")[0]
                ]).stdout
    assert text == ":\n"
    env.postfix.send(["boss@own.one.test", "boss@back.shop.test"])
    wait_for(lambda: env.postfix.log_lines("<boss@own.one.test>.*"
                                           "no local mail here"))
    wait_for(lambda: env.postfix.log_lines("to=<boss@back.shop.test>.*"
                                           "bounced.sock"))


def test_dns_away(stack):
    """What is known stays; the rest goes as before."""
    env = stack
    known(env, "anna@one.test")
    env.daemons.policyd.stop()
    env.daemons.parameters["dns_servers"] = "127.0.3.3"
    env.daemons.parameters["dns_timeout"] = "100ms"
    env.daemons.write_config()
    env.daemons.start("policyd")
    assert known(env, "anna@one.test") == ("OK", "pn-big:")
    with connect(env) as s:
        assert s.ask("transport", "anna@gone.test") == ("NOTFOUND", "")
    env.postfix.send("cleo@good.test")
    assert transport_of(env, "cleo@good.test") == "smtp"


def test_redis_shares(tables):
    """What one host has learnt another need not ask for."""
    env = tables
    known(env, "anna@one.test")
    redis = env.redis.client()
    value = wait_for(lambda: redis.get("pn:mx:{one.test}"))
    assert value.split()[1:] == ["mx1.big.test", "mx2.big.test"]
    assert 0 < redis.ttl("pn:mx:{one.test}") <= 86400
    env.daemons.policyd.stop()
    env.dns.stop()
    env.daemons.start("policyd")
    assert known(env, "anna@one.test") == ("OK", "pn-big:")
    # What is no record is not believed.
    redis.set("pn:mx:{two.test}", "9999999999 ../../etc")
    with connect(env) as s:
        assert s.ask("transport", "anna@two.test") == ("NOTFOUND", "")
        env.dns.start()
        wait_for(lambda: s.ask("transport", "anna@two.test") ==
                 ("OK", "pn-big:"), 40)
    # Without Redis the DNS alone is asked.
    env.redis.stop()
    assert known(env, "x@plain.test") == ("OK", "pn-own:")


def test_modes(tables):
    env = tables
    known(env, "anna@one.test")
    env.apply("_global", shaping(mode="observe"))
    wait_for(lambda: "global settings: revision 2" in
             env.daemons.policyd.text)
    with connect(env) as s:
        assert s.ask("transport", "anna@one.test") == ("NOTFOUND", "")
        wait_for(lambda: "domain=one.test, site=(mx1|mx2).big.test, "
                 "filter=big, transport=pn-big:, action=would-route" in
                 env.daemons.policyd.text)
        env.apply("_global", shaping(mode="off"))
        wait_for(lambda: "global settings: revision 3" in
                 env.daemons.policyd.text)
        assert s.ask("transport", "anna@small.test") == ("NOTFOUND", "")
        assert s.ask("transport", "boss@one.test") == ("NOTFOUND", "")
    assert "query[MX] small.test" not in \
        env.logs.joinpath("dns.log").read_text()


def test_postmap(stack):
    """postmap -q works, by the path that any process can use."""
    env = stack
    known(env, "anna@one.test")
    socket = env.postfix.queue / "postern" / "map.sock"
    done = run(["postmap", "-c", env.postfix.config, "-q", "anna@one.test",
                f"socketmap:unix:{socket}:transport"])
    assert done.stdout == "pn-big:\n"
    done = run(["postmap", "-c", env.postfix.config, "-q", "anna@good.test",
                f"socketmap:unix:{socket}:transport"], check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_policyd_restarts(stack):
    """Its connections break; trivial-rewrite comes back by itself."""
    env = stack
    known(env, "anna@one.test")
    env.postfix.send("anna@one.test")
    assert transport_of(env, "anna@one.test") == "pn-big/smtp"
    env.daemons.policyd.restart()
    known(env, "bea@one.test")
    env.postfix.send("bea@one.test")
    assert transport_of(env, "bea@one.test") == "pn-big/smtp"


def test_doctor_asks_the_table(tables):
    env = tables
    done = env.cli.run("doctor", check=False)
    assert f"OK    postern-policyd: unix:{env.postfix.queue}/postern/map.sock" \
        in done.stdout


def test_policyd_away(stack):
    """Nobody says where mail goes: it waits, and nothing is lost."""
    env = stack
    known(env, "anna@one.test")
    env.daemons.policyd.stop()
    for recipient in ("anna@one.test", "cleo@good.test"):
        run(["sendmail", "-C", env.postfix.config, "-f", "news@example.test",
             recipient], input="Subject: x\n\nx\n")
    wait_for(lambda: len(env.postfix.log_lines("status=deferred")) >= 2, 60)
    assert not env.postfix.log_lines("status=bounced")
    env.daemons.policyd.start()
    known(env, "anna@one.test")
    env.postfix.flush()
    assert transport_of(env, "anna@one.test") == "pn-big/smtp"
    assert transport_of(env, "cleo@good.test") == "smtp"


def test_all_counted(tables):
    env = tables
    known(env, "anna@one.test")
    with connect(env) as s:
        s.ask("transport", "boss@one.test")
        s.ask("nonsense", "x")

    def counted(name):
        text = env.cli.run("metrics").stdout
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.startswith(f"postern_policyd_{name}"))
    wait_for(lambda: counted('map_failed_total{host="mta1",why="unknown') +
             counted('map_failed_total{why="unknown') >= 1, 30)
    assert counted("transports_total") >= 3
    assert counted("provider_questions_total") >= 1
    assert counted("provider_domains") >= 1
