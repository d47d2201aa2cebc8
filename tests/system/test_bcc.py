# SPDX-License-Identifier: BSD-2-Clause
"""A blind copy of everything for an archive host: with the recipients that
the message has, and nobody's delivery."""
import re
import smtplib

import pytest
from harness import story
from harness.receiver import Receiver
from harness.util import wait_for, without_ref

ARCHIVE = ("127.0.1.40", 2525)
BCC = {"host": ARCHIVE[0], "port": ARCHIVE[1]}


@pytest.fixture
def archive():
    r = Receiver(ARCHIVE[0], "archive.test", ARCHIVE[1])
    yield r
    r.stop()


def events_of(env, *queue_ids):
    return [e for e in env.api.all("/v1/events", limit=500)
            if not queue_ids or e.get("queue_id") in queue_ids]


def copy_ids(env, queue_id, count=1):
    """Queue ids that the internal listener gave."""
    def seen():
        found = []
        for line in env.postfix.log_lines(
                r"postfix/reinject/smtpd\[\d+\]: \w+: client="):
            found.append(re.search(r": (\w+): client=", line).group(1))
        return found if len(found) >= count else None
    return wait_for(seen, 20, f"{count} copies of {queue_id}")


def send(env, *to, sender=story.SENDER, **kw):
    return env.postfix.send(list(to), sender=sender, **kw)


def test_everything_goes_to_the_archive_too(env, archive):
    env.start_stack(bcc=BCC)
    archive.start()
    queue_id = send(env, "one@good.test", "two@good.test",
                    "noone@bounce.test", headers={"X-Api-Data": "42"})
    env.delivered("one@good.test")
    wait_for(lambda: archive.received, 20)
    copy = archive.received[0]
    assert copy.sender.endswith("shop.test")
    assert sorted(copy.recipients) == ["noone@bounce.test", "one@good.test",
                                       "two@good.test"]
    assert all("NOTIFY=NEVER" in p
               for p in copy.recipient_parameters.values())
    assert b"X-Postern" not in without_ref(copy.data)
    real = env.delivered("one@good.test")
    assert len(real) == 1 and b"X-Postern" not in without_ref(real[0].data)
    body = copy.data.partition(b"\r\n\r\n")[2]
    assert body == real[0].data.partition(b"\r\n\r\n")[2]

    wait_for(env.postfix.empty, 20)
    wait_for(lambda: {e["recipient"]: e["type"] for e in events_of(env)
                      if e["type"] in ("succeeded", "failed")} == {
        "one@good.test": "succeeded", "two@good.test": "succeeded",
        "noone@bounce.test": "failed"}, 20)
    bcc_id, = copy_ids(env, queue_id)
    assert events_of(env, bcc_id) == []
    per_type = {}
    for e in events_of(env, queue_id):
        per_type.setdefault(e["type"], []).append(e["recipient"])
    assert sorted(per_type["queued"]) == sorted(
        ["one@good.test", "two@good.test", "noone@bounce.test"])
    assert " copies=1" in env.daemons.milter.text


def test_an_archive_that_refuses_hurts_nobody(env, archive):
    """No bounce, no block, no failure of the message; it is told apart."""
    env.start_stack(bcc=BCC)
    archive.script["eom"] = "550 5.1.1 no such user here"
    archive.start()
    for _ in range(4):
        send(env, "one@good.test", "two@good.test")
    env.delivered("one@good.test", 4)
    wait_for(env.postfix.empty, 30)
    wait_for(lambda: len([e for e in events_of(env)
                          if e["type"] == "observed"]) == 4, 20)
    events = events_of(env)
    assert not [e for e in events if e["type"] in ("failed", "bounced",
                                                   "blocked")]
    assert len([e for e in events if e["type"] == "succeeded"]) == 8
    for e in events:
        if e["type"] == "observed":
            assert e["origin"] == "bcc"
            assert "no such user here" in e["reason"]
            assert e["copy_of"] != e["queue_id"]
    assert not env.postfix.log_lines(r"sender non-delivery notification")
    assert env.api.all("/v1/blocks") == []


def test_an_archive_that_is_away_slows_nothing(env, archive):
    env.start_stack(bcc=BCC)
    send(env, "one@good.test")
    env.delivered("one@good.test")
    waiting = wait_for(lambda: [m for m in env.postfix.queued()
                                if m["queue_name"] == "deferred"], 20)
    assert [r["address"] for r in waiting[0]["recipients"]] == [
        "one@good.test"]
    archive.start()

    def came():
        env.postfix.flush()
        return archive.received
    wait_for(came, 30)
    wait_for(env.postfix.empty, 20)
    assert len(archive.received) == 1
    assert len(env.receivers["good.test"].messages_to("one@good.test")) == 1
    assert not [e for e in events_of(env) if e["type"] == "deferred"]


def test_suppressed_recipients_go_to_nobody(env, archive):
    env.start_stack(bcc=BCC, suppression={"on_suppressed": "accept"})
    archive.start()
    env.cli.run("blocks", "-t", story.TENANT, "add", "two@good.test")
    send(env, "one@good.test", "two@good.test")
    wait_for(lambda: archive.received, 20)
    assert archive.received[0].recipients == ["one@good.test"]
    wait_for(env.postfix.empty, 20)
    assert not env.receivers["good.test"].messages_to("two@good.test")


def test_who_writes_the_field_himself_sends_nowhere_else(env, archive):
    env.start_stack()
    archive.start()
    send(env, "one@good.test", headers={
        "X-Postern-Next-Hop": f"[{ARCHIVE[0]}]:{ARCHIVE[1]}",
        "X-Postern-Copy": "0" * 32})
    got = env.delivered("one@good.test")
    assert b"X-Postern" not in without_ref(got[0].data)
    wait_for(env.postfix.empty, 20)
    assert archive.connections == 0

    # Nor who goes to the internal listener with it.
    for headers in ({}, {"X-Postern-Next-Hop": "[127.0.1.40]:2525"},
                    {"X-Postern-Copy": "0" * 32}):
        with pytest.raises(smtplib.SMTPDataError) as caught:
            env.postfix.send("one@good.test", sender=story.SENDER,
                             headers=headers, port=10589)
        assert caught.value.smtp_code == 550
        assert caught.value.smtp_error.startswith(b"5.7.1")
    assert archive.connections == 0
