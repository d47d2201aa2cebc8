# SPDX-License-Identifier: BSD-2-Clause
"""Statistics, series and shares: by the API and by postern(1), they add up to
what was sent."""
import csv
import io
import json
import re
import smtplib
import time

import pytest
from harness import story
from harness.util import wait_for

GOOD, GONE, FULL = "mia@good.test", "noone@bounce.test", "tim@full.test"
BUSY = "eva@throttle.test"
NUMBERS = ("queued", "succeeded", "failed", "blocked", "bounced")


def send(env, to):
    return env.postfix.send(to, sender=story.SENDER, subject="Your order")


def total(env, **query):
    status, answer = env.api.get("/v1/statistics", total="true", **query)
    assert status == 200, answer
    (row,) = answer["data"]
    assert row["date"] == "total"
    return row


@pytest.fixture
def sent(stack):
    """Three delivered, one to nobody, one to a full mailbox, one that waits,
    and one that the suppression list keeps from being sent."""
    for to in (GOOD, GOOD, "max@good.test", GONE, FULL, BUSY):
        send(stack, to)
    wait_for(lambda: stack.api.get("/v1/blocks/", GONE)[0] == 200, 30,
             "the block")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(stack, GONE)
    wait_for(lambda: [total(stack)[n] for n in ("succeeded", "failed")] ==
             [3, 2] and total(stack)["deferred"] >= 1, 30, "counters")
    return stack


def test_a_month_adds_up_to_what_was_sent(sent):
    row = total(sent)
    assert (row["queued"], row["succeeded"], row["failed"]) == (6, 3, 2)
    assert row["valid"] == 5
    assert row["error_rate"] == pytest.approx(0.4)
    assert row["bounced"] == row["complained"] == 0
    days = sent.api.get("/v1/statistics")[1]["data"]
    today = time.gmtime()
    assert len(days) == today.tm_mday
    assert days[0]["date"] == time.strftime("%Y-%m-01", today)
    assert sum(d["queued"] for d in days) == 6
    # Of a filter or domain.
    assert total(sent, unit="domain", name="good.test")["succeeded"] == 3
    assert total(sent, unit="domain", name="full.test")["failed"] == 1
    assert total(sent, year=2020, month=2)["queued"] == 0
    leap = sent.api.get("/v1/statistics", year=2020, month=2)[1]["data"]
    assert len(leap) == 29 and leap[-1]["date"] == "2020-02-29"


def test_days_are_those_of_the_zone(sent):
    """On one side of the date line it is another day than on the other."""
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"):
        rows = sent.api.get("/v1/statistics", since="2d",
                            time_zone=zone)[1]["data"]
        assert sum(r["queued"] for r in rows) == 6, zone
        (day,) = [r["date"] for r in rows if r["queued"]]
        listed = sent.api.all("/v1/deliveries", date=day, time_zone=zone,
                              status="queued")
        assert len(listed) == 6, zone


def test_series_and_shares(sent):
    answer = sent.api.get("/v1/series", minutes=60)[1]
    points = answer["data"]
    assert answer["step"] == 1 and len(points) in (60, 61)
    for name, want in (("queued", 6), ("succeeded", 3), ("failed", 2)):
        assert sum(p[name] for p in points) == want
    steps = [time.strptime(p["time"], "%Y-%m-%dT%H:%M:%S.000Z")
             for p in points]
    assert all(s.tm_sec == 0 for s in steps) and steps == sorted(steps)
    coarse = sent.api.get("/v1/series", minutes=60, step=30)[1]["data"]
    assert len(coarse) in (2, 3) and sum(p["queued"] for p in coarse) == 6
    good = sent.api.get("/v1/series", unit="domain", name="good.test")[1]
    assert sum(p["queued"] for p in good["data"]) == 3

    def shares(**query):
        status, answer = sent.api.get("/v1/shares", **query)
        assert status == 200, answer
        assert answer["total"] == sum(r["count"] for r in answer["data"])
        return {r["name"]: r["count"] for r in answer["data"]}
    errors = shares(by="status")
    assert errors.pop("suppressed", 0) == total(sent)["blocked"]
    assert errors == {"user_unknown": 1, "mailbox_full": 1}
    assert shares(by="status", unit="domain", name="full.test") == \
        {"mailbox_full": 1}
    assert shares(by="domain", status=5) == {"full.test": 1}
    assert shares(by="domain", of="deliveries") == {
        "good.test": 3, "bounce.test": 1, "full.test": 1,
        "throttle.test": 1}
    first = sent.api.get("/v1/shares", by="domain", of="deliveries",
                         limit=1)[1]["data"]
    assert first == [{"name": "good.test", "count": 3, "share": 0.5}]
    for bad in ({"by": "age"}, {}, {"by": "status", "of": "deliveries"},
                {"by": "status", "status": 5}, {"by": "domain",
                                                "unit": "domain"}):
        assert sent.api.get("/v1/shares", **bad)[0] == 400, bad
    for bad in ({"unit": "domain"}, {"name": "x"}, {"step": 0},
                {"minutes": 99999}, {"since": "50d", "until": "1d"}):
        assert sent.api.get("/v1/series", **bad)[0] == 400, bad


def test_files_of_numbers(sent):
    def rows(path, **query):
        status, octets, headers = sent.api.request("GET", path, **query)
        assert status == 200 and "text/csv" in headers["Content-Type"]
        return list(csv.DictReader(io.StringIO(octets.decode())))
    (row,) = rows("/v1/statistics.csv", total="true")
    assert {n: int(row[n]) for n in NUMBERS} == \
        {n: total(sent)[n] for n in NUMBERS}
    assert sum(int(r["queued"]) for r in rows("/v1/series.csv")) == 6
    assert {r["name"]: r["count"] for r in
            rows("/v1/shares.csv", by="domain", of="deliveries")}[
                "good.test"] == "3"
    assert sent.api.post("/v1/statistics.zip")[0] == 200


def test_stats_of_the_command_line(sent):
    def run(*argv):
        return sent.cli.run("stats", "-t", story.TENANT, *argv).stdout

    def lines(*argv):
        return [json.loads(x) for x in run(*argv, "--json").splitlines()]
    title, *days, last = run("--utc").splitlines()
    assert title.split()[:3] == ["DATE", "QUEUED", "SUCCEEDED"]
    assert len(days) == time.gmtime().tm_mday
    assert last.split()[:4] == ["total", "6", "3", "2"]
    assert "40.00%" in last
    (row,) = lines("--total", "--utc")
    assert row == total(sent)
    assert [r["date"] for r in lines("--month", "2020-02", "--utc")][-1] == \
        "2020-02-29"
    assert sum(p["queued"] for p in lines("--series")) == 6
    plot = run("--series")
    assert re.search(r"^succeeded: 3, at most \d in \d+ min$", plot, re.M)
    assert "\u2588" in plot
    assert all(len(x) <= 80 for x in plot.splitlines())
    shares = run("--shares", "domain", "--deliveries")
    assert re.search(r"^good.test +3 +50.0% ", shares, re.M)
    assert "2 address does not exist" in run("--shares", "status")
    assert lines("--shares", "domain", "--status", "5") == [
        {"name": "full.test", "count": 1, "share": 1.0}]
    assert sum(p["failed"] for p in
               lines("--series", "--domain", "full.test")) == 1
    for bad in (["--month", "2020"], ["--shares", "age"], ["x"],
                ["--since", "1h", "--until", "2h"]):
        assert sent.cli.run("stats", *bad, check=False).returncode == 64
