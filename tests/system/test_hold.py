# SPDX-License-Identifier: BSD-2-Clause
"""Mail that may not leave now: held with 250 to the client, listed, and known
to the application; what decides is a prohibited time, a day cap, the order."""
import datetime
import smtplib
import time

import pytest
from harness.signing import (SENDER, Milter, MilterAndLog, message,
                             verify_with_dkim_py)
from harness.util import run, wait_for, without_ref

MINUTE = 60


def clock(offset_min):
    """HH:MM of UTC, so many minutes from now."""
    at = time.time() + offset_min * MINUTE
    return datetime.datetime.fromtimestamp(
        at, datetime.timezone.utc).strftime("%H:%M")


def condition(header, pattern):
    return {"header": header, "pattern": pattern}


def prohibition(name="night", begin=-60, end=300, header="Subject",
                pattern="news.*", **more):
    return {"name": name, "apply": [condition(header, pattern)],
            "from": clock(begin), "to": clock(end), **more}


def queue(base, name="hold"):
    """recipients of each message in that queue, by queue id"""
    return {m["queue_id"]: sorted(r["address"] for r in m["recipients"])
            for m in base.postfix.queued() if m["queue_name"] == name}


def records(base):
    """queue id -> fields of its record"""
    all_of_them = base.redis.client().hgetall("pn:h:{h:mta1}:of")
    return {i: text.split("\t") for i, text in all_of_them.items()}


def lists(base, name):
    return dict(base.redis.client().zrange("pn:h:{h:mta1}:" + name, 0, -1,
                                           withscores=True))


def release(base, queue_id):
    config = str(base.postfix.config)
    run(["postsuper", "-c", config, "-H", queue_id])
    run(["postqueue", "-c", config, "-f"])


def refused(base, text, to="one@good.test"):
    with base.postfix.smtp() as c:
        c.ehlo()
        c.mail(SENDER)
        c.rcpt(to)
        code, words = c.data(text)
    return code, words.decode()


def is_held(base, queue_id, to, reason="w"):
    assert queue(base) == {queue_id: to}
    record = records(base)[queue_id]
    assert record[0][0] == reason
    return record


def test_a_prohibited_time(base):
    """Held, told at once as queued, and only once; outside nothing waits."""
    milter = MilterAndLog(base, prohibitions=[
        prohibition(exclude=[condition("X-Number", "7")])])
    held = milter.submit(message(1, subject=b"news of today"))
    record = is_held(base, held, ["one@good.test"])
    assert record[3:6] == ["shop", "night", "news@shop.test"]
    assert record[6:] == ["one@good.test", "news of today"]
    (at,) = lists(base, "due").values()
    assert 290 * MINUTE < at / 1000 - time.time() <= 301 * MINUTE
    assert at % 60000 == 0
    wait_for(lambda: (held, "one@good.test", "q", "") in milter.events(),
             what="a queued event")
    assert ', hold="prohibited time night until 20' in milter.log(held)

    milter.submit(message(2), to="free@good.test")
    milter.submit(message(7, subject=b"news of today"), to="out@good.test")
    assert base.delivered("free@good.test") and base.delivered("out@good.test")
    assert list(queue(base)) == [held]
    assert not base.receivers["good.test"].messages_to("one@good.test")

    release(base, held)
    got = base.delivered("one@good.test")[0]
    header = without_ref(got.data).lower().split(b"\r\n\r\n")[0]
    assert b"postern" not in header
    assert verify_with_dkim_py(got.data, milter.dns)
    wait_for(lambda: [e[2] for e in milter.events() if e[0] == held] ==
             ["q", "s"], what="one queued event, then succeeded")


def test_nobody_can_write_the_mark(base):
    milter = Milter(base, prohibitions=[prohibition()])
    forged = b"X-Postern-Held: window; tenant=shop\r\n"
    milter.submit(message(1, header=forged))
    assert b"X-Postern" not in \
        without_ref(base.delivered("one@good.test")[0].data)
    held = milter.submit(message(2, header=forged, subject=b"news"))
    text = run(["postcat", "-c", str(base.postfix.config), "-q", held]).stdout
    marks = [x for x in text.splitlines() if x.startswith("X-Postern-Held:")]
    assert len(marks) == 1
    assert marks[0].startswith(
        "X-Postern-Held: window; tenant=shop; priority=50; arrived=")
    assert marks[0].endswith("; rule=night") and "; until=" in marks[0]


def test_recipients_that_differ_are_split(base):
    """One message to three: two of them in different windows."""
    milter = MilterAndLog(base, prohibitions=[
        prohibition("a", header="To", pattern="a@.*"),
        prohibition("b", header="To", pattern="b@.*", end=400)])
    to = ["a@good.test", "free@good.test", "b@good.test"]
    milter.submit(message(1), to=to)
    base.delivered("free@good.test")
    assert sorted(queue(base).values()) == [["a@good.test"], ["b@good.test"]]
    due = sorted(lists(base, "due").values())
    assert due[1] - due[0] == 100 * MINUTE * 1000
    assert sorted(r[4] for r in records(base).values()) == ["a", "b"]
    wait_for(lambda: sorted(e[1] for e in milter.events()
                            if e[2] == "q") == sorted(to))

    # the same treatment: one message
    milter.change(prohibitions=[prohibition(header="To", pattern=".*@.*")])
    one = milter.submit(message(2), to=to)
    assert queue(base)[one] == sorted(to)


def test_redis_away(base):
    """What must be held is put off, the rest goes on."""
    milter = Milter(base, prohibitions=[prohibition()],
                    day_caps=[{"name": "few", "quantity": 5, "conditions": [
                        condition("X-Number", "9")]}])
    base.redis.kill()
    wait_for(lambda: "redis" in base.daemons.milter.text.lower())
    code, text = refused(base, message(1, subject=b"news"))
    assert code == 451 and text.startswith("4.3.0 This is not to be sent now")
    code, text = refused(base, message(9))
    assert code == 451 and text.startswith("4.3.0 Day caps")
    milter.submit(message(2), to="free@good.test")
    base.delivered("free@good.test")
    assert queue(base) == {}

    base.redis.start()
    wait_for(lambda: refused(base, message(3, subject=b"news"))[0] == 250)
    assert len(queue(base)) == len(records(base)) == 1


def set_gate(base, in_flight, most):
    c = base.redis.client()
    seconds, micros = c.time()
    c.hset("pn:h:{h:mta1}:gate", mapping={
        "n": in_flight, "m": most, "t": seconds * 1000 + micros // 1000})


@pytest.fixture
def ordered(base):
    base.redis.client()
    milter = Milter(base, priorities=[
        {"name": "password", **condition("Subject", "Password.*"),
         "priority": 99},
        {"name": "news", **condition("Subject", "news.*"), "priority": 10}])
    before = base.daemons.milter.text.count("revision")
    base.apply("_global", {"scheduler": {"max_in_flight": 10}, "tenants": [
        {"name": "shop", "match": {"sender_domain": ["shop.test"]}}]})
    wait_for(lambda: base.daemons.milter.text.count("revision") > before)
    return milter


def test_order(base, ordered):
    """Who waits is told by the gate, and by who waits already."""
    # nobody who would release: nothing is held
    ordered.submit(message(1, subject=b"news"), to="n1@good.test")
    base.delivered("n1@good.test")

    set_gate(base, 9, 10)
    ordered.submit(message(2, subject=b"news"), to="n2@good.test")
    base.delivered("n2@good.test")
    set_gate(base, 10, 10)
    news = ordered.submit(message(3, subject=b"news"), to="n3@good.test")
    plain = ordered.submit(message(4), to="n4@good.test")
    assert set(queue(base)) == {news, plain}
    assert records(base)[news][0] == "p-10"
    assert records(base)[plain][0] == "p-50"
    assert list(lists(base, "ready")) == [plain, news]
    assert ', hold="not its turn, priority 10",' in ordered.log(news)

    # there is room again, but not for those behind the ones that wait
    set_gate(base, 0, 10)
    behind = ordered.submit(message(5), to="n5@good.test")
    ordered.submit(message(6, subject=b"Password"), to="n6@good.test")
    base.delivered("n6@good.test")
    assert set(queue(base)) == {news, plain, behind}


def test_order_without_redis(base, ordered):
    set_gate(base, 10, 10)
    base.redis.kill()
    wait_for(lambda: "redis" in base.daemons.milter.text.lower())
    ordered.submit(message(1, subject=b"news"))
    base.delivered("one@good.test")


def test_day_caps(base):
    """So many leave today, so many tomorrow; refused mail is given back."""
    caps = [{"name": "all", "quantity": 2}, {"name": "news", "quantity": 1,
             "conditions": [condition("Subject", "news.*")]}]
    milter = Milter(base, day_caps=caps)
    for n, subject in enumerate([b"news", b"x"]):
        milter.submit(message(n, subject=subject), to=f"n{n}@good.test")
        base.delivered(f"n{n}@good.test")
    assert queue(base) == {}
    over = milter.submit(message(3))
    record = is_held(base, over, ["one@good.test"], "c")
    assert record[4] == "all"
    midnight = (int(time.time()) // 86400 + 1) * 86400
    assert lists(base, "due") == {over: midnight * 1000}
    next_news = milter.submit(message(4, subject=b"news"))
    after = milter.submit(message(5, subject=b"news"))
    assert lists(base, "due")[next_news] == midnight * 1000
    assert lists(base, "due")[after] == (midnight + 86400) * 1000
    c = base.redis.client()
    booked = {k[-8:]: c.hgetall(k) for k in c.scan_iter("pn:d:*")}
    assert sorted(v["all"] for v in booked.values()) == ["1", "2", "2"]
    assert sorted(v["news"] for v in booked.values()) == ["1", "1", "1"]


def test_refused_mail_is_not_counted(base):
    """What was booked for a message that is put off after all comes back."""
    milter = MilterAndLog(base, day_caps=[
        {"name": n, "quantity": 2, "conditions": [
            condition("To", n + "@.*")]} for n in ("a", "b")])
    c = base.redis.client()
    today = datetime.datetime.now(datetime.timezone.utc)
    for day in range(35):
        at = today + datetime.timedelta(days=day)
        c.hset(at.strftime("pn:d:{shop}:%Y%m%d"), "b", 2)
    code, text = refused(base, message(1), "b@good.test")
    assert code == 451 and text.startswith("4.7.1 Day cap used up")
    with base.postfix.smtp() as smtp:
        smtp.ehlo()
        smtp.mail(SENDER)
        for to in ("a@good.test", "b@good.test"):
            smtp.rcpt(to)
        assert smtp.data(message(2))[0] == 451
    wait_for(lambda: c.hget(today.strftime("pn:d:{shop}:%Y%m%d"), "a") == "0")
    milter.submit(message(3), to="a@good.test")
    base.delivered("a@good.test")
    assert c.hget(today.strftime("pn:d:{shop}:%Y%m%d"), "a") == "1"


def test_unscanned_mail_is_listed(base):
    """Held by the scan's setting: no time releases it."""
    milter = Milter(base, scan={"mode": "enforce",
                                "when_unavailable": "hold"},
                    prohibitions=[prohibition()])
    held = milter.submit(message(1, subject=b"news"))
    is_held(base, held, ["one@good.test"], "s")
    assert lists(base, "due") == {held: float("inf")}
    assert ', hold="not scanned for viruses",' in milter.log(held)


def test_bad_settings(base):
    """A zone that does not exist is refused by name, and nothing changes."""
    milter = Milter(base)
    with pytest.raises(AssertionError, match='"Asia/Tokio" is no time zone'):
        milter.change(calendar={"time_zone": "Asia/Tokio"})


def test_a_client_that_is_told_to_come_back(base):
    """A year of prohibition is no reason to keep mail for a year."""
    milter = Milter(base, prohibitions=[prohibition(begin=0, end=0)])
    code, text = refused(base, message(1, subject=b"news"))
    assert (code, text[:6]) == (451, "4.3.5 ")
    milter.submit(message(2), to="free@good.test")
    base.delivered("free@good.test")
    with pytest.raises(smtplib.SMTPException):
        base.postfix.send("one@good.test", sender=SENDER, subject="news")
