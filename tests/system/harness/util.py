# SPDX-License-Identifier: BSD-2-Clause
"""Waiting with a deadline, child processes that are ended by their id, and
the private network namespace that each environment lives in."""
import ctypes
import fcntl
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("POSTERN_BUILD", TOP / "build"))
# Look for leaks when a daemon ends.
LEAKS = os.environ.get("POSTERN_LEAKS", "") == "1"

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


class Missing(Exception):
    """A program or a right that the test needs is not there."""


def without_ref(data):
    """A message without the name of the field that each one leaves with."""
    return data.replace(b"X-Postern-Ref:", b"")


def wait_for(predicate, seconds=15, what=None):
    """The first true value of predicate(); AssertionError at the deadline."""
    end = time.monotonic() + seconds
    pause = 0.002
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            what = what or getattr(predicate, "__name__", "condition")
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def new_network():
    """Move this thread, and what it starts from now on, to an empty network:
    127.0.0.0/8 only, with every port free."""
    if libc.unshare(CLONE_NEWNET) != 0:
        raise Missing("no network namespace: " +
                      os.strerror(ctypes.get_errno()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        up = struct.pack("16sH14x", b"lo", 1)  # IFF_UP
        fcntl.ioctl(s, SIOCSIFFLAGS, up)


def write(path, text, mode=0o644):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def run(argv, timeout=60, check=True, **kwargs):
    done = subprocess.run([str(a) for a in argv], timeout=timeout,
                          capture_output=True, text=True, **kwargs)
    if check and done.returncode != 0:
        raise AssertionError(f"{argv}: exit status {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
    return done


def connectable(address):
    """A path, or (host, port)."""
    family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
    with socket.socket(family) as s:
        s.settimeout(2)
        try:
            s.connect(address if family == socket.AF_INET else str(address))
            return True
        except OSError:
            return False


def _die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A child in the foreground, in a session of its own, its output in a
    file; it dies with us whatever happens."""

    def __init__(self, name, argv, log, env=None, cwd="/"):
        self.name, self.log = name, pathlib.Path(log)
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(
                [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, cwd=cwd, env={**os.environ, **(env or {})},
                start_new_session=True, preexec_fn=_die_with_parent)

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def wait_ready(self, predicate, seconds=20):
        def ready():
            if not self.alive():
                raise AssertionError(
                    f"{self.name} ended with status {self.popen.returncode}:"
                    f"\n{self.log.read_text(errors='replace')[-3000:]}")
            return predicate()
        return wait_for(ready, seconds, f"{self.name} is ready")

    def signal(self, number):
        self.popen.send_signal(number)

    def stop(self, seconds=15):
        """SIGTERM, then SIGKILL; the exit status."""
        if self.alive():
            self.popen.terminate()
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        return self.popen.wait(seconds)

    def kill(self):
        self.popen.kill()
        return self.popen.wait(15)
