# SPDX-License-Identifier: BSD-2-Clause
"""The API daemon and its webhooks, against a real Redis."""
import base64
import json
import random
import re
import secrets
import socket
import threading

import pytest

from harness import story
from harness.util import wait_for, write

SECRET = story.SECRET
READER = "reader@shop.test"


def settings(env, **webhook):
    doc = story.settings(env.webhook.url)
    doc["webhooks"][0].update(webhook)
    doc["api_users"].append({
        "name": READER, "key": "reader-key-0123456789", "enabled": True,
        "access": ["api"], "permissions": ["read"]})
    doc["api_users"].append({
        "name": "smtp@shop.test", "key": "smtp-key-0123456789",
        "enabled": True, "access": ["smtp"], "permissions": ["read"]})
    return doc


def start(env, *more, **webhook):
    write(env.folder / "etc" / "master.key", secrets.token_hex(32) + "\n",
          0o600)
    env.daemons.parameters["user"] = ""
    env.daemons.parameters["socket_group"] = ""
    env.daemons.write_config()
    doc = settings(env, **webhook)
    doc["webhooks"] += [{**doc["webhooks"][0], **m} for m in more]
    env.apply(story.TENANT, doc)
    env.api.user, env.api.key = story.API_USER, story.API_KEY
    env.daemons.apid.start()
    wait_for(lambda: "in operation" in env.daemons.apid.text, what="settings")
    # The first look at an endpoint is where its events begin.
    wait_for(lambda: all("first_seen" in w for w in
                         env.api.all("/v1/webhooks")), what="the endpoints")
    return env


@pytest.fixture
def api(env):
    env.redis.start()
    env.webhook.start()
    env.daemons.prepare()
    return start(env)


def raw(env, octets, more=b""):
    """What comes back on a connection of its own."""
    with socket.create_connection(env.daemons.api_address, 30) as s:
        s.settimeout(40)
        got = b""
        try:
            s.sendall(octets)
            try:
                s.sendall(more)
            except ConnectionError:
                pass  # it has heard enough, and may have said so
            while True:
                part = s.recv(65536)
                if not part:
                    break
                got += part
                head, sep, body = got.partition(b"\r\n\r\n")
                for line in head.split(b"\r\n") if sep else []:
                    name, _, value = line.partition(b":")
                    if name.lower() == b"content-length" and \
                            len(body) >= int(value):
                        return got
        except ConnectionError:
            pass
        return got


def status_of(octets):
    return int(octets.split(b" ")[1]) if octets.startswith(b"HTTP/") else 0


def auth(user=story.API_USER, key=story.API_KEY):
    pair = f"{user}:{key}".encode()
    return "Basic " + base64.b64encode(pair).decode()


def blocked(env, n):
    """Blocks n addresses; the order in which that was done."""
    names = [f"u{i}@good.test" for i in range(n)]
    for name in names:
        assert env.api.post("/v1/blocks", body={"address": name})[0] == 201
    return names


def hooked(env):
    """Events received, once each by id, in the order of their first time."""
    seen = {}
    for post in env.webhook.taken():
        assert post.signed_by(SECRET)
        for event in post.json["data"]:
            seen.setdefault(event["id"], event)
    return list(seen.values())


def test_a_block_and_its_life(api):
    a = api.api
    body = {"address": "A..B@Good.TEST", "note": "by hand"}
    status, made, headers = a.request("POST", "/v1/blocks", body=body)
    assert status == 201 and made["address"] == "a..b@good.test"
    assert headers["Location"] == "/v1/blocks/a..b%40good.test"
    assert made["state"] == "blocked" and made["origin"] == "api"
    assert a.post("/v1/blocks", body=body)[0] == 200
    assert a.get("/v1/blocks/", "a..B@good.test") == (200, made)
    assert a.all("/v1/blocks") == [made]
    assert a.all("/v1/exemptions") == []
    assert a.delete("/v1/blocks/", "a..b@good.test")[0] == 204
    assert a.delete("/v1/blocks/", "a..b@good.test")[0] == 404
    assert a.get("/v1/blocks/", "a..b@good.test")[0] == 404
    events = a.all("/v1/events")
    assert [e["type"] for e in events] == ["blocked", "unblocked"]
    assert all(e["recipient"] == "a..b@good.test" and e["origin"] == "api"
               for e in events)


def test_an_exemption_and_its_life(api):
    a = api.api
    odd = '"a b"@e_x.test'
    assert a.post("/v1/blocks", body={"address": odd})[0] == 201
    assert a.put("/v1/exemptions/", odd, body={"note": "wrong"})[0] == 201
    assert a.put("/v1/exemptions/", odd)[0] == 200
    assert a.get("/v1/blocks/", odd)[0] == 404
    assert a.get("/v1/exemptions/", odd)[1]["state"] == "exempt"
    assert a.post("/v1/blocks", body={"address": odd})[0] == 409
    assert a.delete("/v1/exemptions/", odd)[0] == 204
    assert a.delete("/v1/exemptions/", odd)[0] == 404
    assert a.post("/v1/blocks", body={"address": odd})[0] == 201


@pytest.mark.parametrize("address", [
    "a/b@good.test", "a+b@good.test", "a%b@good.test", "x'y@good.test",
    ".dot.@good.test", "a..b@e_x.test", "ü@good.test", "a?b#c@good.test"])
def test_odd_addresses(api, address):
    a = api.api
    assert a.post("/v1/blocks", body={"address": address})[0] == 201
    status, found = a.get("/v1/blocks/", address)
    assert status == 200 and found["state"] == "blocked"
    assert a.delete("/v1/blocks/", address)[0] == 204


def test_lists_are_pages(api):
    a = api.api
    names = blocked(api, 25)
    page = a.get("/v1/blocks", limit=10)[1]
    assert len(page["data"]) == 10 and page["has_more"]
    got = [b["address"] for b in a.all("/v1/blocks", limit=7)]
    assert sorted(got) == sorted(names)
    got = a.all("/v1/blocks", contains="u1")
    assert len(got) == 11
    assert a.all("/v1/blocks", status=2) == []
    assert a.all("/v1/blocks", since_from="2100-01-01T00:00:00Z") == []
    assert len(a.all("/v1/events", limit=4)) == 25
    assert len(a.all("/v1/events", recipient="U3@good.test")) == 1
    assert a.all("/v1/events", type="failed,deferred") == []
    assert len(a.all("/v1/events", type="blocked")) == 25


def test_every_error_is_named(api):
    a = api.api
    status, p = a.get("/v1/blocks", x=1, limit=0, status=77, since_from="z")
    assert status == 400
    assert {e["name"] for e in p["errors"]} == \
        {"x", "limit", "status", "since_from"}
    status, p = a.post("/v1/blocks", body={
        "address": "nobody", "note": 7, "expires": "soon", "more": 1})
    assert status == 400
    assert {e["name"] for e in p["errors"]} == \
        {"address", "note", "expires", "more"}
    assert a.get("/v1/blocks", cursor="!")[0] == 400
    assert a.get("/v1/events", type="lost")[0] == 400
    assert a.get("/v1/nothing")[0] == 404
    status, _, headers = a.request("PATCH", "/v1/blocks")
    assert status == 405 and headers["Allow"] == "GET, HEAD, POST"
    assert a.request("POST", "/v1/blocks", body={}, headers={
        "Content-Type": "text/plain"})[0] == 415
    assert a.request("GET", "/v1/blocks", headers={
        "Accept": "text/html"})[0] == 406
    assert a.post("/v1/blocks", body=[1])[0] == 400
    status, p, headers = a.request("GET", "/v1/blocks/", "nobody")
    assert status == 400 and \
        headers["Content-Type"] == "application/problem+json"


def test_log_in(api):
    a = api.api
    generated = "ptn_" + base64.urlsafe_b64encode(b"x@y").decode() + "_z"
    for header in (None, auth(key="wrong"), auth("who@shop.test"),
                   auth("smtp@shop.test", "smtp-key-0123456789"),
                   "Basic !", f"Bearer {generated}", "Digest x"):
        line = f"Authorization: {header}\r\n" if header else ""
        got = raw(api, f"GET /v1/blocks HTTP/1.1\r\nHost: x\r\n{line}\r\n"
                  .encode())
        assert status_of(got) == 401, header
        assert b"WWW-Authenticate: Basic" in got
    a.user, a.key = READER, "reader-key-0123456789"
    assert a.get("/v1/blocks")[0] == 200
    status, p = a.delete("/v1/blocks/", "x@good.test")
    assert status == 403 and "write" in p["detail"]
    a.user = None
    assert a.get("/v1/health")[0] == 200
    assert a.get("/v1/openapi.json")[1]["openapi"].startswith("3.1")


def test_wrong_keys_are_slowed_down(api):
    a = api.api
    assert a.get("/v1/blocks")[0] == 200
    a.key = "wrong"
    answers = [a.request("GET", "/v1/blocks") for _ in range(15)]
    assert answers[0][0] == 401 and answers[-1][0] == 429
    assert int(answers[-1][2]["Retry-After"]) >= 1
    a.key = story.API_KEY
    assert a.get("/v1/blocks")[0] == 200, "who is known is not shut out"


def test_a_new_key_counts_at_once(api):
    a = api.api
    assert a.get("/v1/blocks")[0] == 200
    doc = settings(api)
    doc["api_users"][0]["key"] = "another-key-0123456789"
    api.apply(story.TENANT, doc)
    wait_for(lambda: a.get("/v1/blocks")[0] == 401, what="the old key's end")
    a.key = "another-key-0123456789"
    assert a.get("/v1/blocks")[0] == 200


def test_hostile_requests(api):
    head = f"Host: x\r\nAuthorization: {auth()}\r\n".encode()
    post = b"POST /v1/blocks HTTP/1.1\r\n" + head + \
        b"Content-Type: application/json\r\n"

    def body(octets):
        return status_of(raw(api, post + b"Content-Length: %d\r\n\r\n"
                             % len(octets), octets))

    for octets in (b"", b"{", b"nonsense", b"[" * 5000, b"\xff\xfe",
                   b'{"address":"a\x00b@c.test"}', b'{"address":"\xff@c.d"}',
                   b'{"address":"a@b.c","address":"a@b.c"}', b"null",
                   b'{"address":"a\\u0000b@c.test"}',
                   b'{"address":"' + b"x" * 2000 + b'@c.test"}'):
        assert body(octets) == 400, octets[:40]
    # Who goes on talking may find the connection gone before the answer.
    assert body(b" " * 2 * 1024 * 1024) in (0, 413)
    head_only = post + b"Content-Length: 2097152\r\n\r\n"
    assert status_of(raw(api, head_only)) == 413
    chunks = post + b"Transfer-Encoding: chunked\r\n\r\n" + \
        (b"10000\r\n" + b" " * 65536 + b"\r\n") * 20 + b"0\r\n\r\n"
    assert status_of(raw(api, chunks)) in (0, 413)
    for target in (b"/v1/blocks/%", b"/v1/blocks/%zz", b"/v1/blocks/%00",
                   b"/v1/blocks/%ff", b"/v1/blocks?%ff", b"/v1/blocks?a=%00"):
        got = raw(api, b"GET " + target + b" HTTP/1.1\r\n" + head + b"\r\n")
        assert status_of(got) == 400, target
    got = raw(api, b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\n" + head +
              b"\r\n")
    assert status_of(got) in (0, 413, 414, 431)
    got = raw(api, b"GET /v1/health HTTP/1.1\r\nX: " + b"y" * 100000 +
              b"\r\n\r\n")
    assert status_of(got) in (0, 413, 431)
    for octets in (b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n",
                   b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\r\n\r\n"):
        assert status_of(raw(api, octets + b"\r\n")) in (0, 400, 505), octets
    rng = random.Random(4711)
    for _ in range(50):
        raw(api, bytes(rng.randrange(256) for _ in range(200)) +
            b"\r\n\r\n\r\n")
    assert api.api.get("/v1/health")[0] == 200


def test_a_dawdler_is_cut_off_and_hinders_nobody(api):
    with socket.create_connection(api.daemons.api_address, 60) as slow:
        slow.sendall(b"GET /v1/health HTTP/1.1\r\nX")
        assert api.api.get("/v1/health")[0] == 200
        slow.settimeout(60)
        assert b"200" not in slow.recv(1000)
    assert api.api.get("/v1/health")[0] == 200


def test_256_clients_at_once(api):
    request = (f"GET /v1/blocks/x@good.test HTTP/1.1\r\nHost: x\r\n"
               f"Authorization: {auth()}\r\n\r\n").encode()
    assert api.api.get("/v1/blocks")[0] == 200
    clients = [socket.create_connection(api.daemons.api_address, 30)
               for _ in range(256)]
    for _ in range(10):
        for c in clients:
            c.sendall(request)
        for c in clients:
            got = b""
            while b'"status":404' not in got:
                part = c.recv(65536)
                assert part, got
                got += part
    for c in clients:
        c.close()


def test_redis_away(api):
    a = api.api
    assert a.get("/v1/blocks")[0] == 200
    api.redis.stop()
    wait_for(lambda: a.get("/v1/health")[0] == 503, what="503")
    status, _, headers = a.request("GET", "/v1/blocks")
    assert status == 503 and int(headers["Retry-After"]) > 0
    assert a.post("/v1/blocks", body={"address": "a@good.test"})[0] == 503
    api.redis.start()
    wait_for(lambda: a.get("/v1/health")[0] == 200, what="200")
    assert a.post("/v1/blocks", body={"address": "a@good.test"})[0] == 201
    wait_for(lambda: len(hooked(api)) >= 1, what="the webhook")


def test_webhooks_come_signed_in_order_and_once(api):
    names = blocked(api, 230)
    wait_for(lambda: len(hooked(api)) == 230, 20, "230 events")
    assert [e["recipient"] for e in hooked(api)] == names
    posts = api.webhook.taken()
    ids = [p.headers["webhook-id"] for p in posts]
    assert len(set(ids)) == len(ids)
    assert all(len(p.json["data"]) <= 100 for p in posts)
    assert all(p.json["type"] == "blocks.batch" for p in posts)
    state = wait_for(lambda: (lambda s: s if s["waiting"] == 0 else None)(
        api.api.get("/v1/webhooks/app")[1]), what="an empty queue")
    assert state["enabled"] and "last_success" in state


def test_a_failing_receiver_gets_the_same_ids_later(api):
    api.webhook.answers = [(302, {"Location": api.webhook.url}), (200, {})]
    blocked(api, 3)
    wait_for(lambda: len(api.webhook.taken()) >= 2 and
             len(hooked(api)) == 3, 60, "three events, and one batch again")
    wait_for(lambda: api.api.get("/v1/webhooks/app")[1]["waiting"] == 0, 60,
             "an empty queue")
    first = api.webhook.taken()[0]
    again = [p for p in api.webhook.taken()
             if p.headers["webhook-id"] == first.headers["webhook-id"]]
    assert len(again) == 2
    assert all([e["id"] for e in p.json["data"]] ==
               [e["id"] for e in first.json["data"]] for p in again)


def test_retry_after_is_obeyed(api):
    api.webhook.answers = [(429, {"Retry-After": "8"}), (200, {})]
    blocked(api, 1)
    wait_for(lambda: len(api.webhook.taken()) == 2, 60, "the second attempt")
    first, second = api.webhook.taken()
    assert second.at - first.at >= 8


def test_410_disables_and_the_api_enables(api):
    api.webhook.answers = [(410, {}), (200, {})]
    blocked(api, 1)
    state = wait_for(lambda: (lambda s: s if not s["enabled"] else None)(
        api.api.get("/v1/webhooks/app")[1]), what="disabled")
    assert "410" in state["disabled_reason"]
    assert api.api.post("/v1/webhooks/app/enable")[0] == 204
    wait_for(lambda: len(api.webhook.posts) >= 2, what="the batch again")
    first, second = api.webhook.taken()[:2]
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_a_dead_receiver_delays_no_other(env):
    env.redis.start()
    env.webhook.start()
    env.daemons.prepare()
    silent = socket.create_server(("127.0.0.1", 8026))
    start(env, {"name": "silent", "url": "http://127.0.0.1:8026/"},
          {"name": "closed", "url": "http://127.0.0.1:8027/"})
    blocked(env, 5)
    wait_for(lambda: len(hooked(env)) == 5, 5, "five events")
    states = {w["name"]: w for w in env.api.all("/v1/webhooks")}
    assert states["silent"]["waiting"] == 5
    assert states["closed"]["waiting"] == 5
    silent.close()


def test_dead_letters_go_out_again(api):
    """The third day is over: written into Redis as if it were."""
    r = api.redis.client()
    key = "pn:w:{shop:app}:"
    api.webhook.answers = [(500, {})]
    blocked(api, 2)
    wait_for(lambda: len(api.webhook.posts) >= 1, what="an attempt")
    ids = wait_for(lambda: r.hgetall(key + "meta"), what="a batch")
    for id, meta in ids.items():
        kind, _, made, count = meta.split(" ")
        r.hset(key + "meta", id, f"{kind} 20 {made} {count}")
    for id in ids:
        r.zadd(key + "due", {id: 1})
    dead = wait_for(lambda: api.api.all("/v1/webhooks/app/dead"), 90,
                    "dead letters")
    assert dead[0]["type"] == "blocks" and "500" in dead[0]["last_error"]
    assert dead[0]["id"] in ids
    status, p = api.api.post("/v1/webhooks/app/dead/replay",
                             body={"id": "msg_nothing"})
    assert status == 404, p
    api.webhook.answers = [(200, {})]
    before = len(api.webhook.taken())
    assert api.api.post("/v1/webhooks/app/dead/replay",
                        body={"id": dead[0]["id"]})[1] == {"replayed": 1}
    wait_for(lambda: len(api.webhook.taken()) > before, what="the replay")
    assert api.webhook.taken()[before].headers["webhook-id"] == \
        dead[0]["id"]
    assert dead[0]["id"] not in [
        d["id"] for d in api.api.all("/v1/webhooks/app/dead")]


def test_nothing_is_lost_when_apid_is_killed(api):
    rng = random.Random(1)
    done = threading.Event()
    made = []

    def change():
        n = 0
        while not done.is_set() or n % 10:
            name = f"k{n}@good.test"
            try:
                if api.api.post("/v1/blocks",
                                body={"address": name})[0] == 201:
                    made.append(name)
            except OSError:
                pass
            n += 1

    worker = threading.Thread(target=change)
    worker.start()
    for i in range(5):
        target = len(made) + rng.randrange(20, 120)
        wait_for(lambda: len(made) >= target, 20, "more blocks")
        api.daemons.apid.kill()
        api.daemons.apid.start()
    done.set()
    worker.join(60)
    wait_for(lambda: set(made) <= {e["recipient"] for e in hooked(api)},
             120, "every event")
    ids = {}
    for post in api.webhook.taken():
        for e in post.json["data"]:
            assert ids.setdefault(e["recipient"], e["id"]) == e["id"]


def test_private_addresses_are_refused(env):
    env.redis.start()
    env.webhook.start()
    env.daemons.prepare()
    env.daemons.parameters["webhook_private_addresses"] = "no"
    start(env)
    blocked(env, 1)
    state = wait_for(lambda: (lambda s: s if "last_error" in s else None)(
        env.api.get("/v1/webhooks/app")[1]), what="the refusal")
    assert "not permitted" in state["last_error"]
    assert env.webhook.taken() == []


def test_cmc_form(env):
    import urllib.parse
    env.redis.start()
    env.webhook.start()
    env.daemons.prepare()
    start(env, format="cmc-form", api_key="k1")
    blocked(env, 1)
    post = wait_for(lambda: env.webhook.taken(), what="the webhook")[0]
    form = urllib.parse.parse_qs(post.body.decode(), strict_parsing=True)
    assert form["api_key"] == ["k1"] and form["event_type"] == ["blocks"]
    assert form["server_composition"] == ["Shop"]
    event = json.loads(form["event"][0])["blocks"][0]
    assert event["address"] == "u0@good.test"
    assert event["status"] == "registered"


def test_the_command_line_does_the_same(api):
    def blocks(*words, **kw):
        return api.cli.run("blocks", "-t", story.TENANT, *words, **kw)

    blocks("add", "X@Good.test", "--note", "by hand")
    line = blocks("list", "--contains", "x@").stdout
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ   0  cli       "
                        r"x@good\.test  by hand\n", line), line
    block = json.loads(blocks("show", "x@good.test").stdout)
    assert block == api.api.get("/v1/blocks/", "x@good.test")[1]
    assert block["origin"] == "cli" and block["note"] == "by hand"
    assert blocks("remove", "y@good.test", check=False).returncode != 0
    blocks("exempt", "x@good.test")
    assert blocks("add", "x@good.test", check=False).returncode != 0
    assert json.loads(blocks("export", "--json").stdout)["state"] == "exempt"
    blocks("unexempt", "x@good.test")
    assert blocks("export", "--json").stdout == ""
    wait_for(lambda: [e["type"] for e in hooked(api)] ==
             ["blocked", "exempted"], what="the webhooks")
