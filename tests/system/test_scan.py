# SPDX-License-Identifier: BSD-2-Clause
"""postern-scan with libclamav and signatures of our own, asked by the milter's
client and by hand; and clamd in its place.  The clients of these tests are
tests/service/scan_ask.c, and Python where something has to be wrong."""
import base64
import binascii
import concurrent.futures
import fcntl
import io
import os
import pathlib
import pwd
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import tarfile
import tempfile
import zipfile

import pytest

from harness.util import (BUILD, Missing, Process, connectable, run,
                          wait_for, write)

EICAR = (rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE"
         rb"!$H+H*")
WORD = b"listed-words-of-this-test"
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK
HEAD = (b"From: news@example.com\r\nTo: user@example.org\r\n"
        b"Subject: test\r\nMIME-Version: 1.0\r\n")
TEXT = HEAD + b"Content-Type: text/plain\r\n\r\nHello.\r\n"


def signatures(folder, *more):
    folder.mkdir(mode=0o755, exist_ok=True)
    write(folder / "own.ndb", f"Own.Eicar:0:0:{EICAR.hex()}\n"
          f"Own.Word:0:*:{WORD.hex()}\n" + "".join(more))


def attach(content, name="a.bin", encoding=b"base64"):
    body = base64.encodebytes(content) if encoding == b"base64" else content
    return (HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
            b"Content-Type: text/plain\r\n\r\nSee below.\r\n--b\r\n"
            b"Content-Type: application/octet-stream; name=" + name.encode() +
            b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" +
            body.replace(b"\n", b"\r\n") + b"\r\n--b--\r\n")


def zipped(*contents):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for i, content in enumerate(contents):
            z.writestr(f"file{i}", content)
    return out.getvalue()


def tarred(content):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as t:
        info = tarfile.TarInfo("file")
        info.size = len(content)
        t.addfile(info, io.BytesIO(content))
    return out.getvalue()


def uuencoded(content):
    lines = [binascii.b2a_uu(content[i:i + 45])
             for i in range(0, len(content), 45)]
    return (HEAD + b"\r\nbegin 644 a.com\r\n" +
            b"".join(lines).replace(b"\n", b"\r\n") + b"`\r\nend\r\n")


def children(pid):
    out = subprocess.run(["pgrep", "-P", str(pid)], text=True,
                         capture_output=True).stdout
    return [int(x) for x in out.split()
            if "State:\tZ" not in status_of(int(x))]


def status_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return "State:\tZ"


class Scanner:
    def __init__(self, folder, **parameters):
        self.folder = folder
        self.sock = folder / "run" / "scan.sock"
        self.database = folder / "db"
        self.temporary = pathlib.Path(f"/dev/shm/{folder.name}")
        self.parameters = {
            "user": "", "scan_user": "nobody", "log_target": "stderr",
            "scan_listen": f"unix:{self.sock}",
            "scan_database_directory": self.database,
            "scan_temporary_directory": self.temporary,
            "scan_reload_interval": "1s", **parameters}
        if os.environ.get("POSTERN_LEAKS") == "1":
            self.parameters["scan_user"] = ""
        self.log = folder / "scan.log"
        self.process = None
        self.address = f"unix:{self.sock}"

    def write_config(self):
        return write(self.folder / "postern.conf", "".join(
            f"{k} = {v}\n" for k, v in self.parameters.items()))

    def start(self, limit=None, loaded=True):
        argv = [BUILD / "postern-scan", "-F", "-f", self.write_config()]
        if limit:
            argv = ["prlimit", f"--nofile={limit}:{limit}", *argv]
        self.process = Process("postern-scan", argv, self.log)
        self.process.wait_ready(lambda: connectable(self.sock))
        if loaded:
            self.wait_log("in operation")
        return self

    def stop(self):
        status = None
        if self.process:
            status = self.process.stop()
            self.process = None
        return status

    def wait_log(self, words, count=1, seconds=30):
        def there():
            return len(re.findall(words, self.text)) >= count
        wait_for(there, seconds, f"{words} in {self.text}")

    @property
    def text(self):
        if not self.log.exists():
            return ""
        return self.log.read_text(errors="replace")

    @property
    def engine(self):
        """The process that makes workers: it alone has children."""
        for pid in children(self.process.pid):
            if children(pid):
                return pid
        return None

    def workers(self):
        return children(self.engine)

    def ask(self, *messages, threads=1, count=1, seconds=30):
        """What the milter's client says of each message: (result, name)."""
        paths = []
        for i, message in enumerate(messages):
            paths.append(self.folder / f"message{i}")
            paths[-1].write_bytes(message)
        out = run([BUILD / "tests/service/scan_ask", self.address, seconds,
                   threads, count, *paths], timeout=500).stdout
        return [(x.split()[0], " ".join(x.split()[2:]))
                for x in out.splitlines()]

    def state(self):
        n = self.text.count(": state: ")
        self.process.signal(signal.SIGUSR1)
        self.wait_log(": state: ", n + 1)
        line = self.text[self.text.rindex(": state: "):].splitlines()[0]
        return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", line)}


@pytest.fixture
def folder():
    if not (BUILD / "postern-scan").exists():
        raise Missing("postern-scan is not built: no libclamav")
    run(["make", "-C", BUILD, "tests/service/scan_ask",
         "tests/service/scan_confined"], timeout=300)
    path = pathlib.Path(tempfile.mkdtemp(prefix="test-scan."))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def make(folder):
    """make(parameter=value...): a scanner that is not started yet."""
    made = []

    def one(**parameters):
        signatures(folder / "db")
        made.append(Scanner(folder, **parameters))
        return made[-1]
    yield one
    for s in made:
        status = s.stop()
        shutil.rmtree(s.temporary, ignore_errors=True)
        assert status in (None, 0), s.text
        assert "Sanitizer" not in s.text and "runtime error" not in s.text


def memfd(content, seals=SEALS):
    fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, content)
    if seals:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def request(size, number=7, ms=20000):
    return b"PSQ1" + struct.pack(">IQI", number, size, ms)


def connect(scanner):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(30)
    s.connect(str(scanner.sock))
    return s


def by_hand(scanner, content, **kwargs):
    fd = memfd(content)
    with connect(scanner) as s:
        socket.send_fds(s, [request(len(content), **kwargs)], [fd])
        os.close(fd)
        return parse(s.recv(300))


def parse(answer):
    assert answer[:4] == b"PSA1", answer
    assert answer[9] == len(answer) - 10, answer
    return (struct.unpack(">I", answer[4:8])[0], chr(answer[8]),
            answer[10:].decode())


def test_finds(make):
    s = make().start()
    eicar = ("infected", "Own.Eicar.UNOFFICIAL")
    word = ("infected", "Own.Word.UNOFFICIAL")
    clean = ("clean", "")
    cases = [
        (EICAR, eicar), (TEXT, clean),
        (attach(EICAR), eicar),
        (attach(EICAR, "a.com", b"7bit"), eicar),
        (attach(zipped(b"harmless", EICAR), "a.zip"), eicar),
        (attach(zipped(zipped(EICAR)), "a.zip"), eicar),
        (attach(tarred(zipped(EICAR)), "a.tgz"), eicar),
        (uuencoded(EICAR), eicar),
        (TEXT + WORD, word),
        (attach(zipped(WORD * 3)), word),
        (attach(zipped(b"harmless"), "a.zip"), clean),
        (b"x", clean),
        (HEAD.replace(b"\r\n", b"\n") + b"\n" + WORD, word),
    ]
    assert s.ask(*(c[0] for c in cases)) == [c[1] for c in cases]
    state = s.state()
    assert state["scans"] == len(cases)
    assert state["infected"] == sum(c[1][0] == "infected" for c in cases)
    assert by_hand(s, b"") == (7, "C", "")
    assert s.stop() == 0
    assert not list(s.temporary.iterdir())


def test_limits(make):
    s = make(scan_max_size_kb=4096, scan_max_scan_kb=16384,
             scan_max_files=50, scan_max_recursion=8, scan_workers=2).start()
    deep = EICAR
    for _ in range(12):
        deep = zipped(deep)
    bomb = zipped(b"\0" * (300 << 20))
    files = zipped(*(os.urandom(20) for i in range(200)))
    many = zipped(*(b"\0" * (3 << 20) + bytes([i]) for i in range(40)))
    answers = s.ask(attach(deep), attach(bomb), attach(files), attach(many),
                    TEXT + b"x" * (5 << 20), attach(zipped(EICAR, bomb)))
    # Of a file too large libclamav scans the beginning.
    assert answers[1] == ("clean", "")
    assert answers[5][0] == "infected"
    limits = ["MaxRecursion", None, "MaxFiles", "MaxScanSize", "MaxFileSize"]
    for answer, limit in zip(answers, limits):
        assert limit is None or answer == (
            "unscannable", "Heuristics.Limits.Exceeded." + limit), answers
    assert s.state()["unscannable"] == 4
    assert s.ask(TEXT) == [("clean", "")]


def test_alerts(make):
    """What the parameters turn on, and only they."""
    out = io.BytesIO(zipped(b"secret text " * 10))
    content = bytearray(out.getvalue())
    for magic, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # "encrypted"
        content[content.index(magic) + offset] |= 1
    message = attach(bytes(content), "a.zip")
    s = make().start()
    assert s.ask(message) == [("clean", "")]
    s.parameters["scan_alert_encrypted"] = "yes"
    s.write_config()
    s.process.signal(signal.SIGHUP)
    s.wait_log("in operation", 2)
    assert s.ask(message) == [("infected", "Heuristics.Encrypted.Zip")]


def test_processes(make):
    """As little as possible may be done by those that look into mail."""
    s = make().start()
    nobody = pwd.getpwnam(s.parameters["scan_user"] or "root").pw_uid
    seccomp = b"seccomp" in subprocess.run(
        [BUILD / "postern-scan", "-V"], capture_output=True).stdout
    pids = [s.process.pid, s.engine, *s.workers()]
    assert len(pids) == 2 + os.cpu_count() + 1
    for pid in pids:
        status = status_of(pid)
        assert re.search(rf"^Uid:\t{nobody}\t{nobody}\t{nobody}\t{nobody}$",
                         status, re.M), status
        assert "NoNewPrivs:\t1" in status
        if seccomp:
            assert "Seccomp:\t2" in status
    for pid in s.workers():
        links = {os.readlink(x) for x in
                 pathlib.Path(f"/proc/{pid}/fd").iterdir()}
        assert {x.split(":")[0] for x in links} == {"/dev/null", "socket"}
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"Max core file size +0 +0 ", limits)
        assert not re.search(r"Max (address space|file size) +unlimited",
                             limits)


def test_confined(folder):
    """What a worker that was broken into can not do."""
    done = run([BUILD / "tests/service/scan_confined", folder], check=False)
    if "seccomp" not in run([BUILD / "postern-scan", "-V"]).stdout:
        raise Missing("built without seccomp")
    assert done.returncode == -signal.SIGSYS  # by execve
    said = dict(x.split(": ", 1) for x in done.stdout.splitlines())
    if said.pop("landlock") != "yes":
        raise Missing("this kernel has no Landlock")
    worked = ("own file", "unlink", "library", "tgkill itself")
    assert said == {
        **{x: "worked" for x in worked},
        "written": "100000", "more": "EFBIG", "memory": "ENOMEM",
        **{x: "EACCES" for x in ("/etc/passwd", "/proc/self/maps",
                                 "mkdir beside")},
        **{x: "EPERM" for x in ("socket", "inet", "socketpair", "fork",
                                "kill", "tgkill", "prlimit", "nice",
                                "idle")}}


def test_bad_requests(make):
    s = make().start()
    fd = memfd(EICAR)

    def asks(octets, fds):
        with connect(s) as c:
            socket.send_fds(c, [octets], fds)
            return c.recv(300)

    good = request(len(EICAR))
    assert parse(asks(good, [fd])) == (7, "I", "Own.Eicar.UNOFFICIAL")
    for seals in (0, fcntl.F_SEAL_WRITE, SEALS & ~fcntl.F_SEAL_SHRINK):
        loose = memfd(EICAR, seals)
        assert parse(asks(good, [loose])) == \
            (7, "F", "the descriptor is not a sealed memfd")
        os.close(loose)
    with open("/etc/passwd", "rb") as f:
        assert parse(asks(good, [f.fileno()]))[1] == "F"
    assert parse(asks(request(len(EICAR) - 1), [fd])) == \
        (7, "F", "the size is another one")
    with connect(s) as c:
        c.sendall(good)
        assert parse(c.recv(300)) == (7, "F", "no descriptor")
        # The connection is still good.
        socket.send_fds(c, [good], [fd])
        assert parse(c.recv(300))[1] == "I"
        # One octet at a time; the descriptor comes with the first.
        socket.send_fds(c, [good[:1]], [fd])
        for i in range(1, len(good)):
            c.sendall(good[i:i + 1])
        assert parse(c.recv(300))[1] == "I"
    # What is no request ends the connection.
    for octets, fds in ((b"GET / HTTP/1.0\r\n\r\n", []),
                        (b"P", [fd, fd]), (os.urandom(4000), [fd]),
                        (request(5, ms=0), [fd])):
        with connect(s) as c:
            socket.send_fds(c, [octets], fds)
            try:
                assert c.recv(300) == b""
            except ConnectionResetError:
                pass
    with connect(s) as c:  # a second descriptor
        socket.send_fds(c, [good[:1]], [fd])
        socket.send_fds(c, [good[1:2]], [fd])
        try:
            assert c.recv(300) == b""
        except ConnectionResetError:
            pass
    os.close(fd)
    assert s.ask(EICAR)[0][0] == "infected"
    state = s.state()
    assert state["refused"] >= 8
    assert len(os.listdir(f"/proc/{s.process.pid}/fd")) < 40


def busy_asking(pool, s, message=TEXT, **kwargs):
    """A question whose worker has been stopped."""
    future = pool.submit(by_hand, s, message, **kwargs)
    wait_for(lambda: s.state()["busy"] == 1, what="busy")
    return future


def test_worker_killed(make):
    """One message fails, the next does not, and nothing is left behind."""
    s = make(scan_workers=1).start()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for _ in range(3):
            worker, = wait_for(s.workers)
            os.kill(worker, signal.SIGSTOP)
            first = busy_asking(pool, s, EICAR)
            second = pool.submit(by_hand, s, TEXT)
            wait_for(lambda: s.state()["queue"] == 1)
            os.kill(worker, signal.SIGKILL)
            assert first.result(20) == (7, "F", "the scan failed")
            assert second.result(20) == (7, "C", "")
    s.wait_log("ended by signal 9", 3)
    state = s.state()
    assert (state["restarts"], state["failed"]) == (3, 3)
    wait_for(lambda: len(list(s.temporary.iterdir())) == 1)


def test_idle_worker_killed(make):
    """It costs at most the message that was just being handed over."""
    s = make(scan_workers=2).start()
    for worker in s.workers():
        os.kill(worker, signal.SIGKILL)
    assert by_hand(s, EICAR)[1] in "IF"
    s.wait_log("ended by signal 9", 2)
    assert by_hand(s, EICAR)[1] == "I"
    assert s.state()["restarts"] == 2


def test_worker_hangs(make):
    s = make(scan_workers=1, scan_timeout="1s").start()
    worker, = s.workers()
    os.kill(worker, signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = busy_asking(pool, s)
        second = pool.submit(by_hand, s, EICAR)
        # It is told at its own deadline, before the worker is killed.
        third = pool.submit(by_hand, s, TEXT, ms=100)
        assert third.result(20) == (7, "F", "no answer in time")
        assert first.result(20) == (7, "F", "the scan failed")
        assert second.result(20)[1] == "I"
    s.wait_log("no answer in 1 s: killed")
    assert worker not in s.workers()


def test_engine_killed(make):
    """Its workers go on, and have successors soon."""
    s = make(scan_workers=2).start()
    engine, workers = s.engine, s.workers()
    os.kill(engine, signal.SIGKILL)
    assert s.ask(EICAR, TEXT, count=20) == \
        [("infected", "Own.Eicar.UNOFFICIAL"), ("clean", "")] * 20
    s.wait_log("generation 2: 2 signatures in operation")
    assert s.ask(EICAR)[0][0] == "infected"
    wait_for(lambda: all("State:\tZ" in status_of(x) for x in workers))
    assert s.engine not in (None, engine)
    assert s.state()["failed"] == 0
    s.wait_log(f"engine {engine}: ended by signal 9")


def test_reload_under_load(make):
    """New signatures, and not one message that had to wait or failed."""
    s = make(scan_workers=2).start()
    messages = [TEXT + bytes(str(i), "ascii") for i in range(20)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        load = pool.submit(s.ask, *messages, threads=4, count=150)
        for i in range(2, 7):
            write(s.database / "more.ndb",
                  f"Own.More{i}:0:*:{os.urandom(20).hex()}\n")
            s.process.signal(signal.SIGHUP)
            s.wait_log("in operation", i)
        answers = load.result(300)
    assert answers == [("clean", "")] * 12000
    assert s.state()["failed"] == 0
    # Nobody is left of the old generations.
    wait_for(lambda: len(children(s.process.pid)) == 1)
    assert len(s.workers()) == 2


def test_changed_files(make):
    s = make().start()
    new = b"something-new-under-the-sun"
    assert s.ask(TEXT + new) == [("clean", "")]
    signatures(s.database, f"Own.New:0:*:{new.hex()}\n")
    s.wait_log("3 signatures in operation")
    assert s.ask(TEXT + new) == [("infected", "Own.New.UNOFFICIAL")]
    # Broken ones are told once, and the old ones stay.
    write(s.database / "bad.ndb", "no signature at all\n")
    s.wait_log("error: database: .*; the old one stays")
    assert s.ask(TEXT + new)[0][0] == "infected"
    (s.database / "bad.ndb").unlink()
    s.wait_log("in operation", 3)
    write(s.database / "freshclam.dat", "its own notes\n")
    assert s.state()["load_failures"] == 1
    assert s.text.count("the old one stays") == 1


def test_no_signatures_yet(make):
    s = make()
    (s.database / "own.ndb").unlink()
    s.start(loaded=False)
    s.wait_log("error: database: ")
    assert by_hand(s, TEXT) == (7, "F", "no signatures are loaded")
    assert s.ask(TEXT)[0][0] == "failed"
    signatures(s.database)
    s.wait_log("in operation")
    assert s.ask(EICAR)[0][0] == "infected"


def test_old_signatures(make):
    s = make(scan_database_max_age="2d")
    week = 7 * 24 * 3600
    now = os.stat(s.database / "own.ndb").st_mtime
    os.utime(s.database / "own.ndb", (now - week, now - week))
    s.start()
    s.wait_log("warning: database: the signatures are 168 hours old")
    assert s.ask(EICAR)[0][0] == "infected"
    assert s.state()["database_hours"] == 168


def test_many_connections(make):
    """All of them ask at once; those who left do not harm the others."""
    s = make().start()
    open_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files[1],) * 2)
    fd, text = memfd(EICAR), memfd(TEXT)
    clients = [connect(s) for _ in range(1000)]
    try:
        for i, c in enumerate(clients):
            if i % 2:
                socket.send_fds(c, [request(len(EICAR), i)], [fd])
            else:
                socket.send_fds(c, [request(len(TEXT), i)], [text])
            if i % 10 == 5:
                c.close()
        for i, c in enumerate(clients):
            if c.fileno() >= 0:
                assert parse(c.recv(300))[:2] == (i, "CI"[i % 2])
        assert s.state()["clients"] == 900
    finally:
        for c in clients:
            c.close()
        os.close(fd)
        os.close(text)
        resource.setrlimit(resource.RLIMIT_NOFILE, open_files)
    wait_for(lambda: s.state()["clients"] == 0)


def test_no_descriptors_left(make):
    s = make(scan_workers=1).start(limit=60)
    clients = [connect(s) for _ in range(100)]
    s.wait_log("no descriptor left to accept one")
    fd = memfd(TEXT)
    socket.send_fds(clients[0], [request(len(TEXT))], [fd])
    os.close(fd)
    try:  # told, or the connection is closed: never a wrong answer
        answer = clients[0].recv(300)
        assert answer == b"" or parse(answer)[1] in "CF"
    except ConnectionResetError:
        pass
    for c in clients:
        c.close()
    wait_for(lambda: s.ask(EICAR)[0][0] == "infected")


def test_end(make):
    """SIGTERM, sent to all as a service manager does: what has begun is
    answered."""
    s = make(scan_workers=1).start()
    worker, = s.workers()
    engine, master = s.engine, s.process.pid
    with concurrent.futures.ThreadPoolExecutor() as pool:
        os.kill(worker, signal.SIGSTOP)
        asked = busy_asking(pool, s, EICAR)
        for pid in (master, engine, worker):
            os.kill(pid, signal.SIGTERM)
        s.wait_log("SIGTERM: ending")
        os.kill(worker, signal.SIGCONT)
        assert asked.result(20)[1] == "I"
    assert s.process.popen.wait(20) == 0
    assert not list(s.temporary.iterdir())


def test_configuration(make):
    s = make()
    s.parameters["scan_listen"] = "inet:127.0.0.1:3310"
    done = run([BUILD / "postern-scan", "-t", "-f", s.write_config()],
               check=False)
    assert done.returncode == 78
    assert "scan_listen: one Unix-domain socket only" in done.stderr
    # A directory that others may look into is not taken.
    s.parameters["scan_listen"] = f"unix:{s.sock}"
    s.temporary.mkdir(mode=0o777)
    s.temporary.chmod(0o777)
    done = run([BUILD / "postern-scan", "-F", "-f", s.write_config()],
               check=False)
    assert done.returncode == 77
    assert "not a directory of scan_user alone" in done.stderr


@pytest.fixture
def clamd(folder):
    if not shutil.which("clamd"):
        raise Missing("clamd is not here")
    signatures(folder / "db")
    with socket.socket() as s:  # a port that is free
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    sock = folder / "clamd.sock"
    config = write(folder / "clamd.conf", f"""LocalSocket {sock}
TCPSocket {port}
TCPAddr 127.0.0.1
DatabaseDirectory {folder}/db
TemporaryDirectory {folder}
Foreground yes
StreamMaxLength 1M
MaxFiles 10
AlertExceedsMax yes
LogFile {folder}/clamd.out
""")
    p = Process("clamd", ["clamd", f"--config-file={config}"],
                folder / "clamd.log")
    p.wait_ready(lambda: connectable(sock) and
                 connectable(("127.0.0.1", port)), 60)
    yield sock, port, p
    p.stop()


@pytest.mark.parametrize("kind", ["unix", "inet"])
def test_clamd(folder, clamd, kind):
    sock, port, process = clamd
    s = Scanner(folder)
    s.address = f"clamd:unix:{sock}" if kind == "unix" else \
        f"clamd:inet:127.0.0.1:{port}"
    files = attach(zipped(*(os.urandom(20) for _ in range(50))))
    large = TEXT + os.urandom(4 << 20)
    answers = s.ask(EICAR, TEXT, attach(zipped(EICAR)), files, large)
    assert answers[:4] == [
        ("infected", "Own.Eicar.UNOFFICIAL"), ("clean", ""),
        ("infected", "Own.Eicar.UNOFFICIAL"),
        ("unscannable", "Heuristics.Limits.Exceeded.MaxFiles")]
    if kind == "inet":
        assert answers[4] == ("unscannable", "INSTREAM size limit exceeded.")
    else:
        assert answers[4] == ("clean", "")
    assert s.ask(EICAR, TEXT, threads=8, count=5).count(("clean", "")) == 40
    process.stop()
    assert s.ask(TEXT) == [("failed", "backend unavailable")]


def test_client_reconnects(make):
    """Connections that the milter keeps are of no use after a restart; that
    costs no message."""
    s = make().start()
    first = TEXT + b"first"
    paths = [s.folder / "a"]
    paths[0].write_bytes(first)
    asking = subprocess.Popen(
        [BUILD / "tests/service/scan_ask", s.address, "30", "1", "1", *paths,
         "-", *paths], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True)
    assert asking.stdout.readline().startswith("clean ")
    s.stop()
    s.start()
    asking.stdin.write("\n")
    asking.stdin.close()
    assert asking.stdout.readline().startswith("clean ")
    assert asking.wait(30) == 0
    asking.stdout.close()
