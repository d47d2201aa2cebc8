# SPDX-License-Identifier: BSD-2-Clause
"""postern-queue-helper against a real Postfix: by policyd's own client
(tests/service/queue_ask.c), and by Python where something has to be wrong."""
import errno
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import time

import pytest

from harness.util import BUILD, connectable, run, wait_for

ERR_SYNTAX, ERR_LIMIT, ERR_TIMEOUT, ERR_UNAVAIL = -2, -3, -4, -5
ERR_NOTFOUND, ERR_IO, ERR_DENIED = -6, -8, -9
HELD_PORT = 10026
HELPER = BUILD / "postern-queue-helper"


@pytest.fixture(scope="session", autouse=True)
def build():
    run(["make", "-C", BUILD, "tests/service/queue_ask",
         "tests/service/queue_confined", "postern-queue-helper"],
        timeout=500)


def child_of(pid):
    """The helper, once it is there."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return int(wait_for(lambda: children.read_text().split(), 30)[0])


class Answer:
    def __init__(self, words):
        self.rc, self.done = int(words[0]), int(words[1])
        self.text = words[2] if len(words) > 2 else ""
        self.rows = []


class Asker:
    """policyd's client in a process of its own, as user nobody."""

    def __init__(self, env):
        self.popen = subprocess.Popen(
            [BUILD / "tests/service/queue_ask", env.daemons.config],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.number = 0

    def send(self, *lines):
        self.popen.stdin.write("\n".join(lines) + "\n\n")
        self.popen.stdin.flush()

    def read(self, count):
        """Answers of that many lines, by their number."""
        answers, rows = {}, {}
        while len(answers) < count:
            line = self.popen.stdout.readline()
            assert line, "queue_ask has ended"
            words = line.rstrip("\n").split(" ", 3)
            if words[0] == "lost":
                continue
            number = int(words[0])
            if words[1] == "row":
                rows.setdefault(number, []).append(
                    (words[2], int(words[3])))
                continue
            answers[number] = Answer(words[1:])
            answers[number].rows = rows.get(number, [])
        return answers

    def ask(self, *lines):
        self.send(*lines)
        got = self.read(len(lines))
        answers = [got[self.number + 1 + i] for i in range(len(lines))]
        self.number += len(lines)
        return answers if len(answers) > 1 else answers[0]

    def read_message(self, queue_id):
        self.send(f"read {queue_id}")
        self.number += 1
        _, rc, size, _ = self.popen.stdout.readline().split(" ")
        text = self.popen.stdout.read(int(size) + 1)
        return int(rc), text[:-1]

    @property
    def helper(self):
        return child_of(self.popen.pid)

    def end(self):
        self.popen.stdin.close()
        assert self.popen.wait(20) == 0


@pytest.fixture
def asker(mail):
    made = []

    def start():
        made.append(Asker(mail))
        return made[-1]
    yield start
    for one in made:
        if one.popen.poll() is None:
            one.popen.kill()
            one.popen.wait()


def files(env, queue):
    return sorted(name for _, _, names in os.walk(env.postfix.queue / queue)
                  for name in names)


def prepare(env, **main):
    """Nothing moves by itself: only what is asked for; mail that comes in at
    HELD_PORT is held."""
    env.postfix.main.update(queue_run_delay="1000s",
                            minimal_backoff_time="1000s",
                            maximal_backoff_time="2000s", **main)
    env.start_base()
    master = env.postfix.config / "master.cf"
    master.write_text(master.read_text().replace(
        "qmgr unix n - n 5 1 qmgr", "qmgr unix n - n 1000 1 qmgr") +
        f"127.0.0.1:{HELD_PORT} inet n - y - - smtpd\n"
        "  -o { smtpd_end_of_data_restrictions = "
        "check_client_access static:HOLD }\n")
    env.postfix.start()
    wait_for(lambda: connectable(("127.0.0.1", HELD_PORT)))
    return env


@pytest.fixture
def mail(env):
    return prepare(env)


def held(env, count, recipient="mia@good.test", **kwargs):
    ids = [env.postfix.send(recipient, subject=f"held {i}", port=HELD_PORT,
                            **kwargs) for i in range(count)]
    wait_for(lambda: set(ids) <= set(files(env, "hold")), 10, "held")
    return ids


def many_held(env, count):
    run(["smtp-source", "-s", "5", "-m", count, "-f", "news@example.test",
         "-t", "mia@good.test", f"127.0.0.1:{HELD_PORT}"], timeout=120)
    return wait_for(lambda: len(files(env, "hold")) == count and
                    files(env, "hold"), 30)


def test_release_and_hold(mail, asker):
    ids = held(mail, 5)
    a = asker()
    answer = a.ask("release " + " ".join(ids[:3]))
    assert (answer.rc, answer.done, answer.text) == (0, 3, "")
    # The queue manager looks by itself after 1000 s only.
    assert len(mail.delivered("mia@good.test", 3, 30)) == 3
    assert files(mail, "hold") == sorted(ids[3:])
    # Those that are not there any more are no error; the others are done.
    answer = a.ask(f"release {ids[0]} {ids[3]}")
    assert (answer.rc, answer.done) == (0, 1)
    mail.delivered("mia@good.test", 4)
    # Deferred mail can be held.
    deferred = mail.postfix.send("leo@throttle.test")
    wait_for(lambda: deferred in files(mail, "deferred"), 30)
    answer = a.ask(f"hold {deferred}")
    assert (answer.rc, answer.done) == (0, 1)
    assert deferred in files(mail, "hold")
    a.end()


def test_a_thousand(mail, asker):
    ids = many_held(mail, 1000)
    a = asker()
    answer = a.ask("release " + " ".join(ids))
    assert (answer.rc, answer.done) == (0, 1000)
    assert len(mail.delivered("mia@good.test", 1000, 60)) == 1000
    # More than one request may hold, and nothing at all.
    assert a.ask("release " + " ".join(ids + ids[:1])).rc == ERR_LIMIT
    answer = a.ask("release")
    assert (answer.rc, answer.done) == (0, 0)


def test_retry(mail, asker):
    receiver = mail.receivers["throttle.test"]
    ids = [mail.postfix.send(f"leo{i}@throttle.test") for i in range(3)]
    wait_for(lambda: files(mail, "deferred") == sorted(ids), 30)
    del receiver.script["mail"]
    a = asker()
    answer = a.ask("retry " + " ".join(ids[:2]))
    assert (answer.rc, answer.done) == (0, 2)
    for i in range(2):
        mail.delivered(f"leo{i}@throttle.test")
    assert files(mail, "deferred") == ids[2:]


def test_retry_in_pieces(mail, asker):
    """A long retry lets a release go in between."""
    ids = held(mail, 1)
    a = asker()
    strange = " ".join(f"4gFV5j1zNqz{i:04d}" for i in range(400))
    a.send("retry " + strange, "release " + ids[0])
    order = []
    while len(order) < 2:
        order.append(a.popen.stdout.readline().split()[0])
    assert order == ["2", "1"]
    mail.delivered("mia@good.test")


def test_expire_and_delete(mail, asker):
    sender = "news@good.test"  # so that bounces are received
    deferred = mail.postfix.send("leo@throttle.test", sender=sender)
    gone = mail.postfix.send("leo@throttle.test", sender=sender)
    wait_for(lambda: len(files(mail, "deferred")) == 2, 30)
    kept = held(mail, 2)
    waiting = held(mail, 1, sender="shop@good.test")[0]
    a = asker()
    answer = a.ask(f"expire {deferred} {waiting}")
    assert (answer.rc, answer.done) == (0, 2)
    bounces = mail.delivered(sender) + mail.delivered("shop@good.test")
    assert all("Undelivered" in str(b) for b in bounces)
    answer = a.ask(f"delete {gone} {kept[0]}")
    assert (answer.rc, answer.done) == (0, 2)
    assert files(mail, "deferred") == []
    assert files(mail, "hold") == kept[1:]
    assert mail.receivers["good.test"].messages_to("mia@good.test") == []


@pytest.mark.parametrize("depth,long_ids", [(0, "yes"), (2, "yes"),
                                            (1, "no")])
def test_count_list_read(env, depth, long_ids):
    env.postfix.main["enable_long_queue_ids"] = long_ids
    if depth:
        prepare(env, hash_queue_depth=depth, hash_queue_names="deferred, "
                "defer, hold, incoming, active")
    else:
        prepare(env)
    before = int(time.time() * 1000) - 2000
    ids = held(env, 4, ["mia@good.test", "leo@full.test"])
    assert (env.postfix.queue / "hold" / ids[0]).exists() == (depth == 0)
    env.postfix.send("x@slow.test")
    a = Asker(env)
    try:
        wait_for(lambda: files(env, "active"), 30)
        count = a.ask("count")
        # "incoming active" in the place of "done text".
        assert (count.rc, count.done, count.text) == (0, 0, "1")
        listed = a.ask("list")
        assert listed.rc == 0 and listed.done == 4
        assert sorted(i for i, _ in listed.rows) == sorted(ids)
        assert all(before < since < time.time() * 1000 + 2000
                   for _, since in listed.rows)
        rc, text = a.read_message(ids[1])
        assert rc == 0
        envelope, _, header = text.partition("\n\n")
        assert envelope.split("\n") == ["S news@example.test",
                                        "R mia@good.test", "R leo@full.test"]
        assert "\nSubject: held 1\n" in header
        assert "A few words" not in header
        assert a.read_message("4gFV5j1zNqz9999")[0] == ERR_NOTFOUND
        for i in ids:
            assert a.ask(f"release {i}").done == 1
        env.delivered("mia@good.test", 4)
    finally:
        a.popen.kill()
        a.popen.wait()


def test_lists_of_many(mail, asker):
    """In pieces, two at once."""
    ids = many_held(mail, 2500)
    a = asker()
    one, two = a.ask("list", "list")
    for answer in (one, two):
        assert answer.rc == 0 and answer.done == 2500
        assert sorted(i for i, _ in answer.rows) == ids
    for i in range(0, 2500, 1000):
        assert a.ask("delete " + " ".join(ids[i:i + 1000])).rc == 0
    assert files(mail, "hold") == []


def test_what_the_client_refuses(mail, asker):
    a = asker()
    for wrong in ("ALL", "-d", "../../etc/passwd", "A1B2C3;id", "A" * 21):
        assert a.ask(f"delete {wrong}").rc == ERR_SYNTAX


def test_postfix_is_stopped(mail, asker):
    ids = held(mail, 2)
    mail.postfix.stop()
    # Without its log daemon postsuper writes to the file, as the mail owner.
    shutil.chown(mail.postfix.log, "postfix")
    a = asker()
    answer = a.ask(f"release {ids[0]}")
    assert (answer.rc, answer.done) == (0, 1)
    assert "mail system is down" in answer.text
    answer = a.ask(f"retry {ids[0]}")
    assert answer.rc == ERR_IO and "mail system is down" in answer.text
    mail.postfix.start()
    mail.delivered("mia@good.test")


def test_postfix_is_broken(mail, asker):
    """What a command says comes back."""
    ids = held(mail, 1)
    a = asker()
    main = mail.postfix.config / "main.cf"
    text = main.read_text()
    main.write_text(text + "queue_directory = /nowhere\n")
    answer = a.ask(f"release {ids[0]}")
    assert answer.rc == ERR_IO and "/nowhere" in answer.text
    assert a.ask("count").rc == ERR_IO
    assert a.ask("list").rc == ERR_IO
    main.write_text(text)
    assert a.ask(f"release {ids[0]}").done == 1
    mail.delivered("mia@good.test")


def test_a_command_that_hangs_is_killed(mail, asker):
    """postqueue waits for a flush service that does not answer."""
    ids = held(mail, 1)
    mail.postfix.postconf("fast_flush_domains=")
    a = asker()
    flush = mail.postfix.queue / "public" / "flush"
    flush.unlink()
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(flush))
        s.listen(10)
        answer = a.ask(f"retry {ids[0]}")
        assert answer.rc == ERR_TIMEOUT, answer.text


# ---- the wire ----

def packet(kind, body=b"", number=7, magic=b"PHQ1"):
    return magic + struct.pack(">I", number) + kind + b"\0\0\0" + body


def ids_body(*ids):
    return struct.pack(">H", len(ids)) + b"".join(
        bytes([len(i)]) + i.encode() for i in ids)


def path(text):
    text = str(text).encode()
    return struct.pack(">H", len(text)) + text


class Wire:
    def __init__(self, env, user, start=None, environ=None):
        ours, theirs = socket.socketpair(socket.AF_UNIX,
                                         socket.SOCK_SEQPACKET)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.sock = ours
        if start is None:
            start = packet(b"S", struct.pack(">IB", user, 1) +
                           path(env.postfix.config) +
                           path(env.folder / "state") +
                           path(env.folder / "etc" / "master.key"))
        ours.send(start)
        self.popen = subprocess.Popen([HELPER], stdin=theirs,
                                      env=environ or {})
        theirs.close()
        ours.settimeout(40)

    def answer(self):
        got = self.sock.recv(70000)
        assert got[:4] == b"PHA1", got
        number, rc = struct.unpack(">IB", got[4:9])
        done, active = struct.unpack(">QQ", got[12:28])
        return number, -rc, done, got[28:]

    def ask(self, octets):
        self.sock.send(octets)
        return self.answer()

    def end(self):
        self.sock.close()
        return self.popen.wait(20)


def test_wire_refuses(mail):
    ids = held(mail, 1)
    w = Wire(mail, os.geteuid())
    good = packet(b"R", ids_body(ids[0]))
    for wrong in (packet(b"D", ids_body("ALL")),
                  packet(b"D", ids_body("-dABCD")),
                  packet(b"D", ids_body("../../x")),
                  packet(b"D", ids_body("A1B2C3\n")),
                  packet(b"D", ids_body("")),
                  packet(b"D", ids_body()),
                  packet(b"D", struct.pack(">H", 1001) +
                         (b"\x06A1B2C3" * 1001)),
                  packet(b"T", ids_body(ids[0], ids[0])),
                  packet(b"X", b""), packet(b"C", b"x"), b"", b"x",
                  packet(b"C", magic=b"PHQ2"), good[:-1], good + b"x",
                  b"\0" * 65536, packet(b"D", b"\xff" * 65530)):
        if wrong == b"":
            continue  # the end of the connection, for a reader
        assert w.ask(wrong)[1] == ERR_SYNTAX, wrong[:40]
    # A second start changes nothing.
    assert w.ask(packet(b"S", struct.pack(">IB", 0, 0) + path("/") +
                        path("/") + path("/")))[1] == ERR_DENIED
    assert files(mail, "hold") == ids
    assert w.ask(good)[:3] == (7, 0, 1)
    assert w.end() == 0


def as_user(name, sock, octets):
    """Sends as somebody else over the same socket."""
    pid = os.fork()
    if pid == 0:
        try:
            entry = pwd.getpwnam(name)
            os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
            os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
            sock.send(octets)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def test_wrong_user(mail):
    nobody = pwd.getpwnam("nobody").pw_uid
    ids = held(mail, 1)
    w = Wire(mail, nobody)
    release = packet(b"R", ids_body(ids[0]))
    # Root, who started it, is not the one whose requests are taken.
    assert w.ask(release)[1] == ERR_DENIED
    as_user("daemon", w.sock, release)
    assert w.answer()[1] == ERR_DENIED
    assert files(mail, "hold") == ids
    as_user("nobody", w.sock, release)
    assert w.answer()[1:3] == (0, 1)
    assert w.end() == 0


def test_start_must_be_roots_and_first(mail):
    nobody = pwd.getpwnam("nobody").pw_uid
    start = packet(b"S", struct.pack(">IB", nobody, 1) + path("/etc") +
                   path("/var") + path("/key"))
    for first in (packet(b"C"), start[:-1], b"x" * 70000):
        w = Wire(mail, 0, start=first)
        assert w.popen.wait(20) == 76
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        as_user("nobody", ours, start)
        assert subprocess.run([HELPER], stdin=theirs).returncode == 76
    # Without the kernel's word nothing is believed.
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.send(start)
        assert subprocess.run([HELPER], stdin=theirs).returncode == 76
    # By hand.
    done = subprocess.run([HELPER, "-H", "ALL"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    assert done.returncode == 64 and "started by" in done.stderr


def test_environment_and_signals_do_nothing(mail, tmp_path):
    """Programs of ours in PATH are not run; it ends with its socket only."""
    trap = tmp_path / "postsuper"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/trapped\n")
    trap.chmod(0o755)
    ids = held(mail, 1)
    w = Wire(mail, os.geteuid(),
             environ={"PATH": str(tmp_path), "MAIL_CONFIG": str(tmp_path),
                      "LD_PRELOAD": "", "MAIL_VERBOSE": "1"})
    assert w.ask(packet(b"C"))[1] == 0
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP,
                   signal.SIGUSR1):
        w.popen.send_signal(number)
    assert w.ask(packet(b"R", ids_body(ids[0])))[1:3] == (0, 1)
    assert not (tmp_path / "trapped").exists()
    status = pathlib.Path(f"/proc/{w.popen.pid}/status").read_text()
    fields = dict(x.split(":\t", 1) for x in status.splitlines())
    assert fields["NoNewPrivs"] == "1"
    wanted = sum(1 << cap for cap in (0, 1, 3, 5, 6, 7))
    assert int(fields["CapBnd"], 16) & ~wanted == 0
    assert int(fields["CapEff"], 16) & ~wanted == 0
    sandboxed = "seccomp" in run([BUILD / "postern-policyd", "-V"]).stdout
    assert fields["Seccomp"] == ("2" if sandboxed else "0")
    assert len(os.listdir(f"/proc/{w.popen.pid}/fd")) == 3
    assert w.end() == 0


def test_confined(env):
    """What a helper that was broken into can not do."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        out = run([BUILD / "tests/service/queue_confined",
                   listener.getsockname()[1]]).stdout
    got = dict(line.split() for line in out.splitlines())
    assert (got["exec"], got["tcp"]) == ("0", "0")
    assert got["device"] == str(errno.EPERM)
    if "seccomp" not in run([BUILD / "postern-policyd", "-V"]).stdout:
        return
    for name in ("udp", "sctp", "packet", "listen"):
        assert got[name] == str(errno.EPERM), name
    for name in ("ptrace", "mount", "unshare"):
        assert got[name] == "killed", name
    # Landlock's word on networks, where there is one.
    assert got["connect"] in ("0", str(errno.EACCES))


# ---- with policyd ----

def test_helper_and_policyd_end_together(stack):
    env = stack
    policyd = env.daemons.policyd

    first = child_of(policyd.process.pid)
    wait_for(lambda: 'policyd_queue_helper_up{host="mta1"} 1' in
             env.cli.run("metrics").stdout, 20)
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: not policyd.process.alive(), 20, "policyd has ended")
    assert policyd.process.popen.returncode == 70
    assert "queue helper: has ended: this daemon ends" in policyd.text
    policyd.process = None
    policyd.start()
    second = child_of(policyd.process.pid)
    # The scheduler has read the hold queue.
    wait_for(lambda: re.search(
        r'policyd_queue_requests_total\{[^}]*result="done"[^}]*\} [1-9]',
        env.cli.run("metrics").stdout), 60)
    policyd.kill()
    wait_for(lambda: not os.path.exists(f"/proc/{second}"), 10,
             "the helper has ended")
    policyd.start()
    third = child_of(policyd.process.pid)
    wait_for(lambda: f"[{policyd.process.pid}]: ready" in policyd.text, 30)
    assert policyd.stop() == 0
    wait_for(lambda: not os.path.exists(f"/proc/{third}"), 30)


def test_in_the_background(base):
    """policyd -d: who started the helper is gone, who talks to it is not."""
    env = base
    log = env.logs / "background.log"
    log.touch(mode=0o666)
    log.chmod(0o666)
    env.daemons.parameters.update(log_target=log)
    env.daemons.write_config()
    run([BUILD / "postern-policyd", "-d", "-f", env.daemons.config])
    try:
        wait_for(lambda: ": ready" in log.read_text(), 20)
        pid = int(re.search(r"policyd\[(\d+)\]: ready",
                            log.read_text()).group(1))
        wait_for(lambda: 'policyd_queue_helper_up{host="mta1"} 1' in
                 env.cli.run("metrics").stdout, 20)
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"), 20)
    assert "has ended: this daemon" not in log.read_text()


def test_without_a_helper(base):
    env = base
    env.daemons.parameters["queue_helper"] = "no"
    env.daemons.write_config()
    a = Asker(env)
    assert a.ask("release A1B2C3").rc == ERR_UNAVAIL
    assert a.ask("count").rc == ERR_UNAVAIL
    a.end()
    env.daemons.parameters["queue_helper"] = "yes"
    env.daemons.parameters["queue_helper_program"] = "/nonexistent/helper"
    env.daemons.write_config()
    done = run([BUILD / "postern-policyd", "-F", "-f", env.daemons.config],
               check=False)
    assert done.returncode == 78
    assert "queue_helper_program: /nonexistent/helper" in done.stderr


def test_helper_killed_under_work(mail, asker):
    ids = held(mail, 1)
    a = asker()
    os.kill(a.helper, signal.SIGKILL)
    answer = a.ask(f"release {ids[0]}")
    assert answer.rc == ERR_UNAVAIL
    assert a.ask("count").rc == ERR_UNAVAIL
    assert files(mail, "hold") == ids
