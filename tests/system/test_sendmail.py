# SPDX-License-Identifier: BSD-2-Clause
"""The same milter before Debian's Sendmail: signatures, Received, envelope
sender, suppression, forwarding and unsubscribe; what is Postfix's is refused
safely, and said."""
import re
import smtplib
import time

import pytest
from harness import sendmail
from harness.util import wait_for, without_ref

pytest.importorskip("dkim")
pytest.importorskip("nacl")

from harness.signing import SENDER, Milter, message  # noqa: E402
from harness.signing import verify_with_dkim_py  # noqa: E402

WHY_NOT = sendmail.unpack()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))

MILTER_PORT = 8899
TAG = r"b-[a-z2-7]{28,62}"


class Mta(Milter):
    """The signed tenant of the other tests, but before Sendmail."""

    def __init__(self, env, more="", **settings):
        self.env = env
        self.count = 0
        env.daemons.parameters["milter_listen"] = \
            f"inet:127.0.0.1:{MILTER_PORT}"
        env.daemons.write_config()
        env.daemons.milter.sockets = [("127.0.0.1", MILTER_PORT)]
        self.prepare(settings)
        env.daemons.milter.start()
        self.mta = sendmail.Sendmail(env.folder, env.logs / "sendmail.log",
                                     f"inet:{MILTER_PORT}@127.0.0.1",
                                     more=more)
        self.mta.start()

    def submit(self, data, to="one@good.test", sender=SENDER, options=()):
        with smtplib.SMTP("127.0.0.1", sendmail.PORT,
                          local_hostname="web7.client.test",
                          timeout=60) as c:
            c.ehlo()
            code, text = c.mail(sender, ["BODY=8BITMIME", *options])
            assert code == 250, text
            for one in [to] if isinstance(to, str) else to:
                assert c.rcpt(one)[0] == 250
            code, text = c.data(data)
            if code != 250:
                raise smtplib.SMTPDataError(code, text)
            return text.split()[1].decode()

    def send(self, data, **more):
        """What the next host got."""
        self.submit(data, **more)
        self.count += 1
        return self.env.delivered("one@good.test", self.count, 30)[-1]


@pytest.fixture
def mta(base):
    running = []

    def start(**settings):
        running.append(Mta(base, **settings))
        return running[-1]

    yield start
    for one in running:
        one.mta.stop()


def received(data):
    header = data.partition(b"\r\n\r\n")[0]
    fields = re.sub(rb"\r\n(?=[ \t])", b"", header).decode()
    return [re.sub(r"\s+", " ", line[9:]).strip()
            for line in fields.split("\r\n")
            if line.lower().startswith("received:")]


BODIES = {
    "plain": b"A few words.\r\n",
    "empty": b"",
    "no line end": b"no line end",
    "empty lines": b"a\r\n\r\n\r\n",
    "8-bit": "Grüße, 日本語\r\n".encode() * 50,
    "dots": b".\r\n..\r\n.a\r\n",
    "blanks": b"a \t \r\nb\t\r\n \r\nc  d\r\n",
    "large": b"some words of text, and more \r\n" * 12000,
}
HEADERS = {
    "folded": b"Cc: a@good.test,\r\n\tb@good.test\r\n",
    "blanks": b"Reply-To:   a@shop.test\r\nReferences:<1@x>\r\n",
    "empty": b"References: \r\n",
    "repeated": b"List-Id: a\r\nList-Id: b\r\n",
    "long": b"References: " + b"\r\n ".join(
        b"<%d@example.test>" % i for i in range(100)) + b"\r\n",
    "unsubscribe": b"List-Unsubscribe: <https://shop.test/u>\r\n"
                   b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
}


def test_signatures_verify(mta):
    mta = mta()
    for name, body in BODIES.items():
        got = mta.send(message(1, body))
        assert verify_with_dkim_py(got.data, mta.dns), name
    for name, header in HEADERS.items():
        got = mta.send(message(1, header=header))
        assert verify_with_dkim_py(got.data, mta.dns), name


def test_the_envelope_sender_and_its_id(mta):
    mta = mta(return_path={"domain": "back.shop.test"})
    got = mta.send(message(1))
    assert re.fullmatch(rf"{TAG}@back\.shop\.test", got.sender), got.sender
    assert f"ENVID={got.sender.partition('@')[0]}" in got.sender_parameters
    got = mta.send(message(1), options=["ENVID=mine", "RET=HDRS"])
    assert re.fullmatch(rf"{TAG}@back\.shop\.test", got.sender)
    assert "ENVID=mine" in got.sender_parameters
    mta.change(envelope_sender={"mode": "domain", "domain": "out.test"})
    got = mta.send(message(1), sender='"a b"@shop.test')
    assert got.sender == '"a b"@out.test'
    got = mta.send(message(1), sender="a..b@shop.test")
    assert got.sender == '"a..b"@out.test'


BEFORE = (b"Received: from web1.shop.test (unknown [10.1.2.3])\r\n"
          b"\tby app.shop.test (x) with ESMTP id 1;\r\n"
          b"\tMon, 23 Nov 2026 07:00:00 +0000\r\n")
SHORT = "from web1.shop.test by app.shop.test; Mon, 23 Nov 2026 07:00:00 +0000"
KEPT = ("from web1.shop.test (unknown [10.1.2.3]) by app.shop.test (x) with"
        " ESMTP id 1; Mon, 23 Nov 2026 07:00:00 +0000")


def test_received(mta):
    """Sendmail's own field is its own: what stands in it says sendmail.mc.
    The milter sees to the others and adds none."""
    mta = mta()
    for mode, others in (("abbreviated", [SHORT]), ("remove", []),
                         ("keep", [KEPT]), ("normal", [KEPT])):
        if mode != "abbreviated":
            mta.change(received=mode)
        own, *rest = received(mta.send(message(1, header=BEFORE)).data)
        assert re.match(r"from web7\.client\.test \(.*\[127\.0\.0\.1\]\) by"
                        r" mta\.example\.test ", own), own
        assert rest == others, mode


def test_received_without_addresses(mta):
    """As the manual says for the mode that is the default."""
    mta = mta(more="define(`confRECEIVED_HEADER', `by $j; $b')dnl\n")
    data = mta.send(message(1, header=BEFORE)).data
    own, *rest = received(data)
    assert re.fullmatch(r"by mta\.example\.test; [A-Z].*", own), own
    assert rest == [SHORT]
    header = data.partition(b"\r\n\r\n")[0]
    assert b"127.0.0.1" not in header and b"10.1.2.3" not in header
    assert verify_with_dkim_py(data, mta.dns)


def test_blocked_recipients_are_taken_off(mta):
    mta = mta()
    env = mta.env
    env.cli.run("blocks", "-t", "shop", "add", "gone@good.test")
    mta.submit(message(1), to=["gone@good.test", "one@good.test"])
    env.delivered("one@good.test")
    assert not env.receivers["good.test"].messages_to("gone@good.test")
    wait_for(lambda: [e for e in mta.events()
                      if e[1:] == ("gone@good.test", "f", "10")])


def test_what_is_sendmails_own_is_said(mta):
    mta = mta()
    for _ in range(2):
        mta.send(message(1))
    assert mta.env.daemons.milter.text.count("the MTA is Sendmail (8.") == 1


def test_forwarding(mta):
    mta = mta(forwarding=[
        {"name": "all", "header": "Subject", "pattern": "hello",
         "to": "copy@good.test", "mode": "copy"},
        {"name": "move", "header": "To", "pattern": "old@good\\.test",
         "to": "new@good.test", "mode": "redirect"}])
    got = mta.send(message(1), to=["one@good.test", "old@good.test"])
    assert verify_with_dkim_py(got.data, mta.dns)
    env = mta.env
    env.delivered("copy@good.test")
    env.delivered("new@good.test")
    assert not env.receivers["good.test"].messages_to("old@good.test")


UNSUBSCRIBE = {"url": "https://mail.shop.test/u/", "filters": [
    {"name": "news", "header": "Subject", "pattern": "hello"}]}


def test_unsubscribe_links(mta):
    mta = mta(unsubscribe=UNSUBSCRIBE)
    got = mta.send(message(1))
    assert b"List-Unsubscribe: <https://mail.shop.test/u/" in got.data
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in got.data
    assert verify_with_dkim_py(got.data, mta.dns)


def test_copies_need_an_internal_listener(mta):
    """Without one, mail that needs them is put off, and nothing of it goes."""
    mta = mta(unsubscribe=UNSUBSCRIBE)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        mta.submit(message(1), to=["one@good.test", "two@good.test"])
    assert refused.value.smtp_code == 451
    assert "internal listener" in mta.env.daemons.milter.text
    wait_for(lambda: not mta.mta.queued())
    assert not mta.env.receivers["good.test"].received


def test_copies_by_a_second_port(mta):
    """One more DAEMON_OPTIONS is an internal listener."""
    mta = mta(unsubscribe=UNSUBSCRIBE,
              more="DAEMON_OPTIONS(`Port=10589, Addr=127.0.0.1,"
                   " Name=Postern')dnl\n")
    both = ["one@good.test", "two@good.test"]
    mta.submit(message(1), to=both)
    links = set()
    for one in both:
        got, = mta.env.delivered(one)
        assert got.recipients == [one]
        links.add(re.search(rb"List-Unsubscribe: <(\S+)>", got.data).group(1))
        assert b"X-Postern" not in without_ref(got.data)
        assert verify_with_dkim_py(got.data, mta.dns)
    assert len(links) == 2


def test_an_archive_needs_postfix(mta):
    """Its copy would reach the recipients a second time."""
    mta = mta(bcc={"host": "archive.test", "port": 25},
              more="DAEMON_OPTIONS(`Port=10589, Addr=127.0.0.1,"
                   " Name=Postern')dnl\n")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        mta.submit(message(1))
    assert refused.value.smtp_code == 451
    assert "need Postfix" in mta.env.daemons.milter.text
    wait_for(lambda: not mta.mta.queued())
    assert not mta.env.receivers["good.test"].received


def test_nothing_is_held_until_a_time(mta):
    """Its quarantine would give nothing back: the client keeps it."""
    mta = mta(prohibitions=[
        {"name": "all", "from": "00:00", "to": "00:00",
         "weekdays": [time.strftime("%a", time.gmtime()).lower()],
         "apply": [{"header": "Subject", "pattern": "news"}]}])
    with pytest.raises(smtplib.SMTPDataError) as refused:
        mta.submit(message(1, subject=b"news"))
    assert refused.value.smtp_code == 451
    assert b"Not to be sent before" in refused.value.smtp_error
    assert "mail can be held with Postfix only" in \
        mta.env.daemons.milter.text
    mta.send(message(2))
