# SPDX-License-Identifier: BSD-2-Clause
"""What is left out of a session when no tenant wants it, and that settings
which come to want it during the session are obeyed."""
import smtplib

import pytest
from harness.mta import NO_BODY, NO_HELO, Mta
from harness.util import wait_for

pytest.importorskip("dkim")
pytest.importorskip("nacl")  # Ed25519 signatures

from harness.signing import SENDER, Milter, message  # noqa: E402
from harness.signing import verify_with_dkim_py  # noqa: E402

TO = "one@good.test"
PLAIN = {"received": "keep", "preflight": {"mode": "off"}}


def left_out(milter):
    with Mta(milter.env.postfix.queue / "postern" / "milter.sock") as mta:
        return mta.negotiate() & (NO_BODY | NO_HELO)


@pytest.fixture
def milter(base):
    """Two tenants that want nothing."""
    milter = Milter(base, **PLAIN)
    milter.domains = milter.document["domains"]
    base.apply("default", PLAIN)
    milter.change(domains=[])
    wait_for(lambda: left_out(milter) == NO_BODY | NO_HELO)
    return milter


def test_steps_follow_the_settings(milter):
    milter.change(received="normal")
    assert left_out(milter) == NO_BODY
    milter.change(received="keep", domains=milter.domains)
    assert left_out(milter) == NO_HELO
    milter.change(domains=[], preflight={"mode": "observe"})
    assert left_out(milter) == NO_HELO
    milter.change(preflight={"mode": "off"})
    assert left_out(milter) == NO_BODY | NO_HELO


def session(milter):
    c = milter.env.postfix.smtp()
    c.ehlo()
    return c


def send(c, n):
    assert c.mail(SENDER)[0] == 250
    assert c.rcpt(TO)[0] == 250
    code, text = c.data(message(n))
    return code, text.decode()


def test_messages_without_those_steps(milter):
    """They arrive as they are."""
    with session(milter) as c:
        assert send(c, 1)[0] == 250
        assert send(c, 2)[0] == 250
    got = milter.env.delivered(TO, 2)
    assert all(m.data.endswith(b"\r\nA few words.\r\n") for m in got)
    assert all(b"DKIM-Signature" not in m.data for m in got)


@pytest.mark.parametrize("change", ["keys", "received"])
def test_settings_change_during_a_session(milter, change):
    """The message that wants what was left out is put off, the session ends,
    and the next one has it; nothing leaves unsigned."""
    c = session(milter)
    assert send(c, 1)[0] == 250
    if change == "keys":
        milter.change(domains=milter.domains)
    else:
        milter.change(received="normal")
    code, text = send(c, 2)
    assert (code, text[:5]) == (421, "4.3.2"), text
    with pytest.raises(smtplib.SMTPServerDisconnected):
        c.noop()
        c.noop()
    assert "dsn=4.3.2" in wait_for(
        lambda: [line for line in
                 milter.env.daemons.milter.text.splitlines()
                 if "action=tempfail" in line])[0]
    with session(milter) as c:
        assert send(c, 3)[0] == 250
    # Two sessions of Postfix: whichever comes first.
    got = sorted(milter.env.delivered(TO, 2),
                 key=lambda m: b"X-Number: 3\r\n" in m.data)
    assert [b"X-Number: %d\r\n" % n in m.data
            for n, m in zip((1, 3), got)] == [True, True]
    if change == "keys":
        assert verify_with_dkim_py(got[1].data, milter.dns)
    else:
        assert b"Received: from" in got[1].data
    # The other way nothing is missing: an open session goes on.
    with session(milter) as c:
        milter.change(domains=[], received="keep")
        assert send(c, 4)[0] == 250
