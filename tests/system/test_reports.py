# SPDX-License-Identifier: BSD-2-Clause
"""Delivery log, error log and traces by postern(1), of mail that a real Postfix
has sent."""
import csv
import io
import json
import os
import pty
import re
import subprocess
import time

import pytest
from harness import story
from harness.daemons import program
from harness.util import wait_for

GOOD, GONE, FULL = "mia@good.test", "noone@bounce.test", "tim@full.test"
BUSY = "eva@throttle.test"
SUBJECT = "\u3054\u6ce8\u6587 4711"  # Japanese: "your order"


def send(env, to, **headers):
    return env.postfix.send(to, sender=story.SENDER, subject="Your order",
                            headers={"X-Api-Data": "order-4711", **headers})


def lines(env, *argv):
    """JSON lines of a command, newest first."""
    out = env.cli.run(*argv, "-t", story.TENANT, "--json").stdout
    return [json.loads(line) for line in out.splitlines()]


def states(env, command, *argv):
    return sorted((r["to"], r["status"]) for r in
                  lines(env, command, "--since", "1h", *argv))


@pytest.fixture
def sent(stack):
    """One message to each of four mailboxes, and what became of it."""
    ids = {to: send(stack, to) for to in (GOOD, GONE, FULL, BUSY)}
    wait_for(lambda: len(lines(stack, "deliveries")) >= 8, 30,
             "queued and tried, each of them")
    stack.ids = ids
    return stack


def test_delivery_log_has_each_search(sent):
    everything = [(GOOD, "queued"), (GOOD, "succeeded"), (GONE, "failed"),
                  (GONE, "queued"), (FULL, "failed"), (FULL, "queued"),
                  (BUSY, "deferred"), (BUSY, "queued")]

    def of(to):
        return sorted(x for x in everything if x[0] == to)

    def found(*argv):
        return states(sent, "deliveries", *argv)

    assert found() == sorted(everything)
    assert found("--to", GONE) == of(GONE)  # whole: by the index
    assert found("--to", "noone@") == of(GONE)
    assert found("--to", "NOONE@BOUNCE*") == of(GONE)
    assert found("--part", "--to", GONE) == of(GONE)
    assert found("--to", "oone@bounce.test") == []
    assert found("--to", "*oone@bounce.test") == of(GONE)
    assert found("--domain", "full.test") == of(FULL)
    assert found("--from", story.SENDER) == sorted(everything)
    assert found("--from", "ews@shop") == sorted(everything)
    assert found("--from", "ews@shop.test") == []  # no such address
    assert found("--subject", "your ORD") == sorted(everything)
    assert found("--subject", "your ORD", "--exact") == []
    assert found("--subject", "your order", "--exact") == sorted(everything)
    assert found("--api-data", "4711") == sorted(everything)
    assert found("--api-data", "4712") == []
    assert found("--api-data", "4711", "--exact") == []
    assert found("--queue-id", sent.ids[GOOD]) == of(GOOD)
    assert found("--status", "failed") == [(GONE, "failed"),
                                           (FULL, "failed")]
    assert found("--status", "queued,succeeded", "--to", GOOD) == of(GOOD)
    assert found("--status", "2") == [(GONE, "failed")]
    assert found("--class", "mailbox-full") == [(FULL, "failed")]
    assert (GONE, "failed") in found("--fault", "recipient")
    assert found("--until", "30m") == []
    one = lines(sent, "deliveries", "--to", GOOD)
    assert one[0]["status"] == "succeeded", "newest first"
    at = time.gmtime()
    assert len(lines(sent, "deliveries", "--utc", "--day", "today")) == 8
    assert lines(sent, "deliveries", "--utc", "--day", "yesterday") == []
    assert lines(sent, "deliveries", "--utc", "--day", "yesterday",
                 "--hour", str(at.tm_hour), "--minute", "0") == []
    assert len(lines(sent, "deliveries", "-n", "3")) == 3
    old = lines(sent, "deliveries", "--oldest", "--since", "1h")
    assert [r["id"] for r in old] == [
        r["id"] for r in lines(sent, "deliveries", "--since", "1h")][::-1]


def test_delivery_log_has_each_column(sent):
    queued, ok = lines(sent, "deliveries", "--oldest", "--to", GOOD)
    for row in queued, ok:
        assert row["from"] == story.SENDER
        assert row["to"] == GOOD
        assert row["return_path"].endswith("@" + story.RETURN_DOMAIN)
        assert row["subject"] == "Your order"
        assert re.fullmatch("<.+@.+>", row["message_id"])
        assert row["api_data"] == "order-4711"
        assert row["queue_id"] == sent.ids[GOOD]
        assert row["source_ip"] == "127.0.0.1"
        assert row["error_status"] is None
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
                            row["created"])
    assert (queued["status"], queued["reason"]) == ("queued", "")
    assert (ok["status"], ok["class"], ok["fault"]) == ("succeeded", "", "")
    assert ok["relay"].startswith("mx.good.test[127.0.1.1]")
    gone = lines(sent, "deliveries", "--to", GONE, "--status", "failed")[0]
    assert (gone["error_status"], gone["class"], gone["fault"]) == \
        (2, "user-unknown", "recipient")
    assert "550 5.1.1" in gone["reason"]


def test_error_log_and_its_sums(sent):
    rows = {r["to"]: r for r in lines(sent, "bounces", "--since", "1h")}
    assert set(rows) == {GONE, FULL}
    gone = rows[GONE]
    assert (gone["status"], gone["status_name"], gone["type"]) == \
        (2, "user_unknown", "failed")
    assert gone["class"] == "user-unknown" and gone["fault"] == "recipient"
    assert gone["repeated"] is False and "550 5.1.1" in gone["reason"]
    assert gone["subject"] == "Your order"
    assert gone["api_data"] == "order-4711"

    def sums(by):
        return {r[by]: r["errors"] for r in
                lines(sent, "bounces", "--since", "1h", "--by", by)}
    assert sums("status") == {"2": 1, "5": 1}
    assert sums("class") == {"user-unknown": 1, "mailbox-full": 1}
    assert sums("fault") == {"recipient": 2}
    assert sums("domain") == {"bounce.test": 1, "full.test": 1}
    assert sum(sums("provider").values()) == 2
    table = sent.cli.run("bounces", "-t", story.TENANT, "--by",
                         "status").stdout
    assert "50.0%" in table and "address does not exist" in table


def test_csv_is_read_by_others(sent):
    send(sent, "a@good.test")
    text = sent.cli.run("deliveries", "-t", story.TENANT, "--csv",
                        "--to", GONE, "--oldest").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [r["status"] for r in rows] == ["queued", "failed"]
    as_json = lines(sent, "deliveries", "--to", GONE, "--oldest")
    for row, same in zip(rows, as_json):
        assert set(row) == set(same)
        for name in set(row) - {"created", "error_status"}:
            assert row[name] == same[name], name


def test_trace_answers_where_the_mail_is(sent):
    def told(*argv):
        return sent.cli.run("trace", *argv).stdout
    gone = told(sent.ids[GONE])
    assert re.search(rf"^{GONE}: failed at .*user unknown \(2\): the address "
                     "does not exist; at fault is the recipient", gone, re.M)
    wait_for(lambda: re.search("; blocked since 20..-..-.. ",
                               told(sent.ids[GONE])), what="the block")
    good = told(sent.ids[GOOD])
    assert re.search(rf"^{GOOD}: delivered at .* to mx.good.test", good, re.M)
    assert "order-4711" in good and "tenant       shop" in good
    busy = told("-t", story.TENANT, BUSY)  # by recipient
    assert re.search(rf"^{BUSY}: still tried: 1 attempt", busy, re.M)
    row = lines(sent, "deliveries", "--to", GOOD)[0]
    by_id = told(row["message_id"])
    assert re.search(rf"^{GOOD}: delivered", by_id, re.M)
    assert re.search(rf"^{GOOD}: delivered",
                     told(row["message_id"].strip("<>")), re.M)
    last = told("--json", sent.ids[GONE]).splitlines()[-1]
    assert json.loads(last)["state"] == "failed"
    assert sent.cli.run("trace", "4TkX00000000z",
                        check=False).returncode == 66


def on_terminal(env, *argv, columns=80, colour=True):
    """What a person sees: the command's output on a terminal."""
    mother, child = pty.openpty()
    more = {} if colour else {"NO_COLOR": "1"}
    process = subprocess.Popen(
        [program("postern"), "-f", env.cli.config, *argv], stdout=child,
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env={**os.environ, "COLUMNS": str(columns), "LANG": "C.UTF-8",
             "TZ": "Asia/Tokyo", **more})
    os.close(child)
    got = b""
    while True:
        try:
            part = os.read(mother, 65536)
        except OSError:
            break
        if not part:
            break
        got += part
    os.close(mother)
    assert process.wait(30) == 0, process.stderr.read()
    process.stderr.close()
    return got.decode().replace("\r\n", "\n")


def test_a_table_fits_the_terminal(stack):
    # RFC 2047 of the subject above.
    coded = "=?UTF-8?B?44GU5rOo5paHIDQ3MTE=?="
    stack.postfix.send(GOOD, sender=story.SENDER, subject=coded)
    wait_for(lambda: len(lines(stack, "deliveries")) == 2, 30, "delivered")
    assert lines(stack, "deliveries")[0]["subject"] == SUBJECT
    plain = on_terminal(stack, "deliveries", "-t", story.TENANT, columns=100,
                        colour=False)
    wide = sum(1 for c in SUBJECT if ord(c) > 0x1100)
    title, *rows = plain.splitlines()
    assert title.startswith("TIME") and len(rows) == 2
    for row in rows:
        assert SUBJECT in row and "\033" not in row
        # Aligned as the terminal shows it: wide characters are two columns.
        assert row.index(SUBJECT) == title.index("SUBJECT")
        assert len(row) + wide <= 100
        queue_id = row.index(SUBJECT) + len(SUBJECT)
        assert row[queue_id:].lstrip().startswith("4")
    assert "\033[32m" in on_terminal(stack, "deliveries", "-t", story.TENANT)
    narrow = on_terminal(stack, "deliveries", "-t", story.TENANT, columns=70,
                         colour=False)
    assert "\u2026" in narrow


def test_following_shows_what_happens(stack):
    process = subprocess.Popen(
        [program("postern"), "-f", stack.cli.config, "deliveries", "-t",
         story.TENANT, "--follow", "--json", "--status", "succeeded"],
        stdout=subprocess.PIPE)
    try:
        # It begins where it was started: until it has, nobody knows.
        for _ in range(2):
            send(stack, GOOD)
        os.set_blocking(process.stdout.fileno(), False)
        text = b""

        def shown():
            nonlocal text
            part = process.stdout.read()
            text += part or b""
            if b"\n" not in text:
                send(stack, GOOD)
            return b"\n" in text
        wait_for(shown, 30, "a delivery is shown")
        assert json.loads(text.splitlines()[0])["to"] == GOOD
    finally:
        process.terminate()
        process.wait(10)
