# SPDX-License-Identifier: BSD-2-Clause
"""A simulated internet: many domains whose mail goes to a few providers by
their MX records, each with limits and a temper of its own, and some that have
none.  Each receiving side is a process of its own, this file run as a program,
and writes what it saw: one line of JSON an event.

  open, close      a session, refused ones too
  mail             a transaction was begun
  took             a message was taken
  refused          it was not; with the reply
"""
import asyncio
import collections
import dataclasses
import json
import pathlib
import sys
import time

if __name__ != "__main__":
    from .util import Process, connectable


@dataclasses.dataclass
class Provider:
    """What a provider allows.  tempers: (from, to, messages a second, reply)
  X the reply is given at MAIL FROM to
    what comes faster.  A reply 421 ends the session, as SMTP has it."""
    name: str
    address: str
    domains: list
    sessions: int = 0       # at once; 0: any number
    rate: float = 0         # messages a second; 0: any number
    latency: float = 0.005  # before each reply, s
    reply: str = "451 4.7.1 rate limit exceeded, try again later"
    accepted: str = "250 2.0.0 Ok: queued as %08X"
    greeting: str = "421 4.7.0 too many connections from your address"
    tempers: list = dataclasses.field(default_factory=list)
    # It bears so much more in a second before it speaks.
    tolerance: float = 1.5

    @property
    def host(self):
        return f"mx.{self.name}.test"


class Server:
    """One provider, as it listens."""

    def __init__(self, provider, out):
        self.p, self.out = provider, out
        self.open = 0
        self.number = 0
        self.first = None
        self.recent = collections.deque()

    def note(self, kind, **more):
        self.out.write(json.dumps({"t": time.time(), "k": kind, **more})
                       + "\n")

    def complaint(self):
        """The reply to a transaction that begins now; None: welcome."""
        now = time.time()
        self.first = self.first or now
        rate, reply = self.p.rate, self.p.reply
        for start, end, most, text in self.p.tempers:
            if start <= now - self.first < end:
                rate, reply = most, text
        while self.recent and self.recent[0] <= now - 1:
            self.recent.popleft()
        if rate and len(self.recent) + 1 > rate * self.p.tolerance:
            return reply
        self.recent.append(now)
        return None

    async def session(self, reader, writer):
        self.open += 1
        self.note("open", n=self.open)
        try:
            if self.p.sessions and self.open > self.p.sessions:
                writer.write(self.p.greeting.encode() + b"\r\n")
                await writer.drain()
            else:
                await self.talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, EOFError):
            pass
        finally:
            self.open -= 1
            self.note("close", n=self.open)
            writer.close()

    async def talk(self, reader, writer):
        # Each reply leaves its time later, but in the order of commands.
        writer.write(f"220 {self.p.host} ESMTP\r\n".encode())
        begun = False  # a transaction, as pipelined commands need to know
        while True:
            line = await reader.readuntil(b"\n")
            verb = line.strip().upper()
            if self.p.latency:
                await asyncio.sleep(self.p.latency)
            if not begun and verb.startswith((b"RCPT", b"DATA")):
                reply = "503 5.5.1 no transaction"
            else:
                reply = await self.reply(verb, reader, writer)
            if verb.startswith((b"MAIL", b"DATA", b"RSET")):
                begun = verb.startswith(b"MAIL") and reply.startswith("250")
            writer.write(reply.encode() + b"\r\n")
            if reply.startswith(("221", "421")):
                await writer.drain()
                return

    async def reply(self, verb, reader, writer):
        if verb.startswith(b"EHLO"):
            return f"250-{self.p.host}\r\n250-PIPELINING\r\n250 8BITMIME"
        if verb.startswith(b"MAIL"):
            self.note("mail")
            reply = self.complaint()
            if reply:
                self.note("refused", reply=reply)
                return reply
            return "250 2.1.0 Ok"
        if verb.startswith(b"DATA"):
            writer.write(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
            self.number += 1
            self.note("took")
            return self.p.accepted.replace("%08X", f"{self.number:08X}")
        if verb.startswith(b"QUIT"):
            return "221 2.0.0 Bye"
        return "250 2.0.0 Ok"


async def serve(provider, path):
    with open(path, "a", buffering=1 << 16, encoding="utf-8") as out:
        server = Server(provider, out)
        listener = await asyncio.start_server(
            server.session, provider.address, 25, limit=1 << 20, backlog=512)
        async with listener:
            while True:
                await asyncio.sleep(0.2)
                out.flush()


class Traffic:
    """What a provider saw, from its lines."""

    def __init__(self, path):
        self.events = []
        for line in pathlib.Path(path).read_text().splitlines():
            self.events.append(json.loads(line))

    def times(self, *kinds):
        return [e["t"] for e in self.events if e["k"] in kinds]

    @property
    def took(self):
        return len(self.times("took"))

    @property
    def peak_sessions(self):
        return max((e["n"] for e in self.events if e["k"] == "open"),
                   default=0)

    def peak_rate(self, window=2.0, kinds=("mail",), start=0, end=1e12):
        """The most in any window that begins with an event, a second."""
        times = [t for t in self.times(*kinds) if start <= t < end]
        best, i = 0, 0
        for j, t in enumerate(times):
            while times[i] <= t - window:
                i += 1
            best = max(best, j - i + 1)
        return best / window

    def rate(self, start, end, kinds=("mail",)):
        n = sum(start <= t < end for t in self.times(*kinds))
        return n / (end - start)

    def series(self, start, end, step=1.0, kinds=("mail",)):
        """(s since start, a second) for each step."""
        n = int((end - start) / step)
        counts = [0] * n
        for t in self.times(*kinds):
            i = int((t - start) / step)
            if 0 <= i < n:
                counts[i] += 1
        return [(i * step, c / step) for i, c in enumerate(counts)]

    def session_series(self, start, end, step=0.25):
        """(s since start, the most at once) for each step."""
        n = int((end - start) / step)
        most, now, i = [0] * n, 0, 0
        events = [e for e in self.events if e["k"] in ("open", "close")]
        for e in events:
            at = int((e["t"] - start) / step)
            while i < min(at, n):
                most[i] = max(most[i], now)
                i += 1
            now = e["n"]
            if 0 <= at < n:
                most[at] = max(most[at], now)
        while i < n:
            most[i] = max(most[i], now)
            i += 1
        return [(k * step, m) for k, m in enumerate(most)]


class Internet:
    """The providers of one environment."""

    def __init__(self, env, providers):
        self.env, self.providers = env, providers
        self.running, self.paths = [], {}

    def zones(self):
        """Into the DNS, before it starts."""
        for p in self.providers:
            self.env.dns.lines.append(f"host-record={p.host},{p.address}")
            for domain in p.domains:
                self.env.dns.lines.append(f"mx-host={domain},{p.host},10")

    def start(self, run):
        """run: a word for the files of what is seen."""
        for p in self.providers:
            path = self.env.logs / f"{run}-{p.name}.jsonl"
            self.paths[run, p.name] = path
            config = json.dumps(dataclasses.asdict(p))
            process = Process(
                p.name, [sys.executable, "-B", __file__, config, path],
                self.env.logs / f"{run}-{p.name}.out")
            process.wait_ready(lambda a=p.address: connectable((a, 25)))
            self.running.append(process)

    def stop(self):
        for process in self.running:
            process.stop()
        self.running = []

    def traffic(self, run, name):
        return Traffic(self.paths[run, name])

    def lines(self, run, name, kind):
        """How many events of a kind there are by now."""
        word = f'"k": "{kind}"'
        return self.paths[run, name].read_text().count(word)


def domains(stem, count):
    return [f"{stem}{i}.test" for i in range(count)]


if __name__ == "__main__":
    asyncio.run(serve(Provider(**json.loads(sys.argv[1])), sys.argv[2]))
