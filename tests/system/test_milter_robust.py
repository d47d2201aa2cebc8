# SPDX-License-Identifier: BSD-2-Clause
"""What clients of the milter's socket can do to it: too many, too much, and
nothing of it lets mail through that should not be."""
import os

import pytest
from harness.mta import Mta
from harness.util import wait_for

pytest.importorskip("dkim")
pytest.importorskip("nacl")  # Ed25519 signatures

from harness.signing import SENDER, Milter, message  # noqa: E402
from harness.signing import verify_with_dkim_py  # noqa: E402

TO = "one@good.test"
FROM = (b"From", b" " + SENDER.encode())


def with_path(milter):
    milter.path = milter.env.postfix.queue / "postern" / "milter.sock"
    milter.pid = milter.env.daemons.milter.process.pid
    return milter


@pytest.fixture
def milter(base):
    return with_path(Milter(base))


def descriptors(milter):
    return len(os.listdir(f"/proc/{milter.pid}/fd"))


def session(milter):
    mta = Mta(milter.path, 30)
    mta.negotiate()
    mta.connect()
    return mta


def verdict(replies):
    """(letter, text) of the last reply."""
    letter, data = replies[-1]
    return letter, data.rstrip(b"\0").decode()


def signs_mail(milter, n):
    """By way of Postfix: it arrives, signed."""
    got = milter.env.receivers["good.test"].received
    before = len(got)
    milter.submit(message(n))
    wait_for(lambda: len(got) > before)
    assert verify_with_dkim_py(got[-1].data, milter.dns)


def test_ten_thousand_connections(milter):
    """Closed before a word, after the greeting, in the middle of a message."""
    signs_mail(milter, 1)
    before = descriptors(milter)
    for i in range(10000):
        with Mta(milter.path, 30) as mta:
            if i % 4 > 0:
                mta.negotiate()
            if i % 4 > 1:
                mta.connect()
            if i % 4 > 2:
                mta.tell("M", b"<a@shop.test>")
                mta.tell("R", b"<b@good.test>")
                mta.tell("L", *FROM)
                mta.put("B", b"some words\r\n")
    wait_for(lambda: descriptors(milter) <= before + 2, 30)
    signs_mail(milter, 2)


class FewDescriptors(Milter):
    LIMIT = 60

    def start(self):
        self.env.daemons.milter.before = [
            "prlimit", f"--nofile={self.LIMIT}:{self.LIMIT}"]
        super().start()


def test_descriptors_run_out(base):
    """Sessions that are there go on; those that can not be taken wait; when
    there is room again, all is as before."""
    milter = with_path(FewDescriptors(base))
    signs_mail(milter, 1)
    early = session(milter)
    crowd = [Mta(milter.path, 30) for _ in range(2 * milter.LIMIT)]
    wait_for(lambda: descriptors(milter) == milter.LIMIT, 10)
    letter, _ = verdict(early.message("4ZxKq03", SENDER, [TO], [FROM]))
    assert letter == "c"
    early.close()
    for mta in crowd:
        mta.close()
    with session(milter) as mta:
        replies = mta.message("4ZxKq04", SENDER, [TO], [FROM])
        assert verdict(replies)[0] == "c"
        assert b"DKIM-Signature" in b"".join(data for _, data in replies)
    signs_mail(milter, 2)


TOO_MUCH = {
    "fields": ([TO], [FROM] + [(b"X-Field", b" value")] * 20001,
               ("y", "552 5.3.4 Message header too large")),
    "one endless field": ([TO], [FROM] + [(b"X-Field", b" " + b"x" * 999999)] *
                          5, ("y", "552 5.3.4 Message header too large")),
    "recipients": ([f"user{i}-{'x' * 200}@good.test" for i in range(70000)],
                   [FROM], ("y", "451 4.3.0 Out of memory, try later")),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_too_much_for_one_message(milter, what):
    """Refused or put off, without an edit; the session goes on."""
    recipients, fields, expected = TOO_MUCH[what]
    with session(milter) as mta:
        replies = mta.message("4ZxKq03", SENDER, recipients, fields)
        assert (len(replies), verdict(replies)) == (1, expected)
        replies = mta.message("4ZxKq04", SENDER, [TO], [FROM])
        assert verdict(replies)[0] == "c"
        assert b"DKIM-Signature" in b"".join(data for _, data in replies)
    signs_mail(milter, 1)


def test_no_queue_id(milter):
    """An MTA that does not tell it can not be followed."""
    with session(milter) as mta:
        replies = mta.message("", SENDER, [TO], [FROM])
        assert verdict(replies) == (
            "y", "451 4.3.5 Mail system set-up error: no queue id for the "
            "milter")


def test_redis_stops_between_messages(milter):
    """Facts wait on disk; what must ask Redis is put off."""
    milter.change(suppression={"on_suppressed": "accept"})
    with session(milter) as mta:
        replies = mta.message("4ZxKq03", SENDER, [TO], [FROM])
        assert verdict(replies)[0] == "c"
        milter.env.redis.kill()
        replies = mta.message("4ZxKq04", SENDER, [TO], [FROM])
        assert len(replies) == 1
        assert verdict(replies)[0] == "y"
        assert verdict(replies)[1].startswith("451 4.")
        milter.env.redis.start()
        wait_for(lambda: verdict(mta.message(
            "4ZxKq05", SENDER, [TO], [FROM]))[0] == "c", 30)
