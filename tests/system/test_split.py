# SPDX-License-Identifier: BSD-2-Clause
"""Messages whose recipients need different mail: each gets his copy once,
whatever fails in between."""
import collections
import os
import signal
import smtplib
import threading
import time

import pytest
from harness import story
from harness.util import connectable, wait_for, without_ref

LISTED = {"List-Id": "Shop <news.shop.test>"}
SETTINGS = {"unsubscribe": {
    "url": "https://mail.shop.test/u/",
    "filters": [{"name": "news", "header": "List-Id",
                 "pattern": ".*news.*"}]}}
FAILURES = (smtplib.SMTPException, OSError)


@pytest.fixture
def shop(env):
    env.start_stack(**SETTINGS)
    return env


def people(count):
    return [f"p{i}@good.test" for i in range(count)]


MESSAGE = ("From: news@shop.test\r\nTo: all@shop.test\r\n"
           "Subject: %s\r\nMessage-ID: <%s@shop.test>\r\n"
           "Date: Mon, 23 Nov 2026 08:00:00 +0000\r\n"
           "List-Id: Shop <news.shop.test>\r\n\r\nA few words.\r\n")


def send(env, to, name="one", timeout=250, before_data=None):
    """One try of a client that would come back: the code."""
    text = MESSAGE % (name, name)
    with smtplib.SMTP("127.0.0.1", 25, local_hostname="app.test",
                      timeout=timeout) as c:
        c.ehlo()
        c.mail(story.SENDER)
        for one in to:
            assert c.rcpt(one)[0] == 250
        if before_data:
            before_data()
        return c.data(text.encode())[0]


def tries(env, to, name="one", seconds=90):
    """As a client does: again and again until it is taken."""
    end = time.monotonic() + seconds
    codes = []
    while time.monotonic() < end:
        try:
            codes.append(send(env, to, name))
        except (AssertionError, *FAILURES) as e:
            codes.append(repr(e))
        if codes[-1] == 250:
            return codes
        assert not isinstance(codes[-1], int) or codes[-1] < 500, codes
        time.sleep(0.5)
    raise AssertionError(f"not taken: {codes[-5:]}")


def got(env, name="one"):
    """recipient -> how many messages of that name."""
    count = collections.Counter()
    for m in list(env.receivers["good.test"].received):
        if f"Subject: {name}\r\n".encode() in m.data:
            count.update(m.recipients)
    return count


def each_has_one(env, to, name="one"):
    wait_for(lambda: set(got(env, name)) == set(to), 60,
             "everybody has a message")
    wait_for(env.postfix.empty, 60)
    counts = got(env, name)
    assert counts == collections.Counter(to), \
        {k: v for k, v in counts.items() if v != 1}


def final_events(env):
    return collections.Counter(
        e["recipient"] for e in env.api.all("/v1/events", limit=500)
        if e["type"] in ("succeeded", "failed"))


def listener(env, up):
    """The internal listener: there, or away."""
    master = env.postfix.config / "master.cf"
    kept = master.with_name("master.kept")
    wait_for(lambda: env.postfix.log_lines("daemon started"))
    if up:
        master.write_text(kept.read_text())
    else:
        kept.write_text(master.read_text())
        lines, inside = [], False
        for line in kept.read_text().splitlines(True):
            inside = line.startswith("127.0.0.1:10589") or \
                inside and line.startswith((" ", "\t"))
            lines.append("#" + line if inside else line)
        master.write_text("".join(lines))
    env.postfix.reload()
    wait_for(lambda: connectable(("127.0.0.1", 10589)) == up, 20)


def test_everybody_gets_one(shop):
    to = people(20)
    assert send(shop, to) == 250
    each_has_one(shop, to)
    wait_for(lambda: final_events(shop) == collections.Counter(to), 20)
    events = shop.api.all("/v1/events", limit=500)
    copies = {e["queue_id"] for e in events if e.get("copy_of")}
    assert len(copies) == 19
    assert len({e["copy_of"] for e in events if e.get("copy_of")}) == 1
    assert not list(shop.redis.client().scan_iter("pn:x:*"))
    for m in shop.receivers["good.test"].received:
        assert b"X-Postern" not in without_ref(m.data)
        assert m.data.count(b"List-Unsubscribe:") == 1
    assert not shop.postfix.log_lines("reinject.*lost connection")

    # The same words again are another message.
    assert send(shop, to) == 250
    wait_for(lambda: got(shop) == collections.Counter(to * 2), 30)


def test_the_listener_is_away(shop):
    to = people(6)
    listener(shop, False)
    for _ in range(2):
        assert send(shop, to) == 451
    wait_for(shop.postfix.empty, 20)
    assert not got(shop)
    assert "can not be reached" in shop.daemons.milter.text
    listener(shop, True)
    tries(shop, to)
    each_has_one(shop, to)


def test_redis_is_away(shop):
    to = people(6)
    assert send(shop, to, before_data=shop.redis.stop) == 451
    wait_for(shop.postfix.empty, 20)
    assert not got(shop)
    shop.redis.start()
    tries(shop, to)
    each_has_one(shop, to)


def test_more_copies_than_go_at_once(shop):
    to = people(200)
    assert send(shop, to) == 250
    each_has_one(shop, to)
    wait_for(lambda: final_events(shop) == collections.Counter(to), 30)


def copy_smtpds():
    """Processes of the internal listener, of this network."""
    network = os.readlink("/proc/thread-self/ns/net")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
            if words[0] == b"smtpd" and b"127.0.0.1:10589" in words and \
                    os.readlink(f"/proc/{pid}/ns/net") == network:
                yield int(pid)
        except OSError:
            continue


def test_the_listener_dies_in_the_middle(shop):
    """Of 150 copies, in rounds; Postfix's master then waits a minute."""
    to = people(150)
    killed = []

    def kill():
        # All of them: some few may have nothing to do just then.
        for pid in copy_smtpds():
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
        return killed

    t = threading.Thread(target=lambda: wait_for(
        lambda: len(shop.postfix.log_lines("queue active")) > 20 and kill(),
        60))
    t.start()
    codes = tries(shop, to, seconds=240)
    t.join()
    assert killed and codes[0] == 451
    each_has_one(shop, to)


@pytest.mark.parametrize("after", [0, 15, 40, 70])
def test_the_milter_is_killed_in_the_middle(shop, after):
    """When so many copies have been taken."""
    to = people(120)
    result = []

    def client():
        try:
            result.append(send(shop, to))
        except FAILURES as e:
            result.append(repr(e))

    t = threading.Thread(target=client)
    t.start()
    pattern = r"reinject/cleanup\[\d+\]: \w+: message-id=" if not after \
        else r"postfix/qmgr\[\d+\]: \w+: from=.*queue active"
    wait_for(lambda: len(shop.postfix.log_lines(pattern)) > after or result,
             60)
    shop.daemons.milter.kill()
    t.join()
    shop.daemons.milter.start()
    if result[0] != 250:
        tries(shop, to, seconds=150)
    each_has_one(shop, to)
    wait_for(lambda: final_events(shop) == collections.Counter(to), 30)
