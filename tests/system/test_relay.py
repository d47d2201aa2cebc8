# SPDX-License-Identifier: BSD-2-Clause
"""Relay access with a real Postfix: who may connect, log in and send."""
import base64
import concurrent.futures
import re
import smtplib
import ssl
import threading
import time

import pytest

from harness import story
from harness.util import run, wait_for

PORT = 10587  # the tenant's listener; 25 is that of "default": off
LISTED, OTHER = "192.0.2.7", "198.51.100.7"
NETWORKS = ["192.0.2.0/24", "10.1.2.3", "2001:db8::/32"]
USER, KEY = story.API_USER, story.API_KEY
TO = story.Story.GOOD
MODES = ("network-or-auth", "auth-optional", "network-and-auth", "network",
         "off")


class Relay:
    """The stack, with one tenant by port."""

    def __init__(self, env, relay, main=None, **more):
        self.env = env
        self.more = more
        env.postfix.main.update({
            "smtpd_tls_security_level": "may",
            "smtpd_tls_cert_file": env.folder / "etc" / "tls.pem",
            "smtpd_tls_key_file": env.folder / "etc" / "tls.key",
            "smtpd_relay_restrictions": "permit_mynetworks,"
            " permit_sasl_authenticated, reject_unauth_destination",
            **(main or {})})
        env.start_base()
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=mta.example.test", "-keyout",
             env.postfix.main["smtpd_tls_key_file"], "-out",
             env.postfix.main["smtpd_tls_cert_file"]])
        (env.folder / "etc" / "master.key").write_text("ab" * 32 + "\n")
        (env.folder / "etc" / "master.key").chmod(0o600)
        env.apply("_global", {"tenants": [
            {"name": story.TENANT, "match": {"port": [PORT]}}]})
        env.apply(story.TENANT, env.settings(relay=relay, **more))
        env.daemons.start()
        for name in ("policyd", "milter"):
            wait_for(lambda: self.revisions(name) > 0,
                     what=f"{name} has its settings")
        self.enabled = env.cli.run("postfix", "enable", "-d",
                                   story.RETURN_DOMAIN)
        env.postfix.fill_chroot()
        env.postfix.start()

    def revisions(self, name):
        return self.env.daemons.of[name].text.count(
            f"tenant {story.TENANT}: revision")

    def apply(self, relay, **more):
        before = {n: self.revisions(n) for n in ("policyd", "milter")}
        self.env.apply(story.TENANT,
                       self.env.settings(relay=relay, **self.more, **more))
        for name, count in before.items():
            wait_for(lambda: self.revisions(name) > count,
                     what=f"{name} has the new revision")

    def connect(self, address, port=PORT, tls=True):
        c = self.env.postfix.smtp(port, ADDR=address)
        c.ehlo()
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            code, text = c.starttls(context=context)
            assert code == 220, text
            c.ehlo()
        return c

    def audit(self):
        """Entries of the tenants' audit logs: (tenant, dict)."""
        redis = self.env.redis.client()
        found = []
        for key in redis.keys("pn:a:*"):
            tenant = re.match(r"pn:a:\{(.*)\}", key).group(1)
            found += [(tenant, e) for _, e in redis.xrange(key)]
        return found


def plain(user, key):
    text = base64.b64encode(f"\0{user}\0{key}".encode()).decode()
    return f"PLAIN {text}"


def log_in(c, user=USER, key=KEY):
    """Even where it is not offered."""
    c.rset()
    return c.docmd("AUTH", plain(user, key))


def rcpt(c, to=TO, sender=story.SENDER, size=None):
    """The reply that a message for this recipient gets."""
    c.rset()
    code, text = c.mail(sender, [f"SIZE={size}"] if size else [])
    if code != 250:
        return code, text.decode()
    code, text = c.rcpt(to)
    return code, text.decode()


def expected(mode, refuse, listed, login):
    """(AUTH seen, login's code, RCPT's code) by the product's tables."""
    if mode == "off":
        # The user's tenant takes no logins; the client is not in mynetworks.
        return True, 535, 554
    connect = listed or (mode == "network-or-auth" and not refuse)
    auth = mode != "network"
    send = {"network-or-auth": listed or (login and not refuse),
            "network-and-auth": listed and login}.get(mode, listed)
    code = 250 if send else 530 if connect else 554
    # Where it is hidden Postfix does not take it, either.
    return auth and connect, 235 if auth and connect else 503, code


def test_matrix(env):
    relay = Relay(env, {"authentication": "network-or-auth",
                        "networks": NETWORKS})
    for mode in MODES:
        for refuse in (False, True):
            relay.apply({"authentication": mode, "refuse_others": refuse,
                         "networks": NETWORKS})
            for listed in (True, False):
                for login in (False, True):
                    case = (mode, refuse, listed, login)
                    seen, code, answer = expected(*case)
                    with relay.connect(LISTED if listed else OTHER) as c:
                        assert c.has_extn("auth") == seen, case
                        if login:
                            assert log_in(c)[0] == code, case
                        got = rcpt(c)
                        assert got[0] == answer, (case, got)


def test_what_the_tables_do_not_say(env):
    """Other addresses, other listeners, mail that comes back."""
    relay = Relay(env, {"authentication": "network-or-auth",
                        "networks": NETWORKS},
                  main={"inet_protocols": "all"})
    for address in ("10.1.2.3", "IPV6:2001:db8::25"):
        with relay.connect(address) as c:
            assert rcpt(c)[0] == 250, address
    with relay.connect("10.1.2.4") as c:
        code, text = rcpt(c)
        assert code == 530 and "5.7.0" in text, text
    # A permitted network of one tenant opens no other listener.
    with relay.connect(LISTED, port=25) as c:
        assert rcpt(c)[0] == 554
        # There, too, the user sends for the own tenant.
        assert log_in(c)[0] == 235
        assert rcpt(c)[0] == 250
    # Bounces come from anywhere.
    relay.apply({"authentication": "network", "networks": NETWORKS})
    with relay.connect(OTHER) as c:
        code, text = rcpt(c)
        assert code == 554 and f"[{OTHER}]: not a permitted network" in text
        assert rcpt(c, f"bounce@{story.RETURN_DOMAIN}", "")[0] == 250
    # A user who is no more is out at the next message.
    relay.apply({"authentication": "network-or-auth"})
    with relay.connect(OTHER) as c:
        assert log_in(c)[0] == 235
        assert rcpt(c)[0] == 250
        user = dict(env.settings()["api_users"][0], enabled=False)
        relay.apply({"authentication": "network-or-auth"}, api_users=[user])
        code, text = rcpt(c)
        assert code == 550 and "may not send" in text, text
    with relay.connect(OTHER) as c:
        assert log_in(c)[0] == 535


def test_ways_to_log_in(env):
    relay = Relay(env, {"authentication": "network-or-auth"})
    # Not without TLS: it is not even offered.
    with relay.connect(OTHER, tls=False) as c:
        assert not c.has_extn("auth")
    with relay.connect(OTHER) as c:
        assert sorted(c.esmtp_features["auth"].split()) == ["LOGIN", "PLAIN"]
        c.user, c.password = USER.upper(), KEY
        assert c.auth("LOGIN", c.auth_login)[0] == 235
        assert rcpt(c)[0] == 250
    with relay.connect(OTHER) as c:
        code, text = c.docmd("AUTH", "PLAIN")
        assert code == 334, text
        words = plain(USER, KEY).split()
        assert c.docmd(words[1])[0] == 235
    for user, key in ((USER, KEY + "x"), ("nobody@shop.test", KEY),
                      (USER, "x" * 500)):
        with relay.connect(OTHER) as c:
            code, text = log_in(c, user, key)
            assert code == 535, text
    with relay.connect(OTHER) as c:
        assert c.docmd("AUTH", "PLAIN AAAA")[0] == 535
        assert c.docmd("AUTH", "LOGIN " + "A" * 2000)[0] == 535
    relay.apply({"authentication": "network-or-auth",
                 "mechanisms": ["LOGIN"]})
    with relay.connect(OTHER) as c:
        assert log_in(c)[0] == 535
    text = env.daemons.policyd.text
    assert "the service does not use this mechanism" in text
    assert 'reason="wrong key"' in text
    assert 'reason="no such user"' in text
    assert KEY not in text
    # The password reaches no log.
    assert KEY not in env.postfix.log.read_text(errors="replace")


def test_lock_out_and_audit(env):
    relay = Relay(env, {"authentication": "network-or-auth",
                        "lock_out": {"failures": 3, "period": "6s"}})
    with relay.connect(OTHER) as c:
        assert log_in(c)[0] == 235
    for _ in range(3):
        with relay.connect(OTHER) as c:
            assert log_in(c, key="wrong-key-1")[0] == 535
    # Locked: whatever key comes, and not "wrong password".
    with relay.connect(OTHER) as c:
        code, text = log_in(c)
        assert code == 454, text
    # From elsewhere the user logs in.
    with relay.connect(LISTED) as c:
        assert log_in(c)[0] == 235

    def again():
        with relay.connect(OTHER) as c:
            return log_in(c)[0] == 235
    wait_for(again, 30, "the lock ends")
    # One address, many names: locked for all of them.
    for n in range(30):
        with relay.connect("203.0.113.9") as c:
            assert log_in(c, f"guess{n}@shop.test")[0] == 535
    with relay.connect("203.0.113.9") as c:
        assert log_in(c)[0] == 454
    # Guesses at once are no more than guesses one by one.
    def guess(n):
        with relay.connect("203.0.113.77") as c:
            return log_in(c, key=f"guess-{n}")[0]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        codes = list(pool.map(guess, range(12)))
    assert sorted(codes) == [454] * 9 + [535] * 3, codes
    found = relay.audit()
    logins = [e for t, e in found if e["action"] == "login"]
    mine = [(e["client"], e["detail"]) for t, e in found
            if e["action"] == "login" and e["actor"] == USER and
            t == story.TENANT]
    for want in ((OTHER, "ok"), (OTHER, "failed"), (OTHER, "locked"),
                 (LISTED, "ok"), ("203.0.113.9", "locked")):
        assert want in mine, (want, mine)
    # Thirty guesses are one entry, and their count later.
    assert len([e for e in logins if e["client"] == "203.0.113.9" and
                e["actor"] == "(unknown user)"]) == 1
    assert len(mine) == 7, mine


def test_redis_away(env):
    relay = Relay(env, {"authentication": "network-or-auth"})
    with relay.connect(OTHER) as c:
        assert log_in(c)[0] == 235
    env.redis.kill()
    wait_for(lambda: "redis: away" in env.daemons.policyd.text,
             what="policyd knows")
    # Known a moment ago; and who is not, is not told that the key is wrong.
    with relay.connect(OTHER) as c:
        assert log_in(c)[0] == 235
    with relay.connect(OTHER) as c:
        assert log_in(c, key="something else")[0] == 454
    env.redis.start()

    def again():
        with relay.connect(OTHER) as c:
            return log_in(c, key="something else")[0] == 535
    wait_for(again, 30, "Redis is back")


def attempt(relay, key=KEY):
    """One login on a connection of its own; 454 and 421: not now."""
    try:
        with relay.connect(OTHER, tls=False) as c:
            return log_in(c, key=key)[0]
    except (smtplib.SMTPException, OSError, AssertionError) as e:
        code = re.search(r"\b([245]\d\d)\b", str(e))
        return int(code.group(1)) if code else 421


def test_many_at_once(env):
    relay = Relay(env, {"authentication": "network-or-auth",
                        "plain_text_auth": True,
                        "lock_out": {"failures": 0}})

    def until_told(n):
        """As an application does: later, when it is told so."""
        return wait_for(lambda: next(
            (c for c in [attempt(relay, KEY if n % 4 else f"wrong-{n}")]
             if c not in (421, 454)), None), 120, f"login {n}")

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        codes = list(pool.map(until_told, range(200)))
    assert [c for n, c in enumerate(codes) if n % 4 == 0] == [535] * 50
    assert [c for n, c in enumerate(codes) if n % 4] == [235] * 150


def test_killed_while_logging_in(env):
    relay = Relay(env, {"authentication": "network-or-auth",
                        "plain_text_auth": True,
                        "lock_out": {"failures": 0}})
    over = threading.Event()
    codes = []

    def client(n):
        count = 0
        while not over.is_set():
            count += 1
            codes.append((n, attempt(relay, KEY if n else f"wrong-{count}")))

    threads = [threading.Thread(target=client, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    try:
        for _ in range(3):
            wait_for(lambda: len(codes) > 20, 60, "logins")
            codes.clear()
            env.daemons.policyd.kill()
            env.daemons.policyd.start()
        wait_for(lambda: sum(c == 235 for _, c in codes) > 10, 60,
                 "logins after the last kill")
    finally:
        over.set()
        for t in threads:
            t.join()
    # Nobody is let in, nobody is told 535, because of it.
    assert {c for n, c in codes if n} <= {235, 421, 454}
    assert {c for n, c in codes if not n} <= {535, 421, 454}


def test_connections_refused(env):
    """With smtpd_delay_reject = no Postfix says it at the connection."""
    relay = Relay(env, {"authentication": "network-or-auth",
                        "refuse_others": True,
                        "networks": [*NETWORKS, "127.0.0.1"]},
                  main={"smtpd_delay_reject": "no"})
    with relay.connect(LISTED) as c:
        assert rcpt(c)[0] == 250
    c = env.postfix.smtp(PORT)
    c.ehlo()
    c.putcmd(f"XCLIENT ADDR={OTHER}")
    code, text = c.getreply()
    assert code == 554 and b"not a permitted network" in text, text
    c.close()
    # The other listener has Postfix's own rules.
    with env.postfix.smtp(25, ADDR=OTHER) as c:
        assert c.ehlo()[0] == 250


def test_sessions_at_once(env):
    relay = Relay(env, {"max_sessions": 3, "max_sessions_per_client": 2})
    held = []

    def begin(address):
        c = env.postfix.smtp(PORT, ADDR=address)
        c.ehlo()
        return c, *c.mail(story.SENDER)
    for address in (LISTED, LISTED, OTHER):
        c, code, text = begin(address)
        assert code == 250, text
        held.append(c)
    # No message, no session of anybody.
    idle = env.postfix.smtp(PORT, ADDR=LISTED)
    for address in (LISTED, OTHER):
        c, code, text = begin(address)
        assert code == 421 and text.startswith(b"4.7.0 Too many"), text
        c.close()
    # Others have their own.
    with env.postfix.smtp(25, ADDR=LISTED) as c:
        c.ehlo()
        assert c.mail(story.SENDER)[0] == 250
    held.pop().close()

    def free(address):
        c, code, _ = begin(address)
        held.append(c)
        return code == 250
    wait_for(lambda: free(OTHER), 20, "the place is free")
    for c in (idle, *held):
        c.close()
    text = env.daemons.milter.text
    assert 'reason="too many sessions of the tenant"' in text
    # More of one client, though the tenant has room.
    relay.apply({"max_sessions_per_client": 1})

    def one_more():
        a, code, _ = begin(LISTED)
        b, refused, _ = begin(LISTED)
        a.close()
        b.close()
        return code == 250 and refused == 421
    wait_for(one_more, 30, "one of each client")


def test_size(env):
    Relay(env, {"max_size_kb": 10})
    with env.postfix.smtp(PORT) as c:
        c.ehlo()
        code, text = rcpt(c, size=20000)
        assert code == 552 and "10240 octets" in text, text
        assert rcpt(c, size=9000)[0] == 250
        # It promised less.
        code, text = c.data("Subject: x\r\n\r\n" + "x" * 70 * 200 + "\r\n")
        assert code == 552 and text.startswith(b"5.3.4"), text
        assert rcpt(c)[0] == 250
        assert c.data("Subject: x\r\n\r\n" + "x" * 900 + "\r\n")[0] == 250
    env.delivered(TO)
    with env.postfix.smtp(25) as c:
        c.ehlo()
        assert rcpt(c, size=20000)[0] == 250


def test_interval(env):
    """Slots are kept, and what is too far away is put off."""
    relay = Relay(env, {"interval_ms": 200})
    with env.postfix.smtp(PORT) as c:
        c.ehlo()
        assert rcpt(c)[0] == 250
        began = time.monotonic()
        for _ in range(5):
            assert rcpt(c)[0] == 250
        assert time.monotonic() - began >= 4 * 0.2
    relay.apply({"interval_per_client_ms": 10000})
    env.postfix.postconf("mynetworks=0.0.0.0/0")
    env.postfix.reload()
    with env.postfix.smtp(PORT, ADDR=LISTED) as one, \
            env.postfix.smtp(PORT, ADDR=OTHER) as two:
        for c in (one, two):
            c.ehlo()
            assert c.mail(story.SENDER)[0] == 250
        for c in (one, two):
            assert c.rcpt("x@good.test")[0] == 250
        # Further recipients of a message take no slot: they would be 451.
        for n in range(5):
            assert one.rcpt(f"x{n}@good.test")[0] == 250
            # What comes back is no mail of the client's.
            assert two.rcpt(f"x{n}@{story.RETURN_DOMAIN}")[0] == 250
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        def more(_):
            with env.postfix.smtp(PORT, ADDR=LISTED) as c:
                c.ehlo()
                return rcpt(c, "x@good.test")
        answers = sorted(pool.map(more, range(3)))
    assert [code for code, _ in answers] == [250, 451, 451] or \
        [code for code, _ in answers] == [250, 250, 451], answers
    assert "too many messages at once, try again in" in answers[-1][1]


def test_sasl_of_the_site(env):
    """What is there stays, and is reported; nothing is left behind."""
    relay = Relay(env, {"authentication": "network-or-auth",
                        "networks": NETWORKS},
                  main={"smtpd_sasl_auth_enable": "no",
                        "smtpd_sasl_path": "site/auth"})
    assert "SMTP AUTH of its own (smtpd_sasl_path)" in relay.enabled.stderr
    assert env.postfix.value("smtpd_sasl_path") == "site/auth"
    assert env.postfix.value("smtpd_sasl_auth_enable") == "no"
    assert "postern_relay" in env.postfix.value("smtpd_relay_restrictions")
    env.postfix.postconf("smtpd_sasl_path=postern/auth.sock",
                         "smtpd_sasl_type=dovecot")
    done = env.cli.run("postfix", "enable")
    assert "of its own" not in done.stderr
    assert env.postfix.value("smtpd_sasl_auth_enable") == "yes"
    assert env.postfix.value("smtpd_tls_auth_only") == "yes"
    # The settings want it no more.
    relay.apply({"authentication": "off"})
    env.cli.run("postfix", "enable")
    assert env.postfix.value("smtpd_sasl_auth_enable") == "no"
    assert env.postfix.value("smtpd_tls_auth_only") == "no"
    assert env.postfix.value("smtpd_discard_ehlo_keyword_address_maps") == ""
    assert "postern" not in env.postfix.value("smtpd_relay_restrictions")
    assert "postern_port" not in \
        (env.postfix.config / "master.cf").read_text()


@pytest.mark.parametrize("undo", (False, True))
def test_enabled_and_disabled(env, undo):
    Relay(env, {"authentication": "network-or-auth", "networks": NETWORKS})
    if undo:
        # Somebody has changed main.cf since: it is not put back as a whole.
        env.postfix.postconf("smtpd_banner=$myhostname ESMTP here")
    assert env.cli.run("postfix", "status").returncode == 0
    env.cli.run("postfix", "disable")
    env.postfix.fill_chroot()
    text = "\n".join((env.postfix.config / n).read_text()
                     for n in ("main.cf", "master.cf"))
    assert "postern" not in text, text
    assert env.postfix.value("smtpd_sasl_auth_enable") == "no"
