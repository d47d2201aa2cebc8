# SPDX-License-Identifier: BSD-2-Clause
"""postern filter test: what a filter sees in a mail, before it is applied."""
import json

import pytest

MAIL = (b"From: =?utf-8?B?5pel5pys?= <shop@shop.test>\r\n"
        b"To: header@good.test\r\n"
        b"Subject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\r\n folded\r\n"
        b"X-Twice: a\r\nX-Twice: a\r\n\r\nSubject: body\r\n")
FORWARD = {"name": "audit", "header": "Subject", "pattern": "日本.*",
           "to": "audit@good.test"}
NEWS = {"name": "news", "header": "To", "pattern": r".+@good\.test"}
DOCUMENT = {"forwarding": [FORWARD],
            "unsubscribe": {"url": "https://mail.shop.test/u/",
                            "filters": [NEWS]}}


@pytest.fixture
def mail(base):
    path = base.folder / "mail.eml"
    path.write_bytes(MAIL)
    return path


def run_test(base, *argv, **kw):
    return base.cli.run("filter", "test", *argv, check=False, **kw)


@pytest.mark.parametrize("header, expression, want", [
    ("Subject", "日本 folded", "Subject matches: 日本 folded"),
    ("subject", "日本", "subject does not match: 日本 folded"),
    ("From", r".*shop@shop\.test.*", "From matches: 日本 <shop@shop.test>"),
    ("X-Twice", ".*", "X-Twice is not there, or more than once"),
    ("X-None", ".*", "X-None is not there, or more than once"),
    ("To", ".*", "To is the envelope recipient: give one with -r"),
])
def test_expressions(base, mail, header, expression, want):
    done = run_test(base, "-h", header, "-e", expression, str(mail))
    assert done.stdout == want + "\n"
    assert done.returncode == (0 if "matches" in want else 1)
    # Standard input is the same; no Redis is needed for either.
    base.redis.stop()
    again = run_test(base, "-h", header, "-e", expression,
                 input=MAIL.decode())
    assert again.stdout == done.stdout


def test_schedule(base, mail):
    """Rules when mail may leave: each of their conditions."""
    path = base.folder / "settings.json"
    path.write_text(json.dumps({
        "prohibitions": [{
            "name": "night", "from": "22:00", "to": "08:00",
            "apply": [{"header": "Subject", "pattern": "日本.*"},
                      {"header": "X-None", "pattern": "1"}],
            "exclude": [{"header": "To", "pattern": "boss@.*"}]}],
        "priorities": [{"name": "p", "header": "From", "pattern": "x",
                        "priority": 99}],
        "day_caps": [{"name": "all", "quantity": 5},
                     {"name": "some", "quantity": 5, "conditions": [
                         {"header": "From", "pattern": ".*shop.*"}]}]}))
    done = run_test(base, "--settings", str(path), "-r", "one@good.test",
                    str(mail))
    assert done.stdout.splitlines() == [
        "prohibitions apply night: Subject matches: 日本 folded",
        "prohibitions apply night: X-None is not there, or more than once",
        "prohibitions exclude night: To does not match: one@good.test",
        "priorities p: From does not match: 日本 <shop@shop.test>",
        "day_caps some: From matches: 日本 <shop@shop.test>"]


def test_recipients(base, mail):
    done = run_test(base, "-h", "To", "-e", r".+@GOOD\.test", "-r",
                "One@Good.Test", "-r", "<two@other.test>", str(mail))
    assert done.stdout.splitlines() == [
        "To matches: one@good.test", "To does not match: two@other.test"]
    assert done.returncode == 0


def test_settings(base, mail):
    """In operation, as a draft, and in a file."""
    base.cli.run("init")
    base.apply("shop", DOCUMENT)
    done = run_test(base, "-t", "shop", "-r", "one@good.test", str(mail),
                str(mail), "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines == 2 * [
        {"file": str(mail), "section": "forwarding", "name": "audit",
         "header": "Subject", "value": "日本 folded", "result": "matches"},
        {"file": str(mail), "section": "unsubscribe", "name": "news",
         "header": "To", "value": "one@good.test", "result": "matches"}]
    draft = {**DOCUMENT, "forwarding": [{**FORWARD, "pattern": "x"}]}
    base.cli.run("settings", "-t", "shop", "import", "-",
                 input=json.dumps(draft))
    done = run_test(base, "-t", "shop", "--draft", str(mail))
    assert done.stdout.splitlines() == [
        "forwarding audit: Subject does not match: 日本 folded",
        "unsubscribe news: To is the envelope recipient: give one with -r"]
    assert done.returncode == 1
    path = base.folder / "settings.json"
    path.write_text(json.dumps(DOCUMENT))
    done = run_test(base, "--settings", str(path), str(mail))
    assert "forwarding audit: Subject matches" in done.stdout


@pytest.mark.parametrize("argv, status, text", [
    (("-h", "Subject", "-e", "a(b"), 65, "at offset"),
    (("-h", "Received", "-e", "x"), 65, "several times"),
    (("-h", "Subject"), 64, ""),
    (("-h", "Subject", "-e", "x", "--draft"), 64, ""),
    (("-h", "Subject", "-e", "x", "-r", "a@b..c"), 65, "not an address"),
    (("-h", "Subject", "-e", "x", "/nowhere.eml"), 74, "/nowhere.eml"),
    (("--settings", "/nowhere.json"), 74, "/nowhere.json"),
])
def test_refused(base, argv, status, text):
    done = run_test(base, *argv, input="")
    assert done.returncode == status
    assert text in done.stderr


def test_no_filters(base, mail):
    base.cli.run("init")
    done = run_test(base, str(mail))
    assert done.returncode == 66
    assert "no filters" in done.stderr
