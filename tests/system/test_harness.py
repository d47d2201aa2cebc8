# SPDX-License-Identifier: BSD-2-Clause
"""The harness itself: Postfix, DNS and receivers do what tests rely on."""

from harness.util import wait_for


def test_mail_is_delivered_by_mx(mail):
    queue_id = mail.postfix.send("one@good.test", subject="first")
    message = mail.delivered("one@good.test")[0]
    assert "Subject: first" in message.text
    wait_for(lambda: mail.postfix.log_lines(
        f"{queue_id}: to=<one@good.test>.*status=sent"))
    wait_for(mail.postfix.empty)


def test_scripted_refusals_reach_the_log(mail):
    unknown = mail.postfix.send("noone@bounce.test")
    full = mail.postfix.send("any@full.test")
    slow = mail.postfix.send("any@throttle.test")
    lost = mail.postfix.send("any@nomx.test")
    null = mail.postfix.send("any@nullmx.test")
    for queue_id, pattern in (
            (unknown, r"dsn=5\.1\.1, status=bounced .*550 5\.1\.1"),
            (full, r"dsn=5\.2\.2, status=bounced .*552 5\.2\.2"),
            (slow, r"dsn=4\.7\.0, status=deferred .*421 4\.7\.0"),
            (lost, r"dsn=5\.4\.4, status=bounced"),
            (null, r"dsn=5\.1\.0, status=bounced")):
        wait_for(lambda: mail.postfix.log_lines(f"{queue_id}: .*{pattern}"),
                 what=pattern)


def test_deferred_mail_leaves_when_the_receiver_recovers(mail):
    receiver = mail.receivers["throttle.test"]
    mail.postfix.send("any@throttle.test")
    wait_for(lambda: mail.postfix.log_lines("status=deferred"))
    del receiver.script["mail"]

    def arrived():
        mail.postfix.flush()
        return receiver.messages_to("any@throttle.test")
    wait_for(arrived, 30)


def test_a_dsn_comes_back_later(mail):
    receiver = mail.receivers["good.test"]
    mail.postfix.send("one@good.test", sender="back@good.test")
    message = mail.delivered("one@good.test")[0]
    receiver.send_dsn(message, "one@good.test")
    dsn = mail.delivered("back@good.test")[0]
    assert dsn.sender == ""
    assert "Final-Recipient: rfc822; one@good.test" in dsn.text




def test_redis_keeps_what_it_has(base):
    base.redis.client().set("pn:test", "1")
    base.redis.stop()
    base.redis.start()
    assert base.redis.client().get("pn:test") == "1"
