# SPDX-License-Identifier: BSD-2-Clause
"""Postfix with the transports of shaping filters before a simulated internet;
and one such internet, with and without Postern."""
import secrets
import threading
import time

from .internet import Internet, Provider, domains
from .socketmap import Socketmap
from .util import wait_for, write

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
                  "  -o smtp_skip_quit_response=no\n"
                  "  -o smtp_connection_cache_destinations=static:all\n"
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


# Three providers, as strict as real ones, and many that are not.
GOOG = Provider("goog", "127.0.2.1", domains("goog", 90), sessions=6, rate=20,
                greeting="421 4.7.0 Try again later, closing connection. "
                "too many connections - gsmtp",
                reply="421-4.7.28 Our system has detected an unusual rate of "
                "unsolicited mail.\r\n421 4.7.28 - gsmtp")
MICRO = Provider("micro", "127.0.2.2", domains("micro", 60), sessions=5,
                 rate=10,
                 greeting="421 4.3.2 The maximum number of concurrent "
                 "connections has exceeded a limit, closing transmission "
                 "channel",
                 reply="451 4.7.500 Server busy. Please try again later from "
                 "[127.0.0.1]. (S77719)")
YAH = Provider("yah", "127.0.2.3", domains("yah", 60), sessions=5, rate=16,
               reply="421 4.7.0 [TSS04] Messages from 127.0.0.1 temporarily "
               "deferred due to unexpected volume, try again in 3 seconds",
               # For a while it wants much less.
               tempers=[[8, 9.5, 3, "451 4.7.1 too many messages from your "
                         "address, slow down"]])
OTHERS = [Provider(f"other{i}", f"127.0.3.{i + 1}", [f"other{i}.test"])
          for i in range(20)]
LIMITED = (GOOG, MICRO, YAH)
FILTERS = [
    {"name": p.name, "host_name": True, "patterns": [rf"mx\.{p.name}\.test"],
     "connections": p.sessions, "interval_ms": -(-1000 // int(p.rate))}
    for p in LIMITED]


def newsletter(seconds):
    """As many for each provider as it takes in so many seconds."""
    to = []
    for p in LIMITED:
        to += [f"u{i}@{p.domains[i % len(p.domains)]}"
               for i in range(int(p.rate * seconds))]
    for p in OTHERS:
        to += [f"u{i}@{p.domains[0]}" for i in range(15)]
    # Mixed, the same each time.
    to.sort(key=lambda a: hash_of(a))
    return to


def hash_of(text):
    h = 0
    for c in text.encode():
        h = (h * 31 + c) % 1000003
    return h


def send_all(s, run, to):
    """Sends it in; how much longer than that it takes until all others have
    theirs, as a factor: what does not depend on how busy the machine is."""
    began = time.time()
    inject(s.env, to)
    injected = time.time()
    wait_for(lambda: sum(s.net.lines(run, p.name, "took") for p in OTHERS) >=
             15 * len(OTHERS), 60, "the others have theirs")
    last = max(s.net.traffic(run, p.name).times("took")[-1] for p in OTHERS)
    print(run, "sent in", injected - began, "others", last - began)
    return max(last - began, injected - began) / (injected - began)


def watch_paces(s, rows, over):
    """The state over time: filter -> (s, interval in ms)."""
    while not over.is_set():
        for p in LIMITED:
            rows[p.name].append((time.time(),
                                 s.state(p.name).get("i", 0) / 1000))
        over.wait(0.1)


def with_postfix_alone(s, to, until=lambda: True):
    env = s.env
    s.net.start("alone")
    env.postfix.start()
    others = send_all(s, "alone", to)
    wait_for(until, 600)
    env.postfix.stop()
    s.net.stop()
    for name in ("incoming", "active", "deferred", "defer"):
        for path in (env.postfix.queue / name).rglob("*"):
            if path.is_file():
                path.unlink()
    return others


def with_postern(s, to, seconds, recovery="2s"):
    env = s.env
    s.net.start("postern")
    s.start_policyd(shaping(), policyd_pace_recovery=recovery)
    env.enable()
    # It is the pace that is looked at: no milter.
    env.postfix.postconf("smtpd_milters=", "non_smtpd_milters=")
    env.postfix.start()
    # The services come by the queue helper, the routes by the MX hosts.
    env.apply("_global", shaping(*FILTERS))
    wait_for(lambda: f"transports={len(FILTERS)}, " in s.policyd.text, 30)
    # Domains that were met before; a first message to one may be quicker
    # than its MX records, and then goes by Postfix's own transport.
    with Socketmap(env.postfix.queue / "postern" / "map.sock") as table:
        for p in LIMITED:
            for domain in p.domains:
                wait_for(lambda d=domain: table.ask(
                    "transport", f"postmaster@{d}")[0] == "OK")
    rows, over = {p.name: [] for p in LIMITED}, threading.Event()
    watcher = threading.Thread(target=watch_paces, args=(s, rows, over))
    watcher.start()
    others = send_all(s, "postern", to)
    wait_for(lambda: all(s.net.lines("postern", p.name, "took") >=
                         int(p.rate * seconds) for p in LIMITED),
             100 + 2 * seconds)
    over.set()
    watcher.join()
    return others, rows
