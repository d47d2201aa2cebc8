# SPDX-License-Identifier: BSD-2-Clause
"""Lists of other services become blocks, and ours becomes a file."""
import csv
import io
import json

import pytest

MAILGUN = """address,code,error,created_at\r
gone@a.test,550,5.1.1 no such user,"Fri, 21 Oct 2011 11:02:55 GMT"\r
full@a.test,552,Mailbox full,"Fri, 21 Oct 2011 11:02:55 GMT"\r
"""
SENDGRID = [
    {"created": 1443651125, "email": "gone@b.test", "status": "5.1.1",
     "reason": "550 5.1.1 The email account does not exist."},
    {"created": 1443651125, "email": "listed@b.test", "status": "5.7.1",
     "reason": "550 5.7.1 blocked using zen.spamhaus.org"}]
SES = """{"emailAddress":"bounced@c.test","reason":"BOUNCE"}
{"emailAddress":"angry@c.test","reason":"COMPLAINT"}
"""
RESEND = {"object": "list", "has_more": False, "data": [
    {"id": "1", "email": "manual@d.test", "origin": "manual",
     "created_at": "2026-01-06T23:47:56.678Z"}]}


@pytest.fixture
def blocks(env):
    env.redis.start()
    env.daemons.prepare()

    class Blocks:
        @staticmethod
        def run(*words, check=True):
            return env.cli.run("blocks", *words, check=check)

        @staticmethod
        def file(name, text):
            path = env.folder / name
            path.write_bytes(text if isinstance(text, bytes)
                             else text.encode())
            return str(path)

        def show(self, *words):
            return json.loads(self.run("show", *words).stdout)
    return Blocks()


def test_files_of_other_services(blocks):
    for name, text in {"mailgun.csv": MAILGUN,
                       "sendgrid.json": json.dumps(SENDGRID),
                       "ses.json": SES,
                       "resend.json": json.dumps(RESEND)}.items():
        blocks.run("import", blocks.file(name, text))
    gone = blocks.show("gone@a.test")
    assert gone["status"] == 2 and gone["origin"] == "import"
    assert gone["since"].startswith("2011-10-21T11:02:55")
    assert gone["reason"] == "550 5.1.1 no such user"
    assert blocks.show("full@a.test")["status"] == 5
    assert blocks.show("gone@b.test")["status"] == 2
    # the sender was on a blocklist: the recipient is not to blame
    assert blocks.run("show", "listed@b.test", check=False).returncode != 0
    assert blocks.show("bounced@c.test")["status"] == 99
    assert blocks.show("angry@c.test")["origin"] == "complaint"
    assert "status" not in blocks.show("manual@d.test")


def test_options_and_repetition(blocks):
    file = blocks.file("list", "email\na@x.test\nb@x.test\n")
    out = blocks.run("import", file, "--dry-run").stdout
    assert out.startswith("2 records, 2 would be blocked, 0 not taken")
    assert blocks.run("list").stdout == ""
    blocks.run("exempt", "b@x.test")
    options = ["--stream", "news", "--note", "from elsewhere",
               "--expires", "30d"]
    out = blocks.run("import", file, *options).stdout
    assert out.startswith("2 records, 2 blocked, 0 were so before")
    a = blocks.show("a@x.test", "--stream", "news")
    assert a["stream"] == "news" and a["note"] == "from elsewhere"
    assert "expires" in a
    out = blocks.run("import", file, *options).stdout
    assert out.startswith("2 records, 0 blocked, 2 were so before")
    out = blocks.run("import", file).stdout
    assert out.startswith("2 records, 1 blocked, 0 were so before, 1 are "
                          "exempt and stay so")
    out = blocks.run("import", file, "--exempt").stdout
    assert out.startswith("2 records, 1 exempted, 1 were so before")


def test_wrong_lines(blocks):
    lines = ["email,created"] + [f"nobody{n},1" for n in range(30)]
    file = blocks.file("list", "\n".join(lines + ["ok@x.test,1443651125"]))
    report = blocks.file("report", "")
    done = blocks.run("import", file, check=False)
    assert done.returncode == 65
    assert f"{file}: line 2: not a mail address" in done.stderr
    assert "line 21:" in done.stderr and "line 22:" not in done.stderr
    assert "10 more wrong lines" in done.stderr
    assert done.stdout.startswith("31 records, 1 blocked")
    done = blocks.run("import", file, "--report", report, check=False)
    assert done.returncode == 65
    with open(report, encoding="utf-8") as f:
        assert f.read().splitlines()[-1] == "line 31: not a mail address"
    for text, what in ((b"email\nm\xfcller@x.test\n", "line 2: not UTF-8"),
                       (b"\xff\xfee\0", "UTF-16"),
                       (b"name,age\nx,1\n", "no column with addresses")):
        done = blocks.run("import", blocks.file("bad", text), check=False)
        assert done.returncode == 65 and what in done.stderr
    assert blocks.run("import", "/nowhere", check=False).returncode == 65


def test_there_and_back(blocks):
    blocks.run("add", "=odd@x.test", "--note", "=1+2, \"quoted\"")
    blocks.run("add", "a@x.test", "--stream", "news", "--expires",
               "2999-01-01")
    blocks.run("exempt", "free@x.test")
    out = blocks.run("export").stdout
    rows = list(csv.DictReader(io.StringIO(out)))
    assert sorted((r["address"], r["stream"], r["state"]) for r in rows) == [
        ("'=odd@x.test", "", "blocked"), ("a@x.test", "news", "blocked"),
        ("free@x.test", "", "exempt")]
    lines = blocks.run("export", "--json").stdout
    assert len(lines.splitlines()) == 3
    assert blocks.run("export", "--format", "ses").stdout == \
        "=odd@x.test,BOUNCE\n"
    before = {a: blocks.show(*a) for a in (
        ("=odd@x.test",), ("a@x.test", "--stream", "news"),
        ("free@x.test",))}
    for text in (out, lines):
        for address in before:
            blocks.run("unexempt" if address[0] == "free@x.test"
                       else "remove", *address)
        assert blocks.run("list").stdout == ""
        blocks.run("import", blocks.file("mine", text))
        assert {a: blocks.show(*a) for a in before} == before


def test_events(blocks, env):
    file = blocks.file("list", "email\na@x.test\nb@x.test\n")
    blocks.run("import", file, "--events")
    client = env.redis.client()

    def told():
        return [f for key in client.keys("pn:ev:*")
                for _, f in client.xrange(key)]
    assert len(told()) == 2
    blocks.run("import", file, "--events")
    assert len(told()) == 2


def test_notes_and_expiry(blocks):
    blocks.run("add", "a@x.test", "--note", "first", "--expires", "7d")
    assert "expires" in blocks.show("a@x.test")
    blocks.run("add", "a@x.test", "--expires", "never")
    a = blocks.show("a@x.test")
    assert "expires" not in a and a["note"] == "first"
    blocks.run("add", "a@x.test", "--note", "second")
    assert blocks.show("a@x.test")["note"] == "second"
    for when in ("yesterday", "2001-01-01"):
        assert blocks.run("add", "a@x.test", "--expires", when,
                          check=False).returncode != 0
