# SPDX-License-Identifier: BSD-2-Clause
"""Sessions as clients have them: long, broken off, many at once; and that the
milter holds no more after them than before."""
import concurrent.futures
import os
import re
import socket

import pytest
from harness.mta import Mta
from harness.util import wait_for

pytest.importorskip("dkim")
pytest.importorskip("nacl")  # Ed25519 signatures

from harness.signing import SENDER, Milter, message  # noqa: E402
from harness.signing import verify_with_dkim_py  # noqa: E402

INET = ("127.0.0.1", 10041)
TO = "one@good.test"


class InetMilter(Milter):
    """By TCP, with room for what is sent here."""

    def start(self):
        env = self.env
        env.daemons.parameters["milter_listen"] = "inet:%s:%d" % INET
        env.daemons.write_config()
        env.daemons.milter.sockets = [INET]
        env.daemons.milter.start()
        env.postfix.postconf(
            "smtpd_milters = inet:%s:%d" % INET,
            "milter_default_action = tempfail",
            "message_size_limit = 60000000",
            "default_process_limit = 200")
        env.receivers["good.test"].script["ehlo"] = \
            "250-mx.good.test\r\n250 8BITMIME"


@pytest.fixture
def milter(base):
    return InetMilter(base)


def held(milter):
    """(descriptors, threads, resident KiB) of the daemon."""
    proc = f"/proc/{milter.env.daemons.milter.process.pid}"
    with open(f"{proc}/status") as f:
        text = f.read()
    return (len(os.listdir(f"{proc}/fd")),
            int(re.search(r"Threads:\s+(\d+)", text).group(1)),
            int(re.search(r"VmRSS:\s+(\d+)", text).group(1)))


def idle(milter):
    """Postfix keeps no session: all its smtpd's connections are closed."""
    def quiet():
        fds, threads, rss = held(milter)
        return (fds, threads, rss) if threads <= milter.threads else None
    return wait_for(quiet, 30, "the milter has ended its sessions")


def smtp(milter):
    c = milter.env.postfix.smtp()
    c.ehlo()
    return c


def mail(c, data, sender=SENDER):
    assert c.mail(sender, ["BODY=8BITMIME"])[0] == 250
    assert c.rcpt(TO)[0] == 250
    code, text = c.data(data)
    assert code == 250, text


def break_off_in_data(milter):
    with socket.create_connection(("127.0.0.1", 25), 20) as s:
        f = s.makefile("rb")
        f.readline()
        for line in (b"HELO a", b"MAIL FROM:<" + SENDER.encode() + b">",
                     b"RCPT TO:<" + TO.encode() + b">", b"DATA"):
            s.sendall(line + b"\r\n")
            assert f.readline()[:1] in b"23"
        s.sendall(b"From: a@shop.test\r\n\r\n" + b"x" * 70000 + b"\r\n")


def broken_sessions(milter):
    """Each way that ends before the message does."""
    break_off_in_data(milter)
    c = smtp(milter)
    c.close()
    c = smtp(milter)
    c.mail(SENDER)
    c.close()
    with smtp(milter) as c:
        c.mail(SENDER)
        c.rset()
        c.mail(SENDER)
        c.rcpt(TO)
        c.rset()
        mail(c, message(1))
        c.mail(SENDER)
        c.rcpt(TO)


def test_many_messages_in_one_session(milter):
    """Each has what is its own: sender, size, header."""
    wide = b"".join(b"X-Field-%d: value\r\n" % i for i in range(10000))
    line = b"0123456789 and so on, up to some length that is usual\r\n"
    large = line * (20_000_000 // len(line))
    cases = [
        (message(1), SENDER),
        (message(2), "<>"),
        (message(3, header=wide), SENDER),
        (message(4, header="X-Name: Jürgen 日本\r\n".encode() +
                 b"X-Latin: J\xfcrgen\r\n", subject=b"Gr\xfc\xdfe"), SENDER),
        (message(5, body=large), SENDER),
        (message(6), SENDER),
    ]
    with smtp(milter) as c:
        for data, sender in cases:
            mail(c, data, sender)
    got = milter.env.delivered(TO, len(cases), 60)
    by_number = {int(re.search(rb"X-Number: (\d+)", m.data).group(1)): m
                 for m in got}
    assert sorted(by_number) == [1, 2, 3, 4, 5, 6]
    for n, m in by_number.items():
        # The null sender is of no domain, so it is not this tenant's.
        assert n == 2 or verify_with_dkim_py(m.data, milter.dns), n
        assert m.sender == ("" if n == 2 else SENDER)
        assert m.data.count(b"\r\nX-Field-") == (10000 if n == 3 else 0)
    assert len(by_number[5].data) > len(large)


def test_nothing_is_left_behind(milter):
    """Broken sessions and a hundred at once, in rounds: descriptors and
    threads come back, memory does not grow from round to round."""
    clients = 100
    body = b"some words of text, and more of them\r\n" * 2000

    def client(n):
        with smtp(milter) as c:
            for i in range(3):
                mail(c, message(n * 10 + i, body=body))

    def round_of_sessions():
        broken_sessions(milter)
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            for done in [pool.submit(client, n) for n in range(clients)]:
                done.result(60)
        return idle(milter)

    milter.threads = held(milter)[1] + 1
    seen = [round_of_sessions() for _ in range(4)]
    print("descriptors, threads, KiB:", seen)
    rss = [s[2] for s in seen]
    # smtpd closes a connection when it likes: the last may be on their way.
    wait_for(lambda: held(milter)[0] <= seen[0][0] + 2, 60, seen)
    # Arenas of the allocator settle in the first rounds.
    assert rss[3] < rss[1] + 8192, seen
    wait_for(lambda: len(milter.env.receivers["good.test"].received) >=
             4 * (3 * clients + 1), 60)
    assert "error" not in milter.env.daemons.milter.text


def test_sessions_do_not_wait_for_the_messages_of_others(base):
    """While messages wait for a Redis that hangs, many sessions that begin at
    once are all answered.  (A thread that libmilter takes for idle may have
    gone to another session by then.)"""
    base.daemons.parameters.update(redis_timeout="25s", policyd_timeout="30s")
    base.daemons.write_config()
    milter = Milter(base)
    path = base.postfix.queue / "postern" / "milter.sock"

    def slow(n):
        with Mta(path, 60) as mta:
            mta.negotiate()
            mta.connect()
            mta.message(f"Q{n}", SENDER, [TO], [(b"From", SENDER.encode())])

    def greet(_):
        with Mta(path, 10) as mta:
            return mta.negotiate()

    base.redis.hang()
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        waiting = []
        for n in range(40):
            greet(n)
            waiting += [pool.submit(slow, 2 * n + i) for i in range(2)]
            list(pool.map(greet, range(6)))
        blocked = [w for w in waiting if not w.done()]
        base.redis.go_on()
        for w in waiting:
            w.result(60)
    assert blocked, "they were to wait all the time"
    assert milter.env.daemons.milter.process.alive()
