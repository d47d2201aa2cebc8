# SPDX-License-Identifier: BSD-2-Clause
"""The pace of deliveries: a real Postfix asks policyd after each attempt; what
the receiving side sees is what counts."""
import re
import secrets
import statistics
import threading
import time

from harness.daemons import Daemon
from harness.internet import Internet, Provider, domains
from harness.util import wait_for, write

MAP = "socketmap:unix:postern/map.sock"


def shaping_filter(name, stem, **more):
    return {"name": name, "patterns": [rf".*@{stem}\d*\.test"], **more}


def shaping(*filters, mode="enforce"):
    return {"tenants": [],
            "shaping": {"mode": mode, "providers": False,
                        "filters": list(filters)}}


def service(name, connections, master):
    """A transport as a filter's: its own processes, asking for its pace."""
    with open(master, "a", encoding="utf-8") as out:
        out.write(f"pn-{name} unix - - y - {connections} smtp\n"
                  f"  -o smtp_delivery_status_filter={MAP}:pace-{name}\n"
                  f"  -o syslog_name=postfix/pn-{name}\n")


def inject(env, recipients, sender="news@shop.test", clients=3):
    """One message for each recipient, over a few sessions."""
    queue = list(reversed(recipients))
    text = (b"From: news@shop.test\r\nSubject: hello\r\n\r\n"
            b"A few words.\r\n")
    failures = []

    def client():
        try:
            with env.postfix.smtp() as c:
                while True:
                    try:
                        to = queue.pop()
                    except IndexError:
                        return
                    c.sendmail(sender, [to] if isinstance(to, str) else to,
                               text)
        except Exception as e:  # told by the test's own thread
            failures.append(e)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures


class Shaped:
    """Postfix with transports of filters, and policyd behind them."""

    def __init__(self, env, providers):
        self.env = env
        self.net = Internet(env, providers)
        self.net.zones()
        env.postfix.main.update({
            "minimal_backoff_time": "15s", "maximal_backoff_time": "30s",
            "queue_run_delay": "5s",
            "default_destination_concurrency_limit": "20",
            "initial_destination_concurrency": "20",
        })
        env.start_base()
        write(env.folder / "etc" / "master.key",
              secrets.token_hex(32) + "\n", 0o600)
        self.policyd = env.daemons.policyd

    def route(self, filters, connections):
        """What transport_maps would say; filter -> stem of its domains."""
        lines = []
        for p in self.net.providers:
            for name, stem in filters.items():
                if p.domains[0].startswith(stem):
                    lines += [f"{d} pn-{name}:" for d in p.domains]
        path = write(self.env.postfix.config / "transport",
                     "\n".join(lines) + "\n")
        self.env.postfix.postconf(f"transport_maps=texthash:{path}")
        for name in filters:
            service(name, connections[name],
                    self.env.postfix.config / "master.cf")

    def start_policyd(self, document, **parameters):
        self.env.daemons.parameters.update(parameters)
        self.env.daemons.write_config()
        self.env.apply("_global", document)
        self.policyd.start()
        wait_for(lambda: "redis: connected" in self.policyd.text and
                 "in operation" in self.policyd.text)

    def state(self, name):
        """The hash of a filter's pace, numbers as numbers."""
        h = self.env.redis.client().hgetall("pn:sp:{pace:%s}" % name)
        return {k: int(v) if v.isdigit() else v for k, v in h.items()}

    def took(self, run, name, count, seconds=60):
        wait_for(lambda: self.net.lines(run, name, "took") >= count, seconds,
                 f"{name} took {count}")
        return self.net.traffic(run, name)

    def stop(self):
        self.net.stop()


def gaps(times):
    return [b - a for a, b in zip(times, times[1:])]


def test_one_message_each_interval(env):
    """20 connections with 300 ms, over two policyd processes: one message
    each 300 ms; what came at once in the beginning is made up for."""
    s = Shaped(env, [Provider("big", "127.0.2.1", domains("big", 40))])
    s.route({"big": "big"}, {"big": 20})
    second = env.postfix.queue / "postern2"
    try:
        s.net.start("run")
        s.start_policyd(shaping(shaping_filter(
            "big", "big", connections=20, interval_ms=300)))
        # A second daemon, as another host's; half of the domains ask it.
        second.mkdir()
        parameters = dict(env.daemons.parameters)
        parameters.update({
            "host_name": "mta2",
            "state_directory": env.folder / "state2",
            "policyd_listen": f"unix:{second}/policyd.sock",
            "policyd_map_listen": f"unix:{second}/map.sock"})
        state = env.folder / "state2"
        state.mkdir(mode=0o777)
        state.chmod(0o777)
        config = write(env.folder / "etc" / "two.conf", "".join(
            f"{k} = {v}\n" for k, v in parameters.items()))
        other = Daemon("policyd", config, env.logs / "two.log",
                       [second / "map.sock"])
        other.start()
        with open(env.postfix.config / "master.cf", "a",
                  encoding="utf-8") as out:
            out.write("pn-two unix - - y - 10 smtp\n  -o smtp_delivery_status_"
                      "filter=socketmap:unix:postern2/map.sock:pace-big\n")
        text = (env.postfix.config / "master.cf").read_text()
        write(env.postfix.config / "master.cf",
              text.replace("pn-big unix - - y - 20", "pn-big unix - - y - 10"))
        path = env.postfix.config / "transport"
        lines = path.read_text().splitlines()
        for i in range(0, len(lines), 2):
            lines[i] = lines[i].replace("pn-big:", "pn-two:")
        path.write_text("\n".join(lines) + "\n")
        env.postfix.start()
        inject(env, [f"a{i}@big{i % 40}.test" for i in range(140)])
        seen = s.took("run", "big", 110, 90)
        times = seen.times("took")[:110]
        # The first ones of all connections, and then their making up.
        assert seen.peak_sessions <= 20
        whole = (times[-1] - times[0]) / (len(times) - 1)
        steady = gaps(times[45:])
        mean = statistics.mean(steady)
        print("mean", mean, "whole", whole, "min", min(steady), "max",
              max(steady))
        assert 0.285 <= mean <= 0.315, (mean, steady)
        assert 0.285 <= whole <= 0.315, whole
        other.stop()
    finally:
        s.stop()
