# SPDX-License-Identifier: BSD-2-Clause
"""The private Redis: unix socket only, persistence as Postern wants it."""
import signal

import redis

from .util import Process, write


class Redis:
    def __init__(self, folder, log):
        self.folder, self.log = folder, log
        self.socket = folder / "redis.sock"
        self.password = None  # of the user "default"
        self.process = None

    def start(self):
        self.folder.mkdir(exist_ok=True)
        conf = write(self.folder / "redis.conf", "\n".join([
            "port 0", f"unixsocket {self.socket}", "unixsocketperm 777",
            f"dir {self.folder}", "appendonly yes", "appendfsync everysec",
            "maxmemory-policy noeviction", 'save ""', "daemonize no",
            "loglevel notice",
            *([f"requirepass {self.password}"] if self.password else []),
        ]) + "\n")
        self.process = Process("redis-server", ["redis-server", conf],
                               self.log)
        self.process.wait_ready(self.ready)

    def ready(self):
        try:
            return self.client().ping()
        except redis.exceptions.RedisError:
            return False

    def client(self):
        return redis.Redis(unix_socket_path=str(self.socket),
                           password=self.password, decode_responses=True)

    def stop(self):
        """As an administrator stops it: what it has is on disk."""
        if self.process:
            self.process.stop()
            self.process = None

    def hang(self):
        """It takes connections and commands, and answers nothing."""
        self.process.signal(signal.SIGSTOP)

    def go_on(self):
        self.process.signal(signal.SIGCONT)

    def fill(self):
        """No room: it refuses whatever may need more memory."""
        self.client().config_set("maxmemory", 1)

    def make_room(self):
        self.client().config_set("maxmemory", 0)

    def kill(self):
        self.process.kill()
        self.process = None
