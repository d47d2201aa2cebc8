# SPDX-License-Identifier: BSD-2-Clause
"""Rate limits by API and command line: seen, reset, overridden for a time."""
import datetime
import secrets

import pytest

from harness import story
from harness.policy import Policy
from harness.util import wait_for, write

READER = "reader@shop.test"
LIMITS = [
    {"name": "per-sender", "key": ["sender"],
     "rates": [{"quantity": 60, "period": "1h", "burst": 3}]},
    {"name": "pair", "key": ["sender_domain", "recipient_domain"],
     "mode": "observe",
     "rates": [{"quantity": 1000, "period": "1d"},
               {"quantity": 100, "period": "1h", "burst": 2}]},
]
ONE = "/v1/limits/per-sender/news@shop.test"


@pytest.fixture
def shop(env):
    env.redis.start()
    env.webhook.start()
    env.daemons.prepare()
    write(env.folder / "etc" / "master.key", secrets.token_hex(32) + "\n",
          0o600)
    env.daemons.parameters["user"] = ""
    env.daemons.parameters["socket_group"] = ""
    env.daemons.write_config()
    document = env.settings(limits=LIMITS)
    document["api_users"].append({
        "name": READER, "key": "reader-key-0123456789", "enabled": True,
        "access": ["api"], "permissions": ["read"]})
    env.apply("_global", story.GLOBAL)
    env.apply(story.TENANT, document)
    env.api.user, env.api.key = story.API_USER, story.API_KEY
    env.daemons.start("policyd", "apid")
    for name in "policyd", "apid":
        wait_for(lambda: f"tenant {story.TENANT}: revision" in
                 env.daemons.of[name].text, what=f"{name} has its settings")
    with Policy(env.postfix.queue / "postern" / "policyd.sock") as policy:
        env.policy = policy
        yield env


def allowed(env, times=10):
    return sum(env.policy.ask("mia@good.test") == "DUNNO"
               for _ in range(times))


def in_seconds(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + \
        datetime.timedelta(seconds=seconds)
    return at.isoformat().replace("+00:00", "Z")


def audit(env):
    rows = []
    for key in env.redis.client().scan_iter("pn:a:*"):
        rows += [row for _, row in env.redis.client().xrange(key)]
    return [{k.decode() if isinstance(k, bytes) else k:
             v.decode() if isinstance(v, bytes) else v
             for k, v in row.items()} for row in rows]


def test_seen_and_reset(shop):
    api = shop.api
    assert [r["rule"] for r in api.all("/v1/limits")] == ["per-sender", "pair"]
    assert api.all("/v1/limits")[1] == {
        "rule": "pair", "mode": "observe", "per_recipient": False,
        "key": ["sender_domain", "recipient_domain"],
        "rates": [{"quantity": 1000, "period_s": 86400, "burst": 1000},
                  {"quantity": 100, "period_s": 3600, "burst": 2}]}
    assert api.get(ONE) == (200, {
        "rule": "per-sender", "value": "news@shop.test", "wait_s": 0,
        "rates": [{"quantity": 60, "period_s": 3600, "burst": 3, "used": 0,
                   "wait_s": 0}]})
    assert allowed(shop) == 3
    status, seen = api.get(ONE)
    assert seen["rates"][0]["used"] == 3 and 0 < seen["wait_s"] <= 60
    status, seen = api.get("/v1/limits/pair/", "Shop.test GOOD.test")
    assert status == 200 and seen["value"] == "shop.test good.test"
    assert [r["used"] for r in seen["rates"]][1] == 2
    assert api.delete(ONE) == (204, b"")
    assert api.get(ONE)[1]["rates"][0]["used"] == 0
    assert allowed(shop) == 3


def test_overridden(shop):
    api = shop.api
    assert allowed(shop) == 3
    until = in_seconds(600)
    status, seen = api.put(ONE + "/override",
                           body={"unlimited": True, "until": until})
    assert status == 200 and seen["override"]["unlimited"] is True
    assert seen["rates"] == [] and seen["wait_s"] == 0
    assert allowed(shop, 20) == 20
    status, seen = api.put(ONE + "/override", body={
        "quantity": 10, "period": "1h", "burst": 5, "until": until})
    assert status == 200
    assert seen["override"]["quantity"] == 10
    assert seen["rates"][0]["burst"] == 5
    assert api.delete(ONE)[0] == 204
    assert allowed(shop) == 5
    assert api.delete(ONE + "/override")[0] == 204
    assert "override" not in api.get(ONE)[1]
    assert allowed(shop) == 0
    # Another value of the same limit was not touched.
    assert api.get("/v1/limits/per-sender/a@shop.test")[1]["rates"][0][
        "used"] == 0
    actions = [row["action"] for row in audit(shop)]
    assert actions == ["limit_override", "limit_override", "limit_reset",
                       "limit_override_end"]


def test_override_ends_by_itself(shop):
    assert allowed(shop) == 3
    shop.api.put(ONE + "/override",
                 body={"unlimited": True, "until": in_seconds(2)})
    assert allowed(shop) == 10
    wait_for(lambda: "override" not in shop.api.get(ONE)[1], 20)
    assert allowed(shop) <= 1


@pytest.mark.parametrize("path,body,name", [
    (ONE, {"unlimited": True}, "until"),
    (ONE, {"unlimited": True, "until": "2020-01-01T00:00:00Z"}, "until"),
    (ONE, {"until": "2999-01-01T00:00:00Z"}, "until"),
    (ONE, {"until": None, "quantity": 0, "period": "1h"}, "quantity"),
    (ONE, {"quantity": 5, "period": "1ms"}, "period"),
    (ONE, {"quantity": 5, "period": "1h", "burst": "x"}, "burst"),
    (ONE, {"quantity": 5, "period": "1h", "more": 1}, "more"),
    (ONE, {"unlimited": True, "quantity": 5}, "quantity"),
    ("/v1/limits/per-sender/a@b..c", {"unlimited": True}, "value"),
    ("/v1/limits/pair/shop.test", {"unlimited": True}, "value"),
])
def test_refused(shop, path, body, name):
    status, problem = shop.api.put(path + "/override", body=body)
    assert status == 400
    assert name in [e["name"] for e in problem["errors"]]


def test_not_there(shop):
    api = shop.api
    assert api.get("/v1/limits/none/a@b.c")[0] == 404
    assert api.get("/v1/limits/pair/shop.test")[0] == 400
    api.user, api.key = READER, "reader-key-0123456789"
    assert api.get(ONE)[0] == 200
    assert api.delete(ONE)[0] == 403
    assert api.put(ONE + "/override", body={"unlimited": True})[0] == 403


def test_command_line(shop):
    def limits(*argv, **kw):
        return shop.cli.run("limits", "-t", story.TENANT, *argv, **kw)

    assert "per-sender: by sender, 60 in 3600 s (burst 3)" in \
        limits("list").stdout
    assert allowed(shop) == 3
    assert "3 used, the next one in" in \
        limits("show", "per-sender", "news@shop.test").stdout
    assert "0 used" in limits("reset", "per-sender", "news@shop.test").stdout
    assert "no limit" in limits("override", "per-sender", "news@shop.test",
                                "--for", "1h", "--unlimited").stdout
    assert allowed(shop) == 10
    assert "5 in 60 s (burst 5): 0 used" in limits(
        "override", "per-sender", "news@shop.test", "--for", "1h",
        "--quantity", "5", "--period", "1m").stdout
    assert allowed(shop) == 5
    assert "(burst 3)" in limits("override", "per-sender", "news@shop.test",
                                 "--end").stdout
    seen = shop.cli.json("limits", "-t", story.TENANT, "show", "pair",
                         "shop.test", "good.test", "--json")
    assert seen["value"] == "shop.test good.test"
    for argv in (["show", "per-sender"], ["show"],
                 ["override", "per-sender", "a@b.c", "--for", "1h"],
                 ["override", "per-sender", "a@b.c", "--unlimited"],
                 ["override", "per-sender", "a@b.c", "--end", "--for", "1h"]):
        assert limits(*argv, check=False).returncode == 64
    assert limits("show", "none", "x", check=False).returncode == 65
    assert limits("show", "pair", "x", check=False).returncode == 65
    assert [row["action"] for row in audit(shop)] == [
        "limit_reset", "limit_override", "limit_override",
        "limit_override_end"]
