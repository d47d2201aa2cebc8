# SPDX-License-Identifier: BSD-2-Clause
"""The pace of deliveries: a real Postfix asks policyd after each attempt; what
the receiving side sees is what counts."""
import re
import statistics
import threading
import time

from harness import story
from harness.daemons import Daemon
from harness.internet import Provider, domains
from harness.shaped import (LIMITED, OTHERS, YAH, Shaped, inject, newsletter,
                            shaping, shaping_filter, with_postern,
                            with_postfix_alone)
from harness.socketmap import Socketmap
from harness.util import wait_for, write

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
            "policyd_map_listen": f"unix:{second}/map.sock",
            "policyd_auth_listen": "", "queue_helper": "no"})
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


def start_one(env, interval_ms=200, connections=1, count=3, provider=None,
              **more):
    """One filter "one" with its provider; the parts run."""
    s = Shaped(env, [Provider("one", "127.0.2.1", domains("one", count),
                              **(provider or {}))])
    s.route({"one": "one"}, {"one": connections})
    s.net.start("run")
    s.start_policyd(shaping(shaping_filter(
        "one", "one", connections=connections, interval_ms=interval_ms,
        **more)), policyd_pace_recovery="3s")
    env.postfix.start()
    return s


def test_recipients_of_one_message_take_one_slot(env):
    s = start_one(env, interval_ms=500)
    try:
        inject(env, [[f"a{i}@one{k}.test" for i in range(20)]
                     for k in range(3)], clients=1)
        s.took("run", "one", 3)
        wait_for(env.postfix.empty)
        # Three messages, and not 60: 20 answers each, one of them waits.
        assert s.state("one")["n"] == 3
        assert len(env.postfix.log_lines("status=sent")) == 60
    finally:
        s.stop()


def test_servers_that_do_not_name_messages(env):
    """All replies are alike, and the server is as quick as can be: messages
    are still told apart, and recipients of one belong together."""
    s = start_one(env, interval_ms=200, provider={
        "latency": 0, "accepted": "250 ok dirdel"})
    try:
        inject(env, [f"a{i}@one{i % 3}.test" for i in range(30)])
        seen = s.took("run", "one", 30)
        mean = statistics.mean(gaps(seen.times("took"))[2:])
        assert 0.19 <= mean <= 0.23, mean
        wait_for(env.postfix.empty)
        before = s.state("one")["n"]
        inject(env, [[f"a{i}@one1.test" for i in range(20)]], clients=1)
        s.took("run", "one", 31)
        wait_for(env.postfix.empty)
        assert s.state("one")["n"] - before <= 5
    finally:
        s.stop()


def test_complaints_halve_and_time_brings_back(env):
    """The provider wants less for a while; then it comes back by steps."""
    s = start_one(env, interval_ms=50, connections=3, provider={
        "tempers": [[2, 2.9, 1, "450 4.7.1 too many messages, slow down"]]})
    try:
        worker = threading.Thread(target=inject, args=(env, [
            f"a{i}@one{i % 3}.test" for i in range(600)]))
        worker.start()
        wait_for(lambda: "pace=normal" in s.policyd.text, 90)
        worker.join()
        changes = re.findall(r"filter=one, pace=(\w+), interval_ms=(\d+), "
                             r"before_ms=(\d+)", s.policyd.text)
        assert changes[0] == ("slow", "100", "50")
        assert 'rule=rate, reply="450 4.7.1 too many messages, slow down"' in \
            s.policyd.text
        # Halved for a complaint, however many heard it; a tenth of 20 a
        # second more for each time without.
        for what, now, before in changes:
            if what == "slow":
                assert int(now) == 2 * int(before)
            else:
                more = 1000 / int(now) - 1000 / int(before)
                assert 1.5 <= more <= 2.5 or what == "normal", changes
        assert len([c for c in changes if c[0] == "slow"]) <= 2
        assert changes[-1][:2] == ("normal", "50")
        assert s.state("one")["i"] == 50000
    finally:
        s.stop()


def test_suspends_for_the_time_that_is_named(env):
    s = start_one(env, interval_ms=50, connections=2, provider={
        "tempers": [[0.5, 1.5, 1,
                     "421 4.7.0 [TSS04] deferred, try again in 6 seconds"]]})
    try:
        inject(env, [f"a{i}@one{i % 3}.test" for i in range(60)])
        wait_for(lambda: s.state("one").get("u"), 20)
        seen = s.net.traffic("run", "one")
        said = wait_for(lambda: s.net.traffic("run", "one").times("refused"))
        s.took("run", "one", 60, 60)
        wait_for(env.postfix.empty, 60)
        seen = s.net.traffic("run", "one")
        # What was begun already may have come; nothing else for 6 s.
        quiet = [t for t in seen.times("mail")
                 if said[0] + 1 < t < said[-1] + 5.5]
        assert not quiet, (said, quiet)
        assert "pace=suspend, interval_ms=100, before_ms=50, for_s=" in \
            s.policyd.text
    finally:
        s.stop()


def test_a_rule_makes_5xx_temporary(env):
    s = start_one(env, provider={
        "tempers": [[0, 3, 0.1, "550 5.7.1 bad reputation, go away"]],
        "tolerance": 0}, rules=[
            {"pattern": "5\\.7\\.1 bad reputation", "action": "transcode"}])
    try:
        inject(env, ["a@one1.test"])
        line = wait_for(lambda: env.postfix.log_lines("status="))[0]
        assert "dsn=4.7.1, status=deferred" in line
        assert "said: 550 5.7.1 bad reputation, go away" in line
        wait_for(lambda: env.postfix.log_lines("status=sent"), 60)
    finally:
        s.stop()


def test_this_hosts_share_while_redis_is_away(env):
    s = start_one(env, interval_ms=200, connections=4)
    try:
        inject(env, [f"a{i}@one{i % 3}.test" for i in range(20)])
        wait_for(env.postfix.empty, 60)
        env.redis.kill()
        inject(env, [f"b{i}@one{i % 3}.test" for i in range(30)])
        seen = s.took("run", "one", 50)
        times = seen.times("took")[20:]
        whole = (times[-1] - times[0]) / (len(times) - 1)
        assert 0.17 <= whole <= 0.25, whole
        assert "paces are this host's share" in s.policyd.text
    finally:
        s.stop()


def test_killed_while_deliveries_wait(env):
    """kill -9 of policyd: nothing is lost, nothing is sent twice."""
    s = start_one(env, interval_ms=300, connections=5)
    try:
        inject(env, [f"a{i}@one{i % 3}.test" for i in range(30)])
        s.took("run", "one", 8)
        s.policyd.kill()
        wait_for(lambda: len(env.postfix.log_lines("status=sent")) >= 8)
        s.policyd.start()
        wait_for(env.postfix.empty, 60)
        assert s.took("run", "one", 30).took == 30
        assert len(env.postfix.log_lines("status=sent")) == 30
    finally:
        s.stop()


def test_ends_although_deliveries_wait(env):
    """A restart is quick, as without the daemon there is no pace."""
    s = start_one(env, interval_ms=5000, connections=4)
    try:
        inject(env, [f"a{i}@one{i % 3}.test" for i in range(6)])
        wait_for(lambda: s.state("one").get("n", 0) >= 4)
        began = time.monotonic()
        s.policyd.stop()
        assert time.monotonic() - began < 4
        wait_for(lambda: len(env.postfix.log_lines("status=sent")) >= 4)
        s.policyd.start()
        env.postfix.flush()
        wait_for(env.postfix.empty, 60)
        assert s.took("run", "one", 6).took == 6
    finally:
        s.stop()


def test_seen_and_changed_by_people(stack):
    """postern shaping and /v1/shaping: what they show, suspend, resume, reset;
    the map of transports hears of it within a second."""
    env = stack
    env.apply("_global", {**story.GLOBAL, **shaping(
        shaping_filter("one", "one", connections=2, interval_ms=250),
        shaping_filter("long-name-of-a-filter", "long"))})
    table = Socketmap(env.postfix.queue / "postern" / "map.sock")

    def answer():
        return table.ask("transport", "mia@one1.test")
    wait_for(lambda: answer() == ("OK", "pn-one:"))
    ok = "2.0.0 250 2.0.0 Ok: queued as 4QaBcDeFgH"
    assert table.ask("pace-one", ok) == ("NOTFOUND", "")
    lines = env.cli.run("shaping").stdout.splitlines()
    assert re.match(r"FILTER +CONNECTIONS +SET +NOW +PER MINUTE +STATE",
                    lines[0])
    assert lines[1].split()[:8] == ["one", "2", "250", "ms", "250", "ms", "0",
                                    "normal"]
    assert lines[2].split()[:4] == ["long-name-of-a-filter", "10", "none",
                                    "none"]
    assert lines[0].index("STATE") == lines[1].index("normal") == \
        lines[2].index("normal")
    # A complaint shows.
    assert table.ask("pace-one", "4.7.0 host mx[192.0.2.1] said: 421 4.7.0 "
                     "too \x1b many connections (in reply to MAIL FROM "
                     "command)") == ("NOTFOUND", "")
    row = env.cli.json("shaping", "show", "one", "--json")
    assert row["interval_ms"] == 250 and row["interval_now_ms"] == 500
    assert row["condition"] == "slow" and row["change"] == "slow"
    assert row["reply"] == "421 4.7.0 too \x1b many connections"
    assert row["sent"] == 2
    shown = env.cli.run("shaping", "show", "one").stdout
    assert "slow: 421 4.7.0 too " in shown and "\x1b" not in shown
    status, page = env.api.get("/v1/shaping")
    assert status == 200 and page["data"][0] == row
    assert page["data"][1]["condition"] == "normal"
    # Suspended by a person: known to the map at once, by a notice.
    status, row = env.api.post("/v1/shaping/one/suspend", body={"for": "1h"})
    assert status == 200 and row["condition"] == "suspended"
    assert row["reply"] == story.API_USER
    wait_for(lambda: answer() == ("OK", "postern-later:"), 1)
    assert table.ask("transport", "mia@long.test") == (
        "OK", "pn-long-name-of-a-filter:")
    env.cli.run("shaping", "resume", "one")
    wait_for(lambda: answer() == ("OK", "pn-one:"), 1)
    env.cli.run("shaping", "suspend", "one", "10m")
    wait_for(lambda: answer()[1] == "postern-later:", 1)
    # A daemon that starts later knows, too.
    env.daemons.policyd.restart()
    table = Socketmap(env.postfix.queue / "postern" / "map.sock")
    wait_for(lambda: table.ask("transport", "mia@one1.test")[1] ==
             "postern-later:", 10)
    status, row = env.api.post("/v1/shaping/one/reset")
    assert status == 200 and row["condition"] == "normal"
    assert row["interval_now_ms"] == 250 and row["change"] == "reset"
    wait_for(lambda: table.ask("transport", "mia@one1.test")[0] == "OK" and
             table.ask("transport", "mia@one1.test")[1] == "pn-one:", 1)
    # What is wrong is refused.
    assert env.api.get("/v1/shaping/", "none")[0] == 404
    assert env.api.post("/v1/shaping/none/reset")[0] == 404
    for wrong in ("", "8d", "1", 5):
        assert env.api.post("/v1/shaping/one/suspend",
                            body={"for": wrong})[0] == 400
    assert env.cli.run("shaping", "show", "none", check=False).returncode == 65
    assert env.cli.run("shaping", "suspend", "one", "8d",
                       check=False).returncode == 65
    assert env.cli.run("shaping", "suspend", "one",
                       check=False).returncode == 64
    # Who did it.
    audit = env.redis.client().keys("pn:a:*")
    actions = [f["action"] for k in audit
               for _, f in env.redis.client().xrange(k)
               if "action" in f]
    assert "shaping_suspend" in actions and "shaping_reset" in actions


def check_limits(s):
    """With Postfix alone each limit is broken; with Postern none is."""
    for p in LIMITED:
        alone = s.net.traffic("alone", p.name)
        ours = s.net.traffic("postern", p.name)
        print(p.name, "alone:", alone.peak_sessions, alone.peak_rate(),
              "postern:", ours.peak_sessions, ours.peak_rate(5))
        assert alone.peak_sessions > p.sessions * 1.05
        assert alone.peak_rate() > p.rate * 1.05
        assert alone.times("refused")
        assert ours.peak_sessions <= p.sessions
        # 5 %, and one message at the edge of the window.
        assert ours.peak_rate(5) <= p.rate * 1.05 + 0.2, p.name
        if p is not YAH:
            assert not ours.times("refused")


def test_simulated_internet(env):
    """230 domains: what no provider would take from Postfix alone, each
    takes at its own pace with Postern, and the others are as quick."""
    s = Shaped(env, [*LIMITED, *OTHERS])
    to = newsletter(22)
    try:
        alone = with_postfix_alone(s, to)
        others, rows = with_postern(s, to, 22)
        check_limits(s)
        # Down to half or less when it complained, and up again by steps.
        intervals = [r[1] for r in rows["yah"]]
        assert max(intervals) >= 126
        assert intervals[-1] == 63 or "pace=faster" in s.policyd.text
        assert "filter=yah, pace=slow, interval_ms=126, before_ms=63" in \
            s.policyd.text
        assert others <= alone * 1.1, (others, alone)
    finally:
        s.stop()
