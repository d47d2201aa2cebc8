# SPDX-License-Identifier: BSD-2-Clause
"""The published schema is valid, and another validator agrees with ours."""
import json
import os
import pathlib
import subprocess

import pytest

jsonschema = pytest.importorskip("jsonschema")

TOP = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((TOP / "doc/settings.schema.json").read_text())
BUILD = pathlib.Path(os.environ.get("POSTERN_BUILD", TOP / "build"))
POSTERN = BUILD / "postern"

URL = "https://a.example/u/"
FORWARD = {"name": "f", "header": "To", "pattern": ".*", "to": "a@b.example"}
NEWS = {"name": "Läden", "header": "List-Id", "pattern": ".*"}
HOOK = {"name": "h", "url": "https://a.example/x", "events": ["blocks"]}
RATE = {"quantity": 1, "period": "1h"}
LIMIT = {"name": "l", "key": ["client"], "rates": [RATE]}

# What the schema alone decides: document, tenant.
DOCUMENTS = [
    ({}, "shop"),
    ([], "shop"),
    ({"title": "Läden 🏪"}, "shop"),
    ({"title": "ä" * 100}, "shop"),
    ({"title": "ä" * 101}, "shop"),
    ({"title": "a\nb"}, "shop"),
    ({"title": None}, "shop"),
    ({"unknown": 1}, "shop"),
    ({"received": "keep"}, "shop"),
    ({"received": "Keep"}, "shop"),
    ({"suppression": {"mode": "off", "on_suppressed": "accept"}}, "shop"),
    ({"suppression": {"mode": True}}, "shop"),
    ({"blocking": [{"status": 2, "count": 1}]}, "shop"),
    ({"blocking": [{"status": 2.0, "count": 1}]}, "shop"),
    ({"blocking": [{"status": 2, "count": 1.5}]}, "shop"),
    ({"blocking": [{"status": 12}]}, "shop"),
    ({"blocking": [{"count": 1}]}, "shop"),
    ({"blocking": [{"status": 2, "watch_days": -1}]}, "shop"),
    ({"limits": [LIMIT]}, "shop"),
    ({"limits": [dict(LIMIT, key=[])]}, "shop"),
    ({"limits": [dict(LIMIT, key=["client", "client"])]}, "shop"),
    ({"limits": [dict(LIMIT, rates=[RATE] * 9)]}, "shop"),
    ({"limits": [dict(LIMIT, rates=[{"quantity": 1, "period": "1w"}])]},
     "shop"),
    ({"limits": [dict(LIMIT, mode="off")]}, "shop"),
    ({"webhooks": [HOOK]}, "shop"),
    ({"webhooks": [dict(HOOK, url="ftp://a/")]}, "shop"),
    ({"webhooks": [dict(HOOK, url="https://u:p@a/")]}, "shop"),
    ({"webhooks": [dict(HOOK, batch_events=1001)]}, "shop"),
    ({"webhooks": [dict(HOOK, secrets=["x"])]}, "shop"),
    ({"domains": [{"name": "example.com"}]}, "shop"),
    ({"domains": [{"name": "exa mple"}]}, "shop"),
    ({"domains": [{"name": "example.com", "dkim": [{"selector": "s"}]}]},
     "shop"),
    ({"api_users": [{"name": "a", "key": "abcdefg1"}]}, "shop"),
    ({"api_users": [{"name": "a", "key": "abcdefgh"}]}, "shop"),
    ({"api_users": [{"name": "a b", "key": "abcdefg1"}]}, "shop"),
    ({"envelope_sender": {}}, "shop"),
    ({"envelope_sender": {"mode": "none"}}, "shop"),
    ({"envelope_sender": {"address": "a@b@c.example"}}, "shop"),
    ({"envelope_sender": {"address": "a b@c.example"}}, "shop"),
    ({"forwarding": [FORWARD]}, "shop"),
    ({"forwarding": [dict(FORWARD, mode="redirect")]}, "shop"),
    ({"forwarding": [dict(FORWARD, mode="both")]}, "shop"),
    ({"forwarding": [dict(FORWARD, header="X:")]}, "shop"),
    ({"forwarding": [dict(FORWARD, name="ä" * 50)]}, "shop"),
    ({"forwarding": [dict(FORWARD, name="ä" * 51)]}, "shop"),
    ({"forwarding": [dict(FORWARD, pattern="")]}, "shop"),
    ({"bcc": {"host": "archive.example", "port": 25}}, "shop"),
    ({"bcc": {"host": "[::1]"}}, "shop"),
    ({"bcc": {"port": 25}}, "shop"),
    ({"unsubscribe": {"url": URL, "filters": [NEWS]}}, "shop"),
    ({"unsubscribe": {"url": URL + "x?t="}}, "shop"),
    ({"unsubscribe": {"url": "https://[2001:db8::1]:8443/[x]"}}, "shop"),
    ({"unsubscribe": {"url": "https://a.example"}}, "shop"),
    ({"unsubscribe": {"url": URL + "#x"}}, "shop"),
    ({"unsubscribe": {"url": URL + "ä"}}, "shop"),
    ({"unsubscribe": {"url": "http://a.example/"}}, "shop"),
    ({"scan": {"mode": "enforce", "notify": ["a@b.example"]}}, "shop"),
    ({"scan": {"when_unscannable": "hold"}}, "shop"),
    ({"preflight": {"ignore": ["dmarc", "from"]}}, "shop"),
    ({"preflight": {"ignore": ["spf"]}}, "shop"),
    ({"domains": [{"name": "a.example", "canonicalization":
                   "simple/relaxed"}]}, "shop"),
    ({"domains": [{"name": "a.example", "canonicalization": "simple"}]},
     "shop"),
    ({"tenants": [], "operator_signature": {"domain": "a.example"}},
     "_global"),
    ({"tenants": [], "operator_signature": {"dkim": []}}, "_global"),
    ({"tenants": []}, "_global"),
    ({}, "_global"),
    ({"tenants": [{"name": "a", "match": {"port": [25]}}]}, "_global"),
    ({"tenants": [{"name": "a", "match": {}}]}, "_global"),
    ({"tenants": [{"name": "A", "match": {"port": [25]}}]}, "_global"),
    ({"tenants": [{"name": "a", "match": {"port": [0]}}]}, "_global"),
    ({"tenants": [{"name": "a", "match": {"client": ["10.0.0.0/8"]}}]},
     "_global"),
]


def test_schema_is_valid():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("document, tenant", DOCUMENTS,
                         ids=lambda v: json.dumps(v)[:60])
def test_verdicts_agree(document, tenant):
    part = "global" if tenant == "_global" else "tenant"
    schema = {"$ref": f"#/$defs/{part}", "$defs": SCHEMA["$defs"]}
    other = jsonschema.Draft202012Validator(schema).is_valid(document)
    ours = subprocess.run(
        [POSTERN, "settings", "-t", tenant, "validate", "-"],
        input=json.dumps(document), text=True, capture_output=True,
        timeout=20, check=False)
    assert ours.returncode in (0, 65), ours.stderr
    assert (ours.returncode == 0) == other, ours.stderr
