# SPDX-License-Identifier: BSD-2-Clause
"""postern-milter between a real Postfix and a real Redis: what leaves, and
what is known of it."""
import base64
import os
import random
import re
import signal
import smtplib
import subprocess
import threading
import time

import pytest
from harness.util import Missing, wait_for, write

dkim = pytest.importorskip("dkim")
pytest.importorskip("nacl")  # Ed25519 signatures

from harness.odd_mail import messages  # noqa: E402
from harness.signing import SENDER, Milter, MilterAndLog  # noqa: E402
from harness.signing import message  # noqa: E402
from harness.signing import verify_with_dkim_py  # noqa: E402


@pytest.fixture
def milter(base):
    return Milter(base)


def test_signatures_verify(base):
    """Every kind of message, as it arrives at the next host, verifies with
    both keys, with all hooks in Postfix."""
    milter = MilterAndLog(base)
    receiver = milter.env.receivers["good.test"]
    names = {}
    for name, data in messages():
        number = int(re.search(rb"X-Number: (\d+)", data).group(1))
        names[number] = name
        milter.submit(data)
    wait_for(lambda: len(receiver.received) >= len(names), 60)
    bad = []
    for m in receiver.received:
        number = int(re.search(rb"X-Number: (\d+)", m.data).group(1))
        try:
            if not verify_with_dkim_py(m.data, milter.dns):
                bad.append(names[number])
        except Exception as e:  # which message says more than a trace
            bad.append(f"{names[number]}: {e!r}")
    assert not bad, bad


def test_opendkim_accepts_the_signatures(milter, tmp_path):
    """The other verifier, with keys from the DNS."""
    if subprocess.run(["which", "opendkim-testmsg"],
                      capture_output=True).returncode != 0:
        pytest.skip("opendkim-testmsg is not installed")
    receiver = milter.env.receivers["good.test"]
    count = 0
    for name, data in messages():
        # It refuses messages with two of a field that RFC 5322 allows once,
        # before it looks at signatures.
        if name in ("header: repeated", "header: many signed"):
            continue
        milter.submit(data)
        count += 1
    wait_for(lambda: len(receiver.received) >= count, 60)
    resolv = write(tmp_path / "resolv.conf", "nameserver 127.0.0.1\n")
    bad = []
    for m in receiver.received:
        # libopendkim asks the servers of /etc/resolv.conf: ours, for it.
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c",
             f"mount --bind {resolv} /etc/resolv.conf && opendkim-testmsg"],
            input=m.data, capture_output=True, timeout=30)
        if b"root filesystem propagation" in done.stderr:
            raise Missing("/ is no mount point: a plain chroot")
        if done.returncode != 0:
            number = re.search(rb"X-Number: (\d+)", m.data).group(1)
            bad.append((number, done.stderr[-200:]))
    assert not bad, bad


def test_a_changed_message_does_not_verify(milter):
    milter.submit(message(1))
    data = milter.env.delivered("one@good.test")[0].data
    assert verify_with_dkim_py(data, milter.dns)
    for old, new in ((b"A few words", b"A new word"),
                     (b"Subject: hello", b"Subject: other"),
                     (b"To: one@", b"Subject: added\r\nTo: one@"),
                     (b"To: one@", b"Reply-To: x@evil.test\r\nTo: one@")):
        assert old in data
        changed = data.replace(old, new, 1)
        assert not dkim.verify(changed, dnsfunc=milter.dns), new


def test_what_is_not_signed(milter):
    """No From, several From fields, or somebody else's."""
    postfix = milter.env.postfix
    for i, head in enumerate((b"From: a@shop.test\r\nFrom: b@shop.test\r\n",
                              b"From: a@other.test\r\n")):
        milter.submit(head + b"Subject: %d\r\n\r\nhi\r\n" % i)
        data = milter.env.delivered("one@good.test", i + 1)[-1].data
        assert b"DKIM-Signature" not in data
    assert postfix.log_lines("status=sent")


def test_facts_are_there_before_the_mail_is_queued(milter):
    queue_id = milter.submit(message(
        1, subject=b"=?utf-8?B?5pel5pys?=\r\n =?utf-8?Q?_=C3=A4?=",
        header=b"X-Api-Data: order 4711\r\n"),
        to=["One@GOOD.test", "two@good.test"])
    facts = milter.facts(queue_id)
    text = str(facts)
    for want in ("shop", "日本 ä", "order 4711", "<1@shop.test>", SENDER,
                 "127.0.0.1", "one@good.test", "two@good.test",
                 "Shop <news@shop.test>"):
        assert want in text, (want, facts)
    line = milter.log(queue_id)
    assert "tenant=shop" in line
    assert "s1._domainkey.shop.test" in line
    assert "suppressed=0" in line


def test_signed_return_path(base):
    milter = Milter(base, return_path={"domain": "back.shop.test"})
    queue_id = milter.submit(message(1))
    m = milter.env.delivered("one@good.test")[0]
    assert re.fullmatch(r"b-[a-z2-7]{20,62}@back\.shop\.test", m.sender)
    assert m.sender in str(milter.facts(queue_id))
    milter.submit(message(2), sender="<>")
    m = milter.env.delivered("one@good.test", 2)[1]
    assert m.sender == ""


def test_redis_away(milter):
    """Mail goes on, its facts wait on disk and come back."""
    env = milter.env
    first = milter.submit(message(1))
    env.redis.stop()
    ids = [milter.submit(message(n)) for n in range(2, 12)]
    assert all("facts=spooled" in milter.log(i) for i in ids)
    spool = env.folder / "state" / "milter-facts"
    assert len(spool.read_text().splitlines()) == 10
    # It survives the daemon, too.
    env.daemons.milter.kill()
    env.daemons.milter.start()
    ids.append(milter.submit(message(12)))
    env.redis.start()
    wait_for(lambda: all(milter.facts(i) for i in [first, *ids]), 30)
    wait_for(lambda: not spool.exists() and
             not spool.with_name("milter-facts.replay").exists())
    data = env.delivered("one@good.test", 12)
    assert all(verify_with_dkim_py(m.data, milter.dns) for m in data)


def test_suppression_without_redis_puts_off(base):
    milter = Milter(base, suppression={"mode": "enforce",
                                       "on_suppressed": "accept"})
    base.redis.stop()
    with base.postfix.smtp() as c:
        c.ehlo()
        c.mail(SENDER)
        c.rcpt("one@good.test")
        code, text = c.data(message(1))
    assert code == 451 and b"4.3.0" in text, (code, text)
    base.redis.start()
    wait_for(lambda: "revision" in base.daemons.milter.text)
    milter.change(suppression={"mode": "enforce", "on_suppressed": "accept",
                               "when_unavailable": "pass"})
    base.redis.stop()
    milter.submit(message(2))
    base.delivered("one@good.test")


def test_killed_at_any_instant(milter):
    """Whatever Postfix has answered 250 for has its facts."""
    env = milter.env
    rng = random.Random(9)
    accepted = []
    for n in range(30):
        if n % 5 == 4:
            env.daemons.milter.kill()
            if rng.random() < 0.5:
                with pytest.raises(AssertionError):
                    milter.submit(message(n))
            env.daemons.milter.start()
        accepted.append(milter.submit(message(n)))
    assert all(milter.facts(i) for i in accepted)


def test_it_ends_soon_and_leaves_nothing(milter):
    milter.submit(message(1))
    sock = milter.env.postfix.queue / "postern" / "milter.sock"
    assert sock.stat().st_mode & 0o777 == 0o660
    began = time.monotonic()
    assert milter.env.daemons.milter.stop() == 0
    assert time.monotonic() - began < 15


class Sessions:
    """Clients that send message after message, each in one session for as
    long as that goes; they keep what was answered."""

    def __init__(self, milter, count=4):
        self.milter, self.stopping = milter, False
        self.taken, self.codes, self.errors = [], set(), []
        self.threads = [threading.Thread(target=self.run, daemon=True)
                        for _ in range(count)]

    def session(self):
        with self.milter.env.postfix.smtp() as c:
            c.ehlo()
            while not self.stopping:
                code = c.mail(SENDER)[0]
                if code == 250:
                    code = c.rcpt("one@good.test")[0]
                if code == 250:
                    code, text = c.data(message(1))
                self.codes.add(code)
                if code != 250:
                    return
                self.taken.append(re.search(rb"queued as (\S+)", text)
                                  .group(1).decode())

    def run(self):
        while not self.stopping:
            try:
                self.session()
            except smtplib.SMTPServerDisconnected:
                pass
            except Exception as e:
                self.errors.append(e)
                return

    def more(self, count):
        goal = len(self.taken) + count
        wait_for(lambda: len(self.taken) >= goal or self.errors, 60)

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        for t in self.threads:
            t.join(60)


def test_restarts_reloads_and_settings_under_load(milter):
    """Messages are taken or put off, and what was taken has its facts."""
    daemon = milter.env.daemons.milter
    with Sessions(milter) as load:
        for n in range(6):
            load.more(30)
            if n % 3 == 0:
                assert daemon.stop() == 0
                daemon.start()
            elif n % 3 == 1:
                daemon.process.signal(signal.SIGHUP)
                daemon.process.signal(signal.SIGUSR1)
            else:
                milter.change(received=["remove", "keep"][n % 2])
        load.more(30)
    assert not load.errors
    assert {c for c in load.codes if c >= 500} == set()
    assert all(milter.facts(i) for i in load.taken)


def test_redis_comes_and_goes_under_load(milter):
    """Several threads fill the spool while it is replayed."""
    redis = milter.env.redis
    spool = milter.env.folder / "state" / "milter-facts"
    with Sessions(milter) as load:
        for _ in range(3):
            redis.stop()
            load.more(30)
            redis.start()
            load.more(30)
    assert not load.errors
    assert {c for c in load.codes if c >= 500} == set()
    wait_for(lambda: not spool.exists() and
             not spool.with_name("milter-facts.replay").exists(), 30)
    missing = [i for i in load.taken if not milter.facts(i)]
    assert not missing
