# SPDX-License-Identifier: BSD-2-Clause
"""The four daemons with a generated postern.conf, the command line and the
API's client."""
import base64
import json
import os
import urllib.error
import urllib.parse
import urllib.request

from .util import (BUILD, LEAKS, Missing, Process, connectable, run,
                   wait_for, write)


def program(name):
    path = BUILD / name
    if not path.exists():
        raise Missing(f"{name} is not built in {BUILD}")
    return path


class Daemon:
    def __init__(self, name, config, log, sockets):
        self.name, self.config, self.log = name, config, log
        self.sockets = sockets
        self.process = None
        self.resolv = None  # a file in the place of /etc/resolv.conf
        self.before = []  # words before the program's

    def start(self):
        self.process = Process(
            f"postern-{self.name}",
            [*self.before, *self._with_resolv(),
             program(f"postern-{self.name}"), "-F", "-f", self.config],
            self.log)
        self.process.wait_ready(
            lambda: all(connectable(s) for s in self.sockets))

    def _with_resolv(self):
        if not self.resolv:
            return []
        return ["unshare", "-m", "sh", "-c",
                'mount --bind "$0" /etc/resolv.conf && exec "$@"',
                self.resolv]

    def stop(self):
        if self.process:
            status = self.process.stop()
            self.process = None
            return status
        return 0

    def kill(self):
        """kill -9; start() brings it back."""
        self.process.kill()
        self.process = None

    def restart(self):
        self.stop()
        self.start()

    @property
    def text(self):
        """Its log so far."""
        return self.log.read_text(errors="replace")


class Daemons:
    """postern.conf, and the daemons that a test has started."""

    NAMES = ("policyd", "milter", "bounced", "apid")

    def __init__(self, env):
        self.env = env
        self.config = env.folder / "etc" / "postern.conf"
        sockets = env.postfix.queue / "postern"
        self.api_address = ("127.0.0.1", 8024)
        self.parameters = {
            "host_name": "mta1",
            "user": "nobody",
            "socket_group": "postfix",
            "state_directory": env.folder / "state",
            "master_key_file": env.folder / "etc" / "master.key",
            "log_target": "stderr",
            "log_level": "info",
            "redis": f"unix:{env.redis.socket}",
            # Not 200 ms: a busy machine is no outage of Redis.
            "redis_timeout": "1s",
            "policyd_timeout": "3s",
            "policyd_listen": f"unix:{sockets}/policyd.sock",
            "policyd_auth_listen": f"unix:{sockets}/auth.sock",
            "policyd_map_listen": f"unix:{sockets}/map.sock",
            "dns_servers": "127.0.0.1",
            "provider_file": "",
            "milter_listen": f"unix:{sockets}/milter.sock",
            "bounced_listen": f"unix:{sockets}/bounced.sock",
            "apid_listen": "inet:%s:%d" % self.api_address,
            "maillog": env.postfix.log,
            "maillog_names": "postfix",
            "webhook_private_addresses": "yes",
            "postfix_config_directory": env.postfix.config,
            "queue_helper_program": BUILD / "postern-queue-helper",
        }
        if LEAKS:
            self.parameters["user"] = ""
        self.of = {}
        for name in self.NAMES:
            where = [sockets / f"{name}.sock"]
            if name == "apid":
                where = [self.api_address]
            if name == "policyd":
                where.append(sockets / "map.sock")
            self.of[name] = Daemon(name, self.config,
                                   env.logs / f"{name}.log", where)

    def __getattr__(self, name):
        if name in self.NAMES:
            return self.of[name]
        raise AttributeError(name)

    def prepare(self):
        """postern.conf, folders, master key."""
        env = self.env
        state = env.folder / "state"
        state.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            import pwd
            nobody = pwd.getpwnam("nobody")
            os.chown(state, nobody.pw_uid, nobody.pw_gid)
        (env.postfix.queue / "postern").mkdir(mode=0o755, parents=True,
                                              exist_ok=True)
        self.write_config()

    def write_config(self):
        write(self.config, "".join(
            f"{k} = {v}\n" for k, v in self.parameters.items()))

    def start(self, *names):
        for name in names or self.NAMES:
            self.of[name].start()

    def stop(self):
        for name in reversed(self.NAMES):
            self.of[name].stop()


class Cli:
    """postern(1)."""

    def __init__(self, config):
        self.config = config

    def run(self, *argv, check=True, input=None, timeout=60):
        done = run([program("postern"), "-f", self.config, *argv],
                   check=False, input=input, timeout=timeout)
        if "no command" in done.stderr:
            raise Missing(f"postern {argv[0]} is not built")
        if check and done.returncode != 0:
            raise AssertionError(f"postern {argv}: {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def json(self, *argv, **kw):
        return json.loads(self.run(*argv, **kw).stdout)


class Api:
    """The REST API.  Paths are given with their addresses unescaped:
    api.get("/v1/blocks/", "a/b@example.test")."""

    def __init__(self, address, user=None, key=None):
        self.base = "http://%s:%d" % address
        self.user, self.key = user, key

    def request(self, method, path, *tail, body=None, headers=None, **query):
        """(status, decoded JSON or octets, headers)."""
        url = self.base + path + "".join(
            urllib.parse.quote(t, safe="@") for t in tail)
        if query:
            url += "?" + urllib.parse.urlencode(query)
        r = urllib.request.Request(url, method=method)
        if self.user:
            pair = f"{self.user}:{self.key}".encode()
            r.add_header("Authorization",
                         "Basic " + base64.b64encode(pair).decode())
        if body is not None:
            r.add_header("Content-Type", "application/json")
            r.data = json.dumps(body).encode()
        for k, v in (headers or {}).items():
            r.add_header(k, v)
        try:
            with urllib.request.urlopen(r, timeout=30) as answer:
                status, text, got = answer.status, answer.read(), \
                    answer.headers
        except urllib.error.HTTPError as e:
            status, text, got = e.code, e.read(), e.headers
        if "json" in (got.get("content-type") or "") and text:
            text = json.loads(text)
        return status, text, got

    def get(self, path, *tail, **query):
        return self.request("GET", path, *tail, **query)[:2]

    def post(self, path, *tail, body=None):
        return self.request("POST", path, *tail, body=body)[:2]

    def put(self, path, *tail, body=None):
        return self.request("PUT", path, *tail, body=body)[:2]

    def delete(self, path, *tail):
        return self.request("DELETE", path, *tail)[:2]

    def _page(self, path, query):
        answer = self.get(path, **query)
        return answer if answer[0] != 503 else None

    def all(self, path, **query):
        """Every record of a list, page by page.  503, "try again", is
        tried again, as every client should."""
        records = []
        while True:
            status, page = wait_for(lambda: self._page(path, query), 30,
                                    f"{path} answers")
            assert status == 200, (status, page)
            records += page["data"]
            if not page["has_more"]:
                return records
            query["cursor"] = page["next_cursor"]
