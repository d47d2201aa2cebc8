# SPDX-License-Identifier: BSD-2-Clause
"""postern-bounced with a real Redis: LMTP as strangers would speak it, and
a log that rotates while the daemon dies."""
import collections
import gzip
import os
import random
import secrets
import shutil
import socket
import time

import pytest
from harness.daemons import program
from harness.events import stored
from harness.util import Missing, Process, connectable, wait_for, write

# Looks like one of ours; signed by nobody.
FORGED = "b-" + "a" * 50 + "@bounce.test"


@pytest.fixture
def bounced(base):
    write(base.folder / "etc" / "master.key", secrets.token_hex(32) + "\n",
          0o600)
    log = base.postfix.log
    log.parent.mkdir(parents=True, exist_ok=True)
    write(log, "", 0o644)
    base.daemons.bounced.start()
    wait_for(lambda: base.redis.client().hgetall("pn:ck:{h:mta1}"),
             what="the first checkpoint")
    return base


class Session:
    def __init__(self, env):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(env.postfix.queue / "postern" /
                                "bounced.sock"))
        self.file = self.socket.makefile("rb")
        assert self.reply().startswith("220 ")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def reply(self):
        while True:
            line = self.file.readline().decode()
            if line[3:4] != "-":
                return line.rstrip("\r\n")

    def send(self, octets):
        self.socket.sendall(octets)

    def ask(self, text):
        self.send(text.encode() + b"\r\n")
        return self.reply()

    def begin(self, *recipients):
        assert self.ask("LHLO test").startswith("250 ")
        assert self.ask("MAIL FROM:<>").startswith("250 ")
        for r in recipients:
            assert self.ask(f"RCPT TO:<{r}>").startswith("250 ")
        assert self.ask("DATA").startswith("354 ")


def test_a_mail_with_a_forged_tag_is_taken_and_dropped(bounced):
    with Session(bounced) as s:
        s.begin(FORGED, FORGED)
        s.send(b"Subject: failure notice\r\n\r\n<a@good.test>:\r\n"
               b"550 5.1.1 user unknown\r\n.\r\n")
        assert s.reply().startswith("250 ")  # one for each recipient
        assert s.reply().startswith("250 ")
        assert s.ask("QUIT").startswith("221 ")
    wait_for(lambda: "bounce=dropped" in bounced.daemons.bounced.text)
    assert not list(bounced.redis.client().scan_iter("pn:ev:*"))


@pytest.mark.parametrize("octets, code", [
    (b"x" * 70000 + b"\r\n", "500"),
    (b"NOOP a\0b\r\n", "501"),
    (b"\xff\xfe\r\n", "500"),
    (b"NOOP\n", "500"),
    (b"EHLO x\r\n", "500"),
    (b"RCPT TO:<a@b.test>\r\n", "503"),
    (b"DATA\r\n", "503"),
    (b"MAIL FROM:<a@b.test> NONSENSE=1\r\n", "555"),
    (b"MAIL FROM:a@b.test\r\n", "501"),
])
def test_a_bad_command_gets_a_clear_error(bounced, octets, code):
    with Session(bounced) as s:
        s.send(octets)
        assert s.reply().startswith(code)
        assert s.ask("NOOP").startswith("250 ")


def test_pipelining_and_a_stranger_among_the_recipients(bounced):
    with Session(bounced) as s:
        s.send(f"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{FORGED}>\r\n"
               "RCPT TO:<postmaster@bounce.test>\r\nDATA\r\n".encode())
        got = [s.reply()[:3] for _ in range(5)]
        assert got == ["250", "250", "250", "550", "354"]
        s.send(b"x\r\n.\r\nQUIT\r\n")
        assert [s.reply()[:3] for _ in range(2)] == ["250", "221"]


def test_only_crlf_dot_crlf_ends_a_text(bounced):
    with Session(bounced) as s:
        s.begin(FORGED)
        s.send(b"a\n.\nMAIL FROM:<>\r\n.\nb\r\n\0\xff\r\n.\r\n")
        assert s.reply().startswith("250 ")
        assert s.ask("NOOP").startswith("250 ")


def test_a_session_cut_anywhere_hurts_nobody(bounced):
    whole = (f"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{FORGED}>\r\nDATA\r\n"
             "Subject: x\r\n\r\ny\r\n.\r\n").encode()
    for n in range(0, len(whole), 5):
        with Session(bounced) as s:
            s.send(whole[:n])
    with Session(bounced) as s:
        assert s.ask("NOOP").startswith("250 ")


def test_redis_away_keeps_the_mail_with_postfix(bounced):
    bounced.redis.stop()
    wait_for(lambda: "redis: away" in bounced.daemons.bounced.text)
    with Session(bounced) as s:
        assert s.ask("LHLO x").startswith("250 ")
        assert s.ask("MAIL FROM:<>").startswith("250 ")
        assert s.ask(f"RCPT TO:<{FORGED}>").startswith("451 ")


# ---- the log ----

def log_lines(first, last):
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    text = ""
    for i in range(first, last):
        qid = f"4TkX{i:08d}z"
        head = f"{stamp} mx postfix"
        text += (f"{head}/qmgr[1]: {qid}: from=<s@shop.test>, size=1, "
                 "nrcpt=1 (queue active)\n"
                 f"{head}/smtp[2]: {qid}: to=<r{i}@good.test>, "
                 "relay=mx[192.0.2.1]:25, delay=0, delays=0/0/0/0, "
                 "dsn=2.0.0, status=sent (250 ok)\n"
                 f"{head}/qmgr[1]: {qid}: removed\n")
    return text


def events(env):
    """How often each recipient has an event of each type."""
    return collections.Counter(
        (e["r"], e["t"]) for e in stored(env.redis.client()))


def rotate(log, n):
    """By renaming, by copying, or by compressing, in turn."""
    old = log.with_name(f"{log.name}.{n}")
    if n % 3 == 1:
        shutil.copy2(log, old)
        os.truncate(log, 0)
        return
    log.rename(old)
    write(log, "", 0o644)
    if n % 3 == 2:
        with gzip.open(f"{old}.gz", "wb") as f:
            f.write(old.read_bytes())
        times = old.stat()
        os.utime(f"{old}.gz", ns=(times.st_atime_ns, times.st_mtime_ns))
        os.chmod(f"{old}.gz", 0o644)
        old.unlink()


def test_no_line_is_lost_or_doubled(bounced):
    """Killed in the middle of batches, rotated meanwhile, Redis away."""
    log, daemon = bounced.postfix.log, bounced.daemons.bounced
    total, step = 6000, 500
    chosen = random.Random(2)
    for n, first in enumerate(range(0, total, step)):
        with open(log, "a") as f:
            f.write(log_lines(first, first + step))
        if n % 4 == 3:
            bounced.redis.stop()
            bounced.redis.start()
        time.sleep(chosen.random() * 0.05)  # a random moment to be killed at
        daemon.kill()
        rotate(log, n)
        daemon.start()
    wait_for(lambda: len(events(bounced)) >= 2 * total, 60, "all events")
    got = events(bounced)
    assert len(got) == 2 * total
    assert set(got.values()) == {1}


# ---- the journal ----

JOURNALD = "/usr/lib/systemd/systemd-journald"
# A /run of its own; its files belong to the group that bounced runs in.
JOURNALD_START = f"""
mount -t tmpfs none /run && mkdir -p /run/systemd/journal /run/log/journal &&
chgrp nogroup /run/log/journal && chmod 2755 /run/log/journal &&
exec {JOURNALD}
"""


@pytest.fixture
def journal(base):
    """systemd-journald in a mount namespace of its own."""
    if not os.path.exists(JOURNALD):
        raise Missing("no systemd-journald")
    process = Process("journald",
                      ["unshare", "-m", "sh", "-c", JOURNALD_START],
                      base.logs / "journald.log")
    root = f"/proc/{process.pid}/root"
    try:
        try:
            process.wait_ready(lambda: os.path.exists(
                f"{root}/run/systemd/journal/dev-log"))
        except AssertionError as e:
            raise Missing(f"systemd-journald does not run: {e}") from e
        yield process
    finally:
        process.stop()


def test_the_journal_is_followed(base, journal):
    daemon = base.daemons.bounced
    base.daemons.parameters["maillog"] = "journal"
    base.daemons.write_config()
    write(base.folder / "etc" / "master.key", secrets.token_hex(32) + "\n",
          0o600)

    def start():
        daemon.process = Process(
            "postern-bounced",
            ["nsenter", "-t", journal.pid, "-m", program("postern-bounced"),
             "-F", "-f", base.daemons.config], daemon.log)
        daemon.process.wait_ready(
            lambda: connectable(daemon.sockets[0]))

    def log(first, last):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.connect(f"/proc/{journal.pid}/root/run/systemd/journal/"
                      "dev-log")
            for line in log_lines(first, last).splitlines():
                tag, _, text = line.partition(" mx ")[2].partition(": ")
                s.send(f"<22>{tag}: {text}".encode())

    start()
    if "journal can not be read" in daemon.text:
        raise Missing("built without libsystemd")
    wait_for(lambda: base.redis.client().hgetall("pn:ck:{h:mta1}"),
             what="the first checkpoint")
    log(0, 50)
    wait_for(lambda: len(events(base)) >= 60, what="some of the events")
    daemon.kill()
    log(50, 100)  # while nobody reads
    start()
    log(100, 150)
    wait_for(lambda: len(events(base)) >= 300, what="all events")
    got = events(base)
    assert len(got) == 300
    assert set(got.values()) == {1}
