# SPDX-License-Identifier: BSD-2-Clause
"""What each daemon does while another part is away, hangs or is full: one
test for each row of the manual's promises.  Load with kills is in
test_faults.py; what one daemon alone shows is in its own file."""
import contextlib
import smtplib

import pytest
from harness.policy import Policy
from harness.story import RETURN_DOMAIN, SENDER, TENANT, webhook_events
from harness.util import wait_for, write

TROUBLES = ("stopped", "hangs", "full")
PASS = {"suppression": {"mode": "enforce", "when_unavailable": "pass"}}


@contextlib.contextmanager
def trouble(env, kind):
    """Redis is gone, takes commands but never answers, or has no room."""
    begin, end = {"stopped": (env.redis.stop, env.redis.start),
                  "hangs": (env.redis.hang, env.redis.go_on),
                  "full": (env.redis.fill, env.redis.make_room)}[kind]
    begin()
    try:
        yield
    finally:
        end()
    wait_for(lambda: env.api.get("/v1/health")[0] == 200, 30, "the API")


def events_of(env, recipient):
    return [e for e in env.api.all("/v1/events")
            if e["recipient"] == recipient]


def types_of(env, recipient):
    return sorted(e["type"] for e in events_of(env, recipient))


def put_off(send):
    """The 4xx code that send() is answered with."""
    with pytest.raises(smtplib.SMTPException) as caught:
        send()
    e = caught.value
    if isinstance(e, smtplib.SMTPRecipientsRefused):
        return next(iter(e.recipients.values()))[0]
    return e.smtp_code


# ---- Redis, and the way of a message ----

@pytest.mark.parametrize("kind", TROUBLES)
def test_mail_goes_on_and_its_events_are_whole(env, kind):
    """The milter keeps to its last settings and spools the facts; bounced
    stands still; afterwards nothing is missing, and nobody has to send
    another message for that."""
    env.start_stack(**PASS)
    names = [f"u{n}@good.test" for n in range(4)] + ["noone@bounce.test"]
    env.receivers["bounce.test"].script["noone@bounce.test"] = \
        "550 5.1.1 no such user"
    with trouble(env, kind):
        for n, to in enumerate(names):
            env.postfix.send(to, sender=SENDER, subject=f"Order {n}",
                             headers={"X-Api-Data": f"data {n}"})
        for to in names[:4]:
            message = env.delivered(to)[0]
            assert message.sender.endswith("@" + RETURN_DOMAIN)
        wait_for(lambda: env.postfix.log_lines("status=bounced"))
        assert env.daemons.milter.text.count("facts=spooled") >= len(names)
    for n, to in enumerate(names):
        last = "succeeded" if n < 4 else "failed"
        wait_for(lambda: {"queued", last} <= set(types_of(env, to)), 30,
                 f"the events of {to}")
        queued, = [e for e in events_of(env, to) if e["type"] == "queued"]
        assert queued["tenant"] == TENANT
        assert queued["subject"] == f"Order {n}"
        assert queued["api_data"] == f"data {n}"
        assert types_of(env, to).count(last) == 1
    wait_for(lambda: env.api.get("/v1/blocks/", names[4])[0] == 200, 30,
             "the block")
    wait_for(lambda: {e["id"] for e in env.api.all("/v1/events")} <=
             {e["id"] for e in webhook_events(env)}, 60, "the webhooks")
    assert env.postfix.send("last@good.test", sender=SENDER)


@pytest.mark.parametrize("kind", TROUBLES)
def test_no_permanent_answer_because_of_trouble(env, kind):
    """policyd with the cautious setting: put off when it can not know, and
    refused only what it has read."""
    env.start_stack()
    assert env.api.post("/v1/blocks",
                        body={"address": "gone@good.test"})[0] == 201
    socket = env.postfix.queue / "postern" / "policyd.sock"
    with Policy(socket) as policy:
        assert policy.ask("gone@good.test").startswith("550 5.1.1")
        with trouble(env, kind):
            other, gone = policy.ask("one@good.test"), \
                policy.ask("gone@good.test")
            if kind == "full":  # reading goes on
                assert other == "DUNNO"
                assert gone.startswith("550 5.1.1")
            else:
                assert other.startswith("451 4.3.0")
                assert gone.startswith("451 4.3.0")
        wait_for(lambda: policy.ask("one@good.test") == "DUNNO")
        wait_for(lambda: policy.ask("gone@good.test").startswith("550"))
    # Before, behind, and during it where it was refused.
    wait_for(lambda: types_of(env, "gone@good.test").count("failed") ==
             (3 if kind == "full" else 2), what="each refusal has its event")


@pytest.mark.parametrize("kind", TROUBLES)
def test_limits_hold_by_themselves(env, kind):
    """This host's share of the limit, kept in policyd."""
    env.start_stack(**PASS, limits=[{
        "name": "few", "mode": "enforce", "key": ["sender"],
        "rates": [{"quantity": 3, "period": "1h", "burst": 3}]}])
    socket = env.postfix.queue / "postern" / "policyd.sock"
    with trouble(env, kind), Policy(socket) as policy:
        answers = [policy.ask(f"r{n}@good.test")[:9] for n in range(5)]
    assert answers == ["DUNNO"] * 3 + ["451 4.7.1"] * 2


@pytest.mark.parametrize("kind", [*TROUBLES, "killed"])
def test_bounces_wait_with_postfix(env, kind):
    """A DSN comes while bounced can not write it, or is not there."""
    env.start_stack(**PASS)
    env.apply("default", PASS)  # the DSN's: its sender is empty
    env.postfix.send("late@good.test", sender=SENDER)
    message = env.delivered("late@good.test")[0]
    wait_for(lambda: "succeeded" in types_of(env, "late@good.test"))
    if kind == "killed":
        env.daemons.bounced.kill()
        during = contextlib.nullcontext()
    else:
        during = trouble(env, kind)
    with during:
        env.receivers["good.test"].send_dsn(message, "late@good.test")
        wait_for(lambda: env.postfix.log_lines(
            r"to=<b-.*bounced\.sock.*status=deferred|"
            r"to=<b-.*status=deferred.*bounced\.sock"), 30,
            "the DSN is put off")
        assert not env.postfix.log_lines(r"to=<b-.*status=(bounced|sent)")
    if kind == "killed":
        env.daemons.bounced.start()

    def blocked():
        env.postfix.flush()
        return env.api.get("/v1/blocks/", "late@good.test")[0] == 200
    wait_for(blocked, 60, "the block")
    assert types_of(env, "late@good.test").count("bounced") == 1
    wait_for(env.postfix.empty, 30)


# ---- the API ----

@pytest.mark.parametrize("kind", TROUBLES)
def test_the_api_says_when_to_come_again(env, kind):
    env.start_stack()
    a = env.api
    assert a.post("/v1/blocks", body={"address": "a@good.test"})[0] == 201

    def block(name):
        return a.request("POST", "/v1/blocks", body={"address": name})
    with trouble(env, kind):
        for n in range(3):
            status, _, headers = block(f"b{n}@good.test")
            assert status == 503
            assert int(headers["Retry-After"]) > 0
        status, _, headers = a.request("GET", "/v1/blocks/", "a@good.test")
        if kind == "full":
            assert status == 200
        else:
            assert status == 503 and int(headers["Retry-After"]) > 0
    wait_for(lambda: block("c@good.test")[0] in (201, 409), what="201")
    # Webhooks resume, and tell of what came before the trouble, too.
    wait_for(lambda: {"a@good.test", "c@good.test"} <= {
        e["recipient"] for e in webhook_events(env)
        if e["type"] == "blocked"}, 60, "the webhooks")


def test_webhooks_wait_for_the_dns(env):
    env.dns.host("app.shop.test", "127.0.0.1")
    env.daemons.apid.resolv = write(
        env.folder / "resolv.conf",
        "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    hook = env.settings()["webhooks"][0]
    env.start_stack(webhooks=[{
        **hook, "url": "http://app.shop.test:8025/hook"}])
    a = env.api
    env.dns.stop()
    a.post("/v1/blocks", body={"address": "a@good.test"})
    state = wait_for(lambda: (lambda s: s if "last_error" in s else None)(
        a.get("/v1/webhooks/app")[1]), 60, "a failed attempt")
    assert state["enabled"] and state["waiting"] == 1
    assert webhook_events(env) == []
    env.dns.start()
    wait_for(lambda: webhook_events(env), 60, "the webhook")


# ---- a daemon that is not there ----

def test_without_policyd_mail_is_put_off(stack):
    stack.daemons.policyd.kill()
    code = put_off(lambda: stack.postfix.send("one@good.test",
                                              sender=SENDER))
    assert 400 <= code < 500
    stack.daemons.policyd.start()
    assert stack.postfix.send("one@good.test", sender=SENDER)
    stack.delivered("one@good.test")


def test_without_milter_mail_is_put_off(stack):
    stack.daemons.milter.kill()
    code = put_off(lambda: stack.postfix.send("one@good.test",
                                              sender=SENDER))
    assert 400 <= code < 500
    stack.daemons.milter.start()
    assert stack.postfix.send("one@good.test", sender=SENDER)
    message = stack.delivered("one@good.test")[0]
    assert message.sender.endswith("@" + RETURN_DOMAIN)


def test_without_bounced_the_log_waits(stack):
    stack.daemons.bounced.kill()
    stack.postfix.send("one@good.test", sender=SENDER, subject="Order 1")
    stack.delivered("one@good.test")
    assert types_of(stack, "one@good.test") == []
    stack.daemons.bounced.start()
    wait_for(lambda: types_of(stack, "one@good.test") ==
             ["queued", "succeeded"], 30, "the events")


def test_without_apid_mail_flows_and_webhooks_wait(stack):
    stack.daemons.apid.kill()
    stack.postfix.send("noone@bounce.test", sender=SENDER)
    wait_for(lambda: "block=blocked" in stack.daemons.bounced.text,
             what="the block")
    assert webhook_events(stack) == []
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        stack.postfix.send("noone@bounce.test", sender=SENDER)
    stack.daemons.apid.start()
    wait_for(lambda: {"queued", "failed", "blocked"} <= {
        e["type"] for e in webhook_events(stack)}, 60, "the webhooks")
