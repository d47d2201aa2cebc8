# SPDX-License-Identifier: BSD-2-Clause
"""What the envelope sender of mail becomes, as the next host sees it, and how
bounces find the message again."""
import re

import pytest
from harness import story
from harness.util import connectable, run, wait_for

BACK = story.RETURN_DOMAIN
TAG = r"b-[a-z2-7]{28,62}"
DOMAINS = [
    {"name": "keep.test", "envelope_sender": {"mode": "keep"}},
    {"name": "own.test", "envelope_sender": {
        "mode": "verp", "domain": "r.own.test"}},
    {"name": "fix.test", "envelope_sender": {
        "mode": "address", "address": f"Bounces@{BACK}",
        "forward_bounces": True}},
    {"name": "plain.test"},
]
GLOBAL = {"tenants": [{"name": story.TENANT, "match": {"client": ["127.0.0.0/8"]}}]}


def parameter(message, name):
    found = re.search(rf"(?:^| ){name}=(\S+)", message.sender_parameters)
    return found.group(1) if found else None


class Sender:
    """Submits, and says what came out."""

    def __init__(self, env):
        self.env = env
        self.count = 0
        self.port = 25

    def send(self, sender, header_from, *options, to="one@good.test",
             rcpt_options=()):
        with self.env.postfix.smtp(self.port) as c:
            c.ehlo()
            code, text = c.mail(sender, options)
            assert code == 250, text
            code, text = c.rcpt(to, rcpt_options)
            assert code == 250, text
            code, text = c.data(f"From: {header_from}\r\nSubject: x\r\n\r\nx\r\n"
                                .encode())
            assert code == 250, text
            self.queue_id = re.search(rb"queued as (\S+)",
                                      text).group(1).decode()
        if to != "one@good.test":
            return None
        self.count += 1
        return self.env.delivered(to, self.count)[-1]


@pytest.fixture
def sender(env):
    env.start_stack(domains=DOMAINS)
    env.apply("_global", GLOBAL)
    for daemon in ("milter", "bounced"):
        wait_for(lambda: "global settings: revision 2" in
                 env.daemons.of[daemon].text)
    return Sender(env)


def test_each_domain_its_own(sender):
    got = sender.send("Shop@plain.test", "shop@plain.test")
    assert re.fullmatch(rf"{TAG}@{BACK}", got.sender), got.sender
    assert parameter(got, "ENVID") == got.sender.partition("@")[0]
    got = sender.send("shop@plain.test", "Me <me@own.test>")
    assert re.fullmatch(rf"{TAG}@r\.own\.test", got.sender), got.sender
    got = sender.send("shop@plain.test", "me@keep.test")
    assert got.sender == "shop@plain.test"
    assert parameter(got, "ENVID") is None
    got = sender.send("shop@plain.test", "me@fix.test")
    assert got.sender == f"bounces@{BACK}"
    assert re.fullmatch(TAG, parameter(got, "ENVID"))
    # The domain in From decides; the envelope's, where there is no one.
    got = sender.send("shop@keep.test", "a@fix.test, b@fix.test")
    assert got.sender == "shop@keep.test"
    # Nobody answers a bounce.
    got = sender.send("", "me@fix.test")
    assert got.sender == "" and parameter(got, "ENVID") is None


def test_the_clients_own_envelope_id_stays(sender):
    got = sender.send("shop@plain.test", "me@plain.test", "ENVID=mine+2B1",
                      "RET=HDRS")
    assert re.fullmatch(rf"{TAG}@{BACK}", got.sender)
    assert parameter(got, "ENVID") == "mine+2B1"
    assert parameter(got, "RET") == "HDRS"


def test_another_domain_and_odd_local_parts(env):
    env.start_stack(envelope_sender={"mode": "domain",
                                     "domain": "out.test"})
    sender = Sender(env)
    for local, want in (("Shop-aBc=x", "Shop-aBc=x"), ('"a b"', '"a b"'),
                        ("a..b", '"a..b"'), (".a.", '".a."'),
                        ('"x@y"', '"x@y"')):
        got = sender.send(f"<{local}@shop.test>", "me@shop.test")
        assert got.sender == f"{want}@out.test", local
        assert re.fullmatch(TAG, parameter(got, "ENVID"))


def test_copies_have_it_as_the_message(env):
    """Recipients with links of their own: the local part is as it was."""
    env.start_stack(
        envelope_sender={"mode": "domain", "domain": "out.test"},
        unsubscribe={"url": "https://mail.shop.test/u/", "filters": [
            {"name": "news", "header": "Subject", "pattern": "x"}]})
    both = ["one@good.test", "two@good.test"]
    with env.postfix.smtp() as c:
        c.sendmail("Shop-aBc@shop.test", both,
                   "From: me@shop.test\r\nSubject: x\r\n\r\nx\r\n")
    tags = set()
    for one in both:
        got, = env.delivered(one)
        assert got.sender == "Shop-aBc@out.test"
        assert got.recipient_parameters[one] == f"ORCPT=rfc822;{one}"
        tags.add(parameter(got, "ENVID"))
    assert len(tags) == 2


def test_the_original_recipient_is_told_by_postfix(sender):
    """Its smtpd(8) fills in ORCPT itself; a client's own stays."""
    got = sender.send("shop@plain.test", "me@plain.test")
    assert got.recipient_parameters["one@good.test"] == \
        "ORCPT=rfc822;one@good.test"
    got = sender.send("shop@plain.test", "me@plain.test",
                      rcpt_options=("ORCPT=rfc822;first+2B1@x.test",))
    assert got.recipient_parameters["one@good.test"] == \
        "ORCPT=rfc822;first+2B1@x.test"


def bounced_events(env, queue_id):
    return [e for e in env.api.all("/v1/events")
            if e.get("queue_id") == queue_id and e["type"] == "bounced"]


def report(message, envid):
    """The DSN that the receiver would write, with an envelope id."""
    return message.replace(
        "Reporting-MTA:", f"Original-Envelope-Id: {envid}\r\nReporting-MTA:",
        1)


def submit(env, to, text):
    with env.postfix.smtp() as c:
        c.ehlo()
        assert c.mail("")[0] == 250
        assert c.rcpt(to)[0] == 250, to
        assert c.data(text.encode())[0] == 250


def test_a_report_finds_the_message_by_its_envelope_id(sender):
    """Mail from an address that is the same for all messages."""
    env = sender.env
    got = sender.send("shop@plain.test", "me@fix.test")
    queue_id, envid = sender.queue_id, parameter(got, "ENVID")
    wait_for(lambda: [e for e in env.api.all("/v1/events")
                      if e.get("queue_id") == queue_id and
                      e["type"] == "succeeded"], 30)
    # Without what would find it, too.
    dsn = re.sub("(?i)(X-Postern-Ref|Message-ID|Received):[^\n]*\n([ \t][^\n]*\n)*",
                 "",
                 env.receivers["good.test"].dsn(got, "one@good.test"))
    changed = envid[:-3] + ("aaa" if envid[-3:] != "aaa" else "bbb")
    for other in (None, changed, "mine", "b-" + "a" * 40):
        text = report(dsn, other) if other else dsn
        seen = env.daemons.bounced.text.count("bounce=dropped")
        submit(env, got.sender, text)
        wait_for(lambda: env.daemons.bounced.text.count("bounce=dropped") >
                 seen, what=f"the report with {other}")
    assert not bounced_events(env, queue_id)
    submit(env, got.sender, report(dsn, envid.upper()))
    event = wait_for(lambda: bounced_events(env, queue_id), 30)[0]
    assert event["recipient"] == "one@good.test" and event["status"] == 2
    assert event["sender"] == "shop@plain.test"
    assert event["return_path"] == f"bounces@{BACK}"
    text = env.daemons.bounced.text
    assert text.count("why=bad-signature") == 2
    assert text.count("why=no-envelope-id") == 2


def test_who_wants_bounces_is_kept_with_the_facts(sender):
    """Not where the sender is itself an address that senders become, nor of
    what comes in on port 25."""
    env = sender.env
    run(["postconf", "-c", env.postfix.config, "-M",
         "587/inet=587 inet n - y - - smtpd"])
    env.postfix.reload()
    wait_for(lambda: connectable(("127.0.0.1", 587)))
    env.daemons.bounced.stop()  # facts stay under the queue id
    sender.send("shop@plain.test", "me@fix.test")
    facts = env.redis.client().hget(f"pn:m:{{h:mta1}}:{sender.queue_id}", "f")
    assert facts.split("\t")[8:9] in ([], [""])
    sender.port = 587
    sender.send("shop@plain.test", "me@fix.test")
    facts = env.redis.client().hget(f"pn:m:{{h:mta1}}:{sender.queue_id}", "f")
    assert facts.split("\t")[8] == "shop@plain.test"
    for who, by in ((f"bounces@{BACK}", "me@fix.test"),
                    ("shop@plain.test", "me@plain.test"),
                    ("shop@plain.test", "me@keep.test")):
        sender.send(who, by)
        facts = env.redis.client().hget(
            f"pn:m:{{h:mta1}}:{sender.queue_id}", "f")
        assert facts.split("\t")[8:9] in ([], [""])
