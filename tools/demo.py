# SPDX-License-Identifier: BSD-2-Clause
"""The demonstration: the story of tests/system/harness/story.py, told."""
import argparse
import pathlib
import select
import signal
import socket
import sys
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests" / "system"))

from harness import story  # noqa: E402
from harness.environment import Environment  # noqa: E402


class Door:
    """A port of this machine's loopback that leads into the demonstration's
    own network.  Its socket is made before we go there."""

    def __init__(self, inner):
        self.inner = inner
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def open(self):
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            outside, _ = self.listener.accept()
            threading.Thread(target=self._relay, args=(outside,),
                             daemon=True).start()

    def _relay(self, outside):
        try:
            with outside, socket.create_connection(self.inner) as inside:
                other = {outside: inside, inside: outside}
                while True:
                    for s in select.select(list(other), [], [])[0]:
                        octets = s.recv(65536)
                        if not octets:
                            return
                        other[s].sendall(octets)
        except OSError:
            pass


def tell(env):
    steps = story.Story(env).steps()
    for number, (title, step) in enumerate(steps, 1):
        print(f"{number:2}. {title}", flush=True)
        print(f"    {step()}", flush=True)
    print("each step was seen", flush=True)


def stay(env, api, smtp):
    api.open()
    smtp.open()
    destinations = ", ".join(sorted(env.receivers))
    print(f"""
It stays up until Ctrl-C.  Folder: {env.folder}
  API   http://127.0.0.1:{api.port}/v1/  user {story.API_USER}\
  key {story.API_KEY}
        curl -u {story.API_USER}:{story.API_KEY} \
http://127.0.0.1:{api.port}/v1/events
  SMTP  127.0.0.1:{smtp.port}, from {story.SENDER}, to any mailbox of
        {destinations}
        ({story.Story.FULL} is full, throttle.test is busy)
  CLI   {env.daemons.config}: postern -f that file
  logs  {env.logs}""", flush=True)
    while True:
        time.sleep(3600)


def main():
    options = argparse.ArgumentParser(
        prog="tools/demo", description="See Postern at work.")
    options.add_argument("--once", action="store_true",
                         help="end after the story")
    once = options.parse_args().once
    # Also where a shell has started us with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    api, smtp = Door(("127.0.0.1", 8024)), Door(("127.0.0.1", 25))
    env = Environment()
    told = False
    try:
        print("starting Redis, DNS, receiving side, daemons and Postfix in "
              f"{env.folder}", flush=True)
        env.start_stack()
        tell(env)
        told = True
        if not once:
            stay(env, api, smtp)
    except AssertionError as failure:
        print(f"    NOT SEEN: {failure}\nlogs: {env.logs}", flush=True)
        return 1
    except KeyboardInterrupt:
        print("\nending", flush=True)
    finally:
        env.stop()
    env.remove()
    return 0 if told else 130


sys.exit(main())
