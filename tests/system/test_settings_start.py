# SPDX-License-Identifier: BSD-2-Clause
"""A daemon has its settings before it serves anybody; without any, nothing is
judged by defaults."""
import smtplib

import pytest
from harness.policy import Policy
from harness.story import RETURN_DOMAIN, SENDER
from harness.util import wait_for


def forget(env):
    """The last good settings of this host, as if it had never had any."""
    (env.folder / "state" / "settings.json").unlink()


def test_the_first_message_meets_the_settings(env):
    """Whoever connects as soon as the socket is there."""
    env.start_stack()
    for n in range(1, 4):
        env.daemons.milter.stop()
        forget(env)
        env.daemons.milter.start()
        env.postfix.send(f"u{n}@good.test", sender=SENDER)
        assert env.delivered(f"u{n}@good.test")[0].sender.endswith(
            "@" + RETURN_DOMAIN)


def test_without_any_settings_mail_is_put_off(env):
    env.start_stack()
    env.daemons.stop()
    env.redis.stop()
    forget(env)
    env.daemons.start()
    with Policy(env.postfix.queue / "postern" /
                "policyd.sock") as policy:
        answer = policy.ask(recipient="a@good.test", sender=SENDER)
        assert "451 4.3.0" in answer, answer
    assert env.api.get("/v1/blocks")[0] == 503
    env.daemons.policyd.stop()
    env.postfix.postconf("smtpd_recipient_restrictions =", "transport_maps =")
    env.postfix.reload()
    with pytest.raises(smtplib.SMTPDataError) as refused:
        env.postfix.send("a@good.test", sender=SENDER)
    assert refused.value.smtp_code == 451
    assert b"not known yet" in refused.value.smtp_error
    env.redis.start()
    wait_for(lambda: env.api.get("/v1/blocks")[0] == 200, 30)
    wait_for(lambda: "tenant shop: revision" in
             env.daemons.milter.text.rpartition("ready")[2], 30)
    env.postfix.send("a@good.test", sender=SENDER)
    assert env.delivered("a@good.test")[0].sender.endswith(
        "@" + RETURN_DOMAIN)
