# SPDX-License-Identifier: BSD-2-Clause
"""Recipients that the milter takes off a message: who still gets it, and
that each one ends in exactly one final event, with the log follower there."""
import pytest
from harness.util import wait_for

pytest.importorskip("dkim")
pytest.importorskip("nacl")  # Ed25519 signatures

from harness.signing import SENDER, MilterAndLog, message  # noqa: E402
from harness.signing import verify_with_dkim_py  # noqa: E402

GONE = "gone@good.test"
LOST = "lost@good.test"
FAILED = ("f", "10")


def block(milter, *addresses):
    for address in addresses:
        milter.env.cli.run("blocks", "-t", "shop", "add", address)


def mail_events(milter):
    """What became of mail: without the events of the list itself."""
    return [e for e in milter.events() if e[2] not in "kux"]


def finals(milter, recipient):
    return [(kind, status) for _, to, kind, status in mail_events(milter)
            if to == recipient and kind in "sf"]


def settle(milter):
    """Postfix has nothing left, and the follower has read its whole log."""
    env = milter.env
    wait_for(env.postfix.empty)

    def read():
        size = env.postfix.log.stat().st_size
        places = env.redis.client().hgetall("pn:ck:{h:mta1}")
        return any(str(size) in p.replace(":", " ").replace(",", " ").split()
                   for p in places.values())
    wait_for(read, what="the follower is at the end of the log")


def test_some_of_sendmails_recipients(base):
    """No smtpd asked the policy server about them."""
    milter = MilterAndLog(base)
    block(milter, GONE)
    milter.sendmail(message(1), "one@good.test", "Gone@GOOD.test",
                    "two@good.test")
    for to in ("one@good.test", "two@good.test"):
        data = base.delivered(to)[0].data
        assert verify_with_dkim_py(data, milter.dns)
    wait_for(lambda: finals(milter, "one@good.test") and
             finals(milter, "two@good.test"))
    settle(milter)
    assert not base.receivers["good.test"].messages_to(GONE)
    ids = {e[0] for e in mail_events(milter)}
    assert len(ids) == 1
    assert "suppressed=1" in milter.log(ids.pop())
    assert sorted(e[1:] for e in mail_events(milter)) == sorted([
        (GONE, *FAILED),
        ("one@good.test", "q", ""), ("one@good.test", "s", ""),
        ("two@good.test", "q", ""), ("two@good.test", "s", "")])


def test_all_of_sendmails_recipients(base):
    """Nothing goes out, nobody gets a bounce, nothing else is written."""
    milter = MilterAndLog(base)
    block(milter, GONE, LOST)
    milter.sendmail(message(1), GONE, LOST)
    wait_for(lambda: "action=discard" in base.daemons.milter.text)
    # What comes behind it in the log.
    last = milter.submit(message(2))
    base.delivered("one@good.test")
    wait_for(lambda: finals(milter, "one@good.test"))
    settle(milter)
    receiver = base.receivers["good.test"]
    assert [m.recipients for m in receiver.received] == [["one@good.test"]]
    assert sorted(e[1:] for e in mail_events(milter) if e[0] != last) == \
        [(GONE, *FAILED), (LOST, *FAILED)]


def test_a_tenant_that_accepts_over_smtp(base):
    """policyd lets them in, the milter takes them off: one event each."""
    milter = MilterAndLog(base, suppression={"mode": "enforce",
                                             "on_suppressed": "accept"})
    block(milter, GONE)
    first = milter.submit(message(1), to=["one@good.test", GONE])
    with base.postfix.smtp() as c:
        c.ehlo()
        c.mail(SENDER)
        assert c.rcpt(GONE)[0] == 250
        assert c.data(message(2))[0] == 250
        # The connection goes on to be of use.
        c.mail(SENDER)
        assert c.rcpt("two@good.test")[0] == 250
        assert c.data(message(3))[0] == 250
    for to in ("one@good.test", "two@good.test"):
        data = base.delivered(to)[0].data
        assert verify_with_dkim_py(data, milter.dns)
        wait_for(lambda: finals(milter, to))
    settle(milter)
    assert not base.receivers["good.test"].messages_to(GONE)
    assert "suppressed=1" in milter.log(first)
    assert finals(milter, GONE) == [FAILED, FAILED]
    assert sorted(e[1:] for e in mail_events(milter) if e[1] != GONE) == [
        ("one@good.test", "q", ""), ("one@good.test", "s", ""),
        ("two@good.test", "q", ""), ("two@good.test", "s", "")]


def test_a_tenant_that_refuses_over_smtp(base):
    """The default: policyd answers and writes, the milter does neither."""
    milter = MilterAndLog(base)
    block(milter, GONE)
    with base.postfix.smtp() as c:
        c.ehlo()
        c.mail(SENDER)
        assert c.rcpt("one@good.test")[0] == 250
        code, text = c.rcpt(GONE)
        assert code == 550 and text.startswith(b"5.1.1"), (code, text)
        assert c.data(message(1))[0] == 250
    base.delivered("one@good.test")
    wait_for(lambda: finals(milter, "one@good.test") and
             finals(milter, GONE))
    settle(milter)
    assert finals(milter, GONE) == [FAILED]
    assert "suppressed=1" not in base.daemons.milter.text


def test_only_observed(base):
    """Counted in the log; the mail goes out."""
    milter = MilterAndLog(base, suppression={"mode": "observe"})
    block(milter, GONE)
    milter.sendmail(message(1), GONE)
    base.delivered(GONE)
    wait_for(lambda: finals(milter, GONE))
    settle(milter)
    assert finals(milter, GONE) == [("s", "")]
    assert "would_suppress=1" in base.daemons.milter.text
