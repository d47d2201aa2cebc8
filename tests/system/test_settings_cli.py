# SPDX-License-Identifier: BSD-2-Clause
"""postern init, settings and keys, as an administrator uses them."""
import base64
import json
import os
import re
import stat

import pytest

from harness.util import run, write

EX_OK, EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_UNAVAILABLE = 0, 64, 65, 66, 69
EX_TEMPFAIL, EX_NOPERM, EX_CONFIG = 75, 77, 78
WHSEC = "whsec_cG9zdGVybi1kZW1vLXdlYmhvb2stc2VjcmV0LTAx"
KEY = "open-sesame-1"


@pytest.fixture
def made(base):
    """Redis, postern.conf, and what "postern init" made."""
    base.cli.run("init")
    return base


def settings(env, *argv, **kw):
    return env.cli.run("settings", "-t", "shop", *argv, **kw)


def document(env, *argv):
    return json.loads(settings(env, "show", *argv).stdout)


def load(env, doc, *argv, **kw):
    return settings(env, "import", *argv, "-", input=json.dumps(doc), **kw)


def refused(done, status, *words):
    assert done.returncode == status, (done.returncode, done.stderr)
    for word in words:
        assert word in done.stderr, (word, done.stderr)


# ---- init ----

def test_init_makes_everything_once(base):
    config = base.folder / "etc" / "new" / "postern.conf"
    key = base.folder / "etc" / "master.key"
    config.parent.mkdir()
    first = base.cli.run("init").stdout
    assert f"{key}: made" in first
    assert "settings _global: made" in first
    assert "settings default: made" in first
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    secret = re.search(r"API user admin, key (\S+)", first).group(1)

    def state():
        client = base.redis.client()
        return (key.read_text(), base.daemons.config.read_text(),
                {k: client.hgetall(k) for k in client.keys("pn:{s}:*")})

    before = state()
    assert secret not in str(before)
    second = base.cli.run("init").stdout
    assert state() == before
    assert "key: made" not in second and "settings default: made" not in second
    assert second.count("there already") == 3
    assert "pk1_" not in second

    # A file of its own, with the address it was told.
    done = base.cli.run("init", "--config", config, "--redis",
                        f"unix:{base.redis.socket}", check=False)
    assert f"redis = unix:{base.redis.socket}\n" in config.read_text(), done
    assert stat.S_IMODE(config.stat().st_mode) == 0o644


def test_init_does_not_take_an_open_master_key(base):
    key = write(base.folder / "etc" / "master.key", "00" * 32 + "\n", 0o644)
    refused(base.cli.run("init", check=False), EX_NOPERM, str(key))


def test_init_says_what_redis_lacks(base):
    base.redis.client().config_set("appendonly", "no")
    base.redis.client().config_set("maxmemory-policy", "allkeys-lru")
    out = base.cli.run("init").stdout
    assert 'set "appendonly yes"' in out
    assert 'set "maxmemory-policy noeviction"' in out


# ---- the way of a document ----

def test_draft_apply_history_rollback(made):
    refused(settings(made, "show", check=False), EX_NOINPUT,
            "shop: no settings yet")
    refused(settings(made, "apply", check=False), EX_NOINPUT,
            "there is no draft")
    assert "draft stored" in load(made, {"title": "one"}).stdout
    refused(settings(made, "show", check=False), EX_NOINPUT)
    assert document(made, "--draft") == {"title": "one"}
    assert "revision 1 is in operation" in \
        settings(made, "apply", "-m", "the first").stdout
    assert document(made) == {"title": "one"}

    settings(made, "set", "/title", "two")
    settings(made, "set", "/suppression", '{"mode": "observe"}')
    out = settings(made, "diff").stdout
    assert '- /title: "one"\n+ /title: "two"\n' in out
    assert '+ /suppression: {"mode":"observe"}\n' in out
    settings(made, "unset", "/suppression/mode")
    assert "mode" not in settings(made, "diff").stdout
    settings(made, "apply", "-m", "the second")
    assert settings(made, "diff").stdout == ""

    out = settings(made, "history").stdout.splitlines()
    assert re.fullmatch(r" +2  \d{4}-\d\d-\d\dT[\d:]+Z  \S+  the second",
                        out[0]), out
    assert out[1].endswith("the first") and len(out) == 2
    assert document(made, "--revision", "1")["title"] == "one"

    assert "revision 3 is in operation" in \
        settings(made, "rollback", "1").stdout
    assert document(made) == {"title": "one"}
    refused(settings(made, "rollback", "9", check=False), EX_NOINPUT,
            "this revision is not kept")
    refused(settings(made, "rollback", "first", check=False), EX_DATAERR,
            "not a revision")

    settings(made, "set", "/title", "away with it")
    settings(made, "discard")
    assert document(made, "--draft") == {"title": "one"}
    refused(settings(made, "discard", check=False), EX_NOINPUT)
    assert made.cli.run("settings", "list").stdout.split() == \
        ["_global", "default", "shop"]


def test_export_can_be_imported_elsewhere(made):
    load(made, {"title": "one", "webhooks": [
        {"name": "app", "url": "https://app.test/", "events": ["blocks"],
         "secrets": [WHSEC]}]}, "--apply")
    text = settings(made, "export").stdout
    assert WHSEC not in text and "enc:v1:" in text
    everything = json.loads(made.cli.run("settings", "export", "--all").stdout)
    assert set(everything) == {"_global", "default", "shop"}
    assert everything["shop"] == json.loads(text)
    # What is sealed opens under the same tenant and master key only.
    settings(made, "import", "--apply", "-", input=text)
    refused(made.cli.run("settings", "-t", "mall", "import", "-", input=text,
                         check=False), EX_DATAERR, "/webhooks/0/secrets/0")
    key = made.folder / "etc" / "master.key"
    key.write_text("11" * 32 + "\n")
    refused(settings(made, "import", "-", input=text, check=False),
            EX_DATAERR, "/webhooks/0/secrets/0")


def test_two_administrators(made):
    load(made, {"title": "one"}, "--apply")
    settings(made, "set", "/title", "from revision 1")
    # Somebody else applies in between; the draft of the first one is put
    # back as it was.
    client = made.redis.client()
    draft = client.hget("pn:{s}:drafts", "shop")
    assert draft.startswith("1\n")
    load(made, {"title": "the other one"}, "--apply")
    client.hset("pn:{s}:drafts", "shop", draft)
    refused(settings(made, "apply", check=False), EX_TEMPFAIL,
            "another revision was applied")
    assert document(made)["title"] == "the other one"
    settings(made, "discard")
    settings(made, "set", "/title", "again")
    settings(made, "apply")


# ---- what is refused ----

def test_every_error_at_once_with_its_path(made):
    doc = {
        "titel": "x",
        "received": "sometimes",
        "blocking": [{"status": 2, "count": 0}, {"status": 2}],
        "limits": [{"name": "a", "key": ["moon"],
                    "rates": [{"quantity": 1, "period": "1 hour"}]}],
        "webhooks": [{"name": "app", "url": "ftp://x/", "events": []}],
        "domains": [{"name": "shop.test",
                     "dkim": [{"selector": "s", "key": "not a key"}]}],
    }
    done = load(made, doc, check=False)
    refused(done, EX_DATAERR, "postern: -: ", "titel", "/received: ",
            "/blocking/0/count: ", "/blocking/1", "/limits/0/key/0: ",
            "/limits/0/rates/0/period: ", "/webhooks/0/url: ",
            "/webhooks/0/events: ")
    assert "not a key" not in done.stderr
    # Nothing of it was kept.
    refused(settings(made, "apply", check=False), EX_NOINPUT)
    path = write(made.folder / "doc.json", json.dumps(doc))
    offline = settings(made, "validate", path, check=False)
    refused(offline, EX_DATAERR, "/webhooks/0/url: ")
    write(path, "{\n \"title\": \n")
    refused(settings(made, "validate", path, check=False), EX_DATAERR,
            str(path))
    write(path, '{"title": "good"}')
    assert settings(made, "validate", path).stdout == ""
    refused(settings(made, "validate", made.folder / "none", check=False), 74)


def user(name):
    return {"name": name, "key": KEY}


def test_apply_looks_at_all_tenants(made):
    load(made, {"api_users": [user("anna")]}, "--apply")
    # By itself it is valid; beside "shop" it is not.
    doc = json.dumps({"api_users": [user("bert"), user("Anna")]})
    done = made.cli.run("settings", "-t", "mall", "import", "--apply", "-",
                        input=doc, check=False)
    refused(done, EX_DATAERR, "/api_users/", "/name", '"shop"', "mall",
            "the daemons would refuse this: the draft stays")
    refused(made.cli.run("settings", "-t", "mall", "apply", check=False),
            EX_DATAERR, "the daemons would refuse this")
    refused(made.cli.run("settings", "-t", "mall", "show", check=False),
            EX_NOINPUT)
    # The draft is there to be mended.
    made.cli.run("settings", "-t", "mall", "set", "/api_users/1/name", "carl")
    made.cli.run("settings", "-t", "mall", "apply")
    # A name that became free may be used; going back then is refused.
    load(made, {"api_users": []}, "--apply")
    made.cli.run("settings", "-t", "mall", "set", "/api_users/1/name", "anna")
    made.cli.run("settings", "-t", "mall", "apply")
    refused(settings(made, "rollback", "1", check=False), EX_DATAERR,
            '"mall"', "nothing is changed")
    assert document(made)["api_users"] == []


def test_a_tenant_that_is_refused_already_hinders_nobody(made):
    client = made.redis.client()
    client.hset("pn:{s}:docs:old", "1", '{"of a newer version": 1}')
    client.hset("pn:{s}:revs", "old", "1")
    done = load(made, {"title": "one"}, "--apply")
    assert "could not be checked" in done.stderr
    assert document(made)["title"] == "one"
    # Its own next document mends it.
    made.cli.run("settings", "-t", "old", "import", "--apply", "-",
                 input="{}")
    assert load(made, {"title": "two"}, "--apply").stderr == ""


def test_help(base):
    whole = base.cli.run("help").stdout
    for words in (["--help"], ["-h"]):
        assert base.cli.run(*words).stdout == whole
    commands = re.findall(r"^  (\w+) +\w", whole, re.M)
    assert {"init", "settings", "keys", "help"} <= set(commands)
    for name in commands:
        text = base.cli.run("help", name).stdout
        assert f"usage: postern {name}" in text
        for option in ("--help", "-h"):
            assert base.cli.run(name, option).stdout == text
    assert base.cli.run("help", "a", "b", check=False).returncode == EX_USAGE


def test_wrong_use(made):
    for argv in (["settings"], ["settings", "show", "more"],
                 ["settings", "import"], ["settings", "set", "/title"],
                 ["settings", "-t", "Not A Name", "show"],
                 ["settings", "-t", "default", "rollback"],
                 ["keys"], ["keys", "generate"], ["keys", "record", "x.test"],
                 ["keys", "-t", "Not A Name", "list"],
                 ["init", "--redis"], []):
        assert made.cli.run(*argv, check=False).returncode == EX_USAGE, argv
    refused(settings(made, "show", "--revision", "77", check=False),
            EX_NOINPUT, "this revision is not kept")
    made.redis.stop()
    done = settings(made, "show", check=False)
    assert done.returncode in (EX_UNAVAILABLE, EX_TEMPFAIL), done
    assert "redis" in done.stderr
    write(made.daemons.config, "no_such_parameter = 1\n")
    refused(settings(made, "show", check=False), EX_CONFIG,
            "no_such_parameter")


# ---- secrets ----

def test_secrets_are_sealed_and_never_shown(made):
    load(made, {
        "webhooks": [{"name": "app", "url": "https://app.test/",
                      "events": ["blocks"], "secrets": [WHSEC],
                      "api_key": "cmc-api-key", "authorization": "Bearer t0"}],
        "api_users": [user("anna")],
    }, "--apply")
    secrets = (WHSEC, "cmc-api-key", "Bearer t0", KEY)
    client = made.redis.client()
    stored = str({k: client.hgetall(k) for k in client.keys("pn:{s}:*")})
    shown = settings(made, "show").stdout + settings(made, "export").stdout + \
        settings(made, "show", "--draft").stdout
    for secret in secrets:
        assert secret not in stored and secret not in shown, secret
    hook = document(made)["webhooks"][0]
    assert hook["secrets"] == ["(sealed)"]
    assert hook["api_key"] == hook["authorization"] == "(sealed)"
    assert "key" not in document(made)["api_users"][0]

    # argv is no place for a secret; standard input is.
    done = settings(made, "set", "/webhooks/0/api_key", "new-api-key",
                    check=False)
    refused(done, EX_NOPERM, "standard input")
    settings(made, "set", "/webhooks/0/api_key", "-", input="new-api-key\n")
    out = settings(made, "diff").stdout
    assert out == '- /webhooks/0/api_key: "(sealed)"\n' \
        '+ /webhooks/0/api_key: "(sealed)"\n'
    settings(made, "apply")
    settings(made, "unset", "/webhooks")
    assert "enc:v1:" not in settings(made, "diff").stdout
    settings(made, "discard")
    # Sealed once more: with a new nonce, so nobody sees what is the same.
    sealed = json.loads(settings(made, "export").stdout)["webhooks"][0]
    settings(made, "set", "/webhooks/0/api_key", "-", input="new-api-key\n")
    settings(made, "apply")
    again = json.loads(settings(made, "export").stdout)["webhooks"][0]
    assert again["api_key"] != sealed["api_key"]
    assert again["authorization"] == sealed["authorization"]


# ---- edit ----

def edit(env, monkeypatch, script, check=True):
    path = write(env.folder / "editor", "#!/bin/sh\n" + script, 0o755)
    monkeypatch.setenv("VISUAL", str(path))
    return settings(env, "edit", check=check)


def test_edit(made, monkeypatch):
    load(made, {"title": "one"}, "--apply")
    assert edit(made, monkeypatch, ":\n").stdout == ""
    edit(made, monkeypatch, "sed -i s/one/two/ \"$1\"\n")
    assert document(made, "--draft")["title"] == "two"
    # A text that is refused is not lost: neither as JSON nor as settings.
    for text, word in (('{"received": "three"}', "/received: "),
                       ('{"title": ', "line")):
        done = edit(made, monkeypatch,
                    f"cat >\"$1\" <<'END'\n{text}\nEND\n", check=False)
        refused(done, EX_DATAERR, word, "your text is kept in")
        path = re.search(r"kept in (\S+);", done.stderr).group(1)
        with open(path) as f:
            assert f.read().strip() == text.strip()
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        write(path, '{"title": "mended"}', 0o600)
        settings(made, "import", path)
        assert document(made, "--draft")["title"] == "mended"
        run(["rm", path])
        settings(made, "discard")
    # An editor that fails has changed nothing.
    done = edit(made, monkeypatch, "echo '{}' >\"$1\"\nexit 1\n", check=False)
    assert done.returncode != 0 and "kept in" not in done.stderr
    assert document(made, "--draft")["title"] == "one"


# ---- keys ----

def record(out):
    """(name, value) of the printed zone line; its parts are put together."""
    name = out.split(" IN TXT", 1)[0].splitlines()[-1]
    zone = out.split("(", 1)[1].split(")", 1)[0]
    parts = re.findall(r'"([^"]*)"', zone)
    assert all(len(p) <= 255 for p in parts)
    value = "".join(parts)
    assert f"plain: {value}\n" in out
    return name, value


def public_of(pem, raw=False):
    der = run(["openssl", "pkey", "-pubout"], input=pem).stdout
    octets = base64.b64decode("".join(
        x for x in der.splitlines() if "-----" not in x))
    return octets[-32:] if raw else octets


def test_keys_and_their_records(made):
    def keys(*argv, **kw):
        return made.cli.run("keys", "-t", "shop", *argv, **kw)

    rsa = keys("generate", "shop.test", "--selector", "r1").stdout
    ed = keys("generate", "shop.test", "--selector", "e1", "--algorithm",
              "ed25519", "--state", "active").stdout
    name, value = record(rsa)
    assert name == "r1._domainkey.shop.test."
    assert value.startswith("v=DKIM1; k=rsa; p=")
    assert record(ed)[1].startswith("v=DKIM1; k=ed25519; p=")
    assert "PRIVATE KEY" not in rsa + ed
    refused(keys("generate", "shop.test", "--selector", "r1", check=False),
            EX_DATAERR, "is there already")
    for bad in (["--bits", "512"], ["--algorithm", "dsa"]):
        assert keys("generate", "x.test", *bad,
                    check=False).returncode == EX_DATAERR
    assert keys("generate", "shop.test", "--bits", "1024").returncode == 0

    # Both ways to the record say the same, as long as the key lives.
    assert record(keys("record", "shop.test", "r1").stdout) == (name, value)
    settings(made, "apply")
    assert record(keys("record", "shop.test", "r1").stdout) == (name, value)
    lines = keys("list").stdout.splitlines()
    when = r"20[-0-9]+T[0-9:.]+Z"
    for line, start in zip(lines, (
            rf"shop\.test +r1 +prepared +{when} +rsa-2048 ",
            rf"shop\.test +e1 +active +{when} +ed25519 ",
            rf"shop\.test +p\d{{8}} +prepared +{when} +rsa-1024 "),
            strict=True):
        assert re.match(start, line), line

    keys("state", "shop.test", "r1", "active", "--force")
    assert document(made, "--draft")["domains"][0]["dkim"][0]["state"] == \
        "active"
    refused(keys("state", "shop.test", "r1", "asleep", check=False),
            EX_DATAERR, "no such state")
    refused(keys("state", "shop.test", "r9", "active", "--force",
                 check=False),
            EX_NOINPUT, "no key r9 of shop.test")
    refused(keys("record", "other.test", "r1", check=False), EX_NOINPUT)
    assert keys("record", "shop.test", "r1",
                check=False).returncode == EX_OK


def test_the_record_belongs_to_the_private_key(made):
    """Keys made by somebody else, so that the private half is known."""
    for algorithm, raw in (("rsa", False), ("ed25519", True)):
        argv = ["openssl", "genpkey", "-algorithm", algorithm]
        pem = run(argv).stdout
        load(made, {"domains": [{"name": "shop.test", "dkim": [
            {"selector": "s1", "key": pem}]}]}, "--apply")
        out = made.cli.run("keys", "-t", "shop", "record", "shop.test",
                           "s1").stdout
        value = record(out)[1]
        assert value.startswith(f"v=DKIM1; k={algorithm}; p=")
        assert base64.b64decode(value.split("p=")[1]) == public_of(pem, raw)
