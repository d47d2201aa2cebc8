#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The daemons' skeleton, seen from outside: options, reload, signals,
systemd's protocol, privileges and sandbox.  Prints TAP."""
import os
import pwd
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

TINY = os.path.abspath("tests/service/tiny")
DEADLINE = 20
ROOT = os.geteuid() == 0
SANDBOX = b"seccomp" in subprocess.run([TINY, "-V"], capture_output=True).stdout


class Skip(Exception):
    pass


class Daemon:
    """One tiny daemon in a folder of its own, which logs to a file."""

    def __init__(self, words="", text="", env=None, args=(), user=""):
        self.folder = tempfile.TemporaryDirectory(prefix="test_service.")
        self.dir = self.folder.name
        if user:
            os.chmod(self.dir, 0o755)
        self.config = self.dir + "/postern.conf"
        self.log = self.dir + "/log"
        self.base = (
            f"user = {user}\nsocket_group =\nlog_target = {self.log}\n"
            f"policyd_listen = unix:{self.dir}/sub/s.sock\n"
        )
        self.write(text)
        # The notification socket, as systemd makes it.
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.dir + "/notify")
        os.chmod(self.dir + "/notify", 0o777)
        environment = dict(os.environ, TINY=words,
                           NOTIFY_SOCKET=self.dir + "/notify", **(env or {}))
        self.process = subprocess.Popen(
            [TINY, "-f", self.config, *args], env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.notify.close()
        self.folder.cleanup()

    def write(self, text):
        with open(self.config, "w") as f:
            f.write(self.base + text)

    def logged(self):
        try:
            with open(self.log) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def told(self, want):
        """Wait until systemd would have heard this; all messages so far."""
        seen, end = [], time.monotonic() + DEADLINE
        while not any(want in m for m in seen):
            left = end - time.monotonic()
            ready = select.select([self.notify], [], [], max(left, 0))[0]
            assert ready, f"no {want}: {seen}\n{self.logged()}"
            seen.append(self.notify.recv(4096).decode())
        return seen

    def wait_log(self, want, count=1):
        end = time.monotonic() + DEADLINE
        while self.logged().count(want) < count:
            assert time.monotonic() < end, f"no {want!r}:\n{self.logged()}"
            time.sleep(0.01)

    def ready(self):
        self.told("READY=1")
        return self

    def kill(self, number):
        self.process.send_signal(number)

    def status(self):
        return self.process.wait(DEADLINE)


def run(*args):
    return subprocess.run([TINY, *args], capture_output=True, text=True,
                          timeout=DEADLINE)


def test_options():
    assert run("--help").returncode == 0
    assert "a daemon for tests" in run("-h").stdout
    assert run("-V").stdout.startswith("postern-tiny ")
    assert run("-y").returncode == 64
    assert run("word").returncode == 64
    assert run("-x", "nothing").returncode == 64
    assert run("-x", "fruit").stdout == "pear\n"
    assert ".It Ic redis_timeout\n" in run("-x", "params").stdout


def test_check_config():
    with tempfile.NamedTemporaryFile("w") as f:
        f.write("redis_database = x\nuser = a\n bad line\nnothing\n")
        f.flush()
        r = run("-t", "-f", f.name)
        assert r.returncode == 78, r
        assert f"postern-tiny: {f.name}:1: redis_database: " in r.stderr, r
        assert f"{f.name}:4: " in r.stderr, r
        f.seek(0)
        f.truncate()
        f.write("redis_database = 3\nredis_timeout = 200ms\n")
        f.flush()
        assert run("-t", "-f", f.name).returncode == 0
        r = run("-n", "-f", f.name)
        assert r.stdout == "redis_database = 3\n", r
    assert run("-t", "-f", "/nonexistent").returncode == 78


def test_life():
    with Daemon() as d:
        d.ready()
        path = d.dir + "/sub/s.sock"
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        s.close()
        d.kill(signal.SIGTERM)
        assert d.status() == 0
        assert any("STOPPING=1" in m for m in d.told("STOPPING"))
        assert not os.path.exists(path)
        log = d.logged()
        for line in ("ready", "SIGTERM: ending", "stopped", "ended"):
            assert f"postern/tiny[{d.process.pid}]: {line}\n" in log, log


def test_failures():
    for word, status, text in (
            ("noopen", 69, "error: could not start: changed by"),
            ("nostart", 69, "error: could not start: backend"),
            ("quit", 70, "error: the service ended by itself")):
        with Daemon(word) as d:
            assert d.status() == status, (word, d.status())
            assert text in d.logged(), d.logged()
            assert ": stopped\n" in d.logged()
    with Daemon(text="log_target = /nonexistent/log\n") as d:
        assert d.status() == 78
    with Daemon() as d:
        d.ready()
        with Daemon(args=("-f", d.config)) as second:
            assert second.status() == 69
            d.wait_log("another process listens there")


def test_foreground_log():
    with Daemon(args=("-F", "-f", "/dev/null")) as d:
        err = d.process.stderr.readline().decode()
        assert err.startswith("postern/tiny["), err


def test_reload():
    with Daemon() as d:
        d.ready()
        d.write("policyd_max_clients = 7\nredis = inet:127.0.0.1:1\n"
                "log_level = debug\n")
        d.kill(signal.SIGHUP)
        d.wait_log("reload: done")
        seen = d.told("READY=1")
        assert any(m.startswith("RELOADING=1\nMONOTONIC_USEC=")
                   for m in seen), seen
        log = d.logged()
        assert "warning: redis: takes effect at the next start" in log
        # What can not change is still what it was.
        assert "reloaded, redis=unix:/run/redis/" in log, log
        assert "clients=7" in log, log

        d.write("policyd_max_clients = 0\nnonsense = 1\n")
        d.kill(signal.SIGHUP)
        d.wait_log("the old configuration stays")
        log = d.logged()
        assert ":5: policyd_max_clients: \"0\" is not" in log, log
        assert ":6: nonsense: no such parameter" in log, log
        assert log.count("reloaded") == 1
        d.kill(signal.SIGTERM)
        assert d.status() == 0
    with Daemon("refuse") as d:
        d.ready()
        d.kill(signal.SIGHUP)
        d.wait_log("reload: backend unavailable; the old config")
        d.kill(signal.SIGTERM)
        assert d.status() == 0


def test_log_rotation():
    with Daemon() as d:
        d.ready()
        os.rename(d.log, d.log + ".1")
        d.kill(signal.SIGHUP)
        d.wait_log("reload: done")


def test_drain():
    with Daemon("busy", "drain_timeout = 300ms\n") as d:
        d.ready()
        d.kill(signal.SIGTERM)
        assert d.status() == 0
        assert "drain_timeout: 3 clients are cut off" in d.logged()
        assert ": stopped\n" in d.logged()
    with Daemon("busy", "drain_timeout = 10m\n") as d:
        d.ready()
        d.kill(signal.SIGTERM)
        d.wait_log("SIGTERM: ending")
        d.kill(signal.SIGTERM)
        assert d.status() == 0
        assert "SIGTERM again: ending at once" in d.logged()


def test_run():
    with Daemon("run") as d:
        d.ready()
        for _ in range(100):  # several at once: the kernel looks for threads
            d.kill(signal.SIGHUP)
            d.kill(signal.SIGUSR1)
        d.wait_log("reload: done")
        assert "stolen" not in d.logged(), d.logged()
        d.kill(signal.SIGINT)
        assert d.status() == 0
        assert ": stopped\n" in d.logged()
    with Daemon("run busy", "drain_timeout = 200ms\n") as d:
        d.ready()
        d.kill(signal.SIGTERM)
        assert d.status() == 0
        assert "ended with work left over" in d.logged()


def test_watchdog():
    with Daemon(env={"WATCHDOG_USEC": "100000"}) as d:
        seen = d.ready().told("WATCHDOG=1")
        d.told("WATCHDOG=1")
        assert seen
        assert d.process.poll() is None


def test_state_and_limits():
    with Daemon() as d:
        d.ready()
        d.kill(signal.SIGUSR1)
        d.wait_log("state, core=0, dumpable=0, new_privileges=")
        d.wait_log("umask=77")
        d.wait_log("thread=1, directory=1, file=1")
        d.kill(signal.SIGTERM)
        assert d.status() == 0


def test_user():
    if not ROOT:
        raise Skip("only root can become another user")
    nobody = pwd.getpwnam("nobody")
    with Daemon(user="nobody") as d:
        d.ready()
        d.wait_log(f"user={nobody.pw_uid}, group={nobody.pw_gid}, ")
        with open(f"/proc/{d.process.pid}/status") as f:
            status = f.read()
        uid = str(nobody.pw_uid)
        assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n" in status, status
        assert "CapEff:\t0000000000000000\n" in status
        assert "NoNewPrivs:\t1\n" in status
        d.kill(signal.SIGTERM)
        assert d.status() == 0
    with Daemon(text="", user="no-such-user") as d:
        assert d.status() == 78
        assert "user no-such-user: no such user" in d.logged()


def test_sandbox():
    if not SANDBOX:
        raise Skip("built without a sandbox")
    with Daemon("exec") as d:
        d.ready()
        d.kill(signal.SIGUSR1)
        assert d.status() == -signal.SIGSYS, d.status()
    with Daemon("fork") as d:
        d.ready()
        d.kill(signal.SIGUSR1)
        d.wait_log("fork: Operation not permitted")
    with Daemon("fork", "sandbox = no\n") as d:
        d.ready()
        d.kill(signal.SIGUSR1)
        d.wait_log("fork: worked")


def test_background():
    with Daemon(args=("-d",)) as d:
        assert d.status() == 0  # the parent; its sockets are open
        seen = d.told("READY=1")
        assert seen
        pid = int(d.logged().split("postern/tiny[")[1].split("]")[0])
        assert pid != d.process.pid
        os.kill(pid, signal.SIGTERM)
        d.wait_log(": ended\n")


def test_socket_activation():
    """systemd passes a listening socket as descriptor 3."""
    with tempfile.TemporaryDirectory(prefix="test_service.") as folder:
        path = folder + "/s.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        inode = os.stat(path).st_ino
        with open(folder + "/conf", "w") as f:
            f.write(f"user =\nsocket_group =\npolicyd_listen = unix:{path}\n")
        p = subprocess.Popen(
            ["sh", "-c", f"LISTEN_FDS=1 LISTEN_PID=$$ exec {TINY} -F -f "
             f"{folder}/conf 3<&{listener.fileno()}"],
            pass_fds=[listener.fileno()], stderr=subprocess.PIPE)
        lines = iter(lambda: p.stderr.readline().decode(), "")
        try:
            assert any("]: ready" in line for line in lines)
        finally:
            p.send_signal(signal.SIGTERM)
        assert p.wait(DEADLINE) == 0
        assert os.stat(path).st_ino == inode  # not ours to remove
        p.stderr.close()
        listener.close()


def test_descriptors():
    r, w = os.pipe()
    os.set_inheritable(w, True)
    p = subprocess.Popen([TINY, "-F", "-f", "/dev/null"], close_fds=False,
                         env=dict(os.environ, TINY="noopen"),
                         stderr=subprocess.DEVNULL)
    os.close(w)
    assert os.read(r, 1) == b""  # the daemon has closed its copy
    os.close(r)
    p.wait(DEADLINE)


def main():
    tests = [(n, f) for n, f in sorted(globals().items())
             if n.startswith("test_")]
    bad = 0
    for i, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {i} - {name}", flush=True)
        except Skip as why:
            print(f"ok {i} - {name} # SKIP {why}", flush=True)
        except Exception:
            bad += 1
            for line in traceback.format_exc().splitlines():
                print("#", line)
            print(f"not ok {i} - {name}", flush=True)
    print(f"1..{len(tests)}")
    sys.exit(bad > 0)


main()
