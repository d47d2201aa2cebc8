# SPDX-License-Identifier: BSD-2-Clause
"""Blocks in and out by the API, as files."""
import base64
import http.client
import json

from test_apid import api  # noqa: F401 (a fixture)

CSV = (b"address,code,error,created_at\r\n"
       b"gone@a.test,550,5.1.1 no such user,2020-01-02T03:04:05Z\r\n"
       b"nobody,550,x,\r\n")


def ask(api, method, path, body=None, **headers):  # noqa: F811
    host, _, port = api.api.base.rpartition("/")[2].partition(":")
    pair = base64.b64encode(f"{api.api.user}:{api.api.key}".encode())
    c = http.client.HTTPConnection(host, int(port), timeout=30)
    c.request(method, path, body, {
        "Authorization": "Basic " + pair.decode(), **headers})
    r = c.getresponse()
    return r.status, r.read()


def test_there_and_back(api):  # noqa: F811
    kind = {"Content-Type": "text/csv"}
    status, text = ask(api, "POST", "/v1/blocks/import?note=old", CSV, **kind)
    answer = json.loads(text)
    assert status == 200, text
    assert (answer["records"], answer["added"], answer["wrong"]) == (2, 1, 1)
    assert answer["errors"] == [{"line": 3, "detail": "not a mail address"}]
    block = api.api.get("/v1/blocks/", "gone@a.test")[1]
    assert block["status"] == 2 and block["note"] == "old"
    assert block["since"].startswith("2020-01-02")
    answer = json.loads(ask(api, "POST", "/v1/blocks/import", CSV, **kind)[1])
    assert answer["known"] == 1 and answer["added"] == 0
    status, text = ask(api, "GET", "/v1/blocks/export")
    assert status == 200 and json.loads(text)["address"] == "gone@a.test"
    status, text = ask(api, "GET", "/v1/blocks/export", Accept="text/csv")
    assert status == 200 and text.startswith(b"address,stream,state")
    assert len(text.splitlines()) == 2
    answer = json.loads(ask(api, "POST", "/v1/blocks/import?exempt=true",
                            text)[1])
    assert answer["added"] == 1
    assert ask(api, "POST", "/v1/blocks/import", b"a,b\n")[0] == 400
    assert ask(api, "POST", "/v1/blocks/import?exempt=maybe", CSV)[0] == 400
