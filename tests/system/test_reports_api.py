# SPDX-License-Identifier: BSD-2-Clause
"""Deliveries, bounces and messages by the REST API: searches, columns, pages
and files, which other programs read."""
import csv
import hashlib
import hmac
import io
import re
import secrets
import shutil
import struct
import subprocess
import time
import zipfile
import zlib

import pytest
from cryptography.hazmat.primitives.ciphers import (Cipher, algorithms,
                                                    modes)
from harness import story
from harness.util import wait_for, write

GOOD, GONE, FULL = "mia@good.test", "noone@bounce.test", "tim@full.test"
PASSWORD = "correct horse battery"


def send(env, to, subject="Your order"):
    return env.postfix.send(to, sender=story.SENDER, subject=subject,
                            headers={"X-Api-Data": "order-4711"})


@pytest.fixture
def sent(stack):
    stack.ids = {to: send(stack, to) for to in (GOOD, GONE, FULL)}
    wait_for(lambda: len(stack.api.all("/v1/deliveries")) == 6, 30,
             "queued and tried, each of them")
    return stack


def test_deliveries_by_each_search(sent):
    def found(**query):
        return sorted((r["to"], r["status"]) for r in
                      sent.api.all("/v1/deliveries", **query))

    everything = [(GOOD, "queued"), (GOOD, "succeeded"), (GONE, "failed"),
                  (GONE, "queued"), (FULL, "failed"), (FULL, "queued")]
    gone = [(GONE, "failed"), (GONE, "queued")]
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert found() == sorted(everything)
    assert found(to="NOONE@bounce") == gone
    assert found(to=GONE, exact="to") == gone
    assert found(to="oone@bounce.test", exact="to") == []
    assert found(**{"from": "ews@SHOP"}) == sorted(everything)
    assert found(**{"from": story.SENDER, "exact": "from"}) == \
        sorted(everything)
    assert found(**{"from": "ews@shop.test", "exact": "from"}) == []
    assert found(subject="ORDER") == sorted(everything)
    assert found(subject="order", exact="subject") == []
    assert found(subject="your order", exact="subject,to", to=GONE) == gone
    assert found(api_data="4711") == sorted(everything)
    assert found(api_data="4711", exact="api_data") == []
    assert found(queue_id=sent.ids[GONE]) == gone
    assert found(domain="full.test") == [(FULL, "failed"), (FULL, "queued")]
    assert found(status="failed", error_status=2) == gone[:1]
    assert found(status="queued,succeeded", to="mia") == [
        (GOOD, "queued"), (GOOD, "succeeded")]
    assert found(**{"class": "mailbox-full"}) == [(FULL, "failed")]
    assert found(fault="sender") == []
    assert len(found(date=today)) + len(found(date="2001-01-01")) == 6
    assert found(since="1h") == sorted(everything)
    assert found(until="1h") == []
    message_id = sent.api.all("/v1/deliveries", to=GONE)[0]["message_id"]
    assert found(message_id=message_id) == gone
    one = sent.api.all("/v1/deliveries", queue_id=sent.ids[GOOD],
                       order="oldest")
    assert [r["status"] for r in one] == ["queued", "succeeded"]


def test_columns_are_those_of_the_description(sent):
    described = sent.api.get("/v1/openapi.json")[1]["components"]["schemas"]
    rows = sent.api.all("/v1/deliveries", order="oldest")
    for row in rows:
        assert set(row) == set(described["Delivery"]["required"])
        assert row["from"] == story.SENDER and row["subject"] == "Your order"
        assert row["api_data"] == "order-4711"
        assert row["return_path"].endswith("@" + story.RETURN_DOMAIN)
    failed = [r for r in rows if r["to"] == GONE and r["status"] == "failed"]
    assert failed[0]["error_status"] == 2
    assert failed[0]["class"] == "user-unknown"
    for row in sent.api.all("/v1/bounces"):
        assert set(row) == set(described["Bounce"]["required"])
    by_status = sent.api.all("/v1/bounces", status=5)
    assert [r["to"] for r in by_status] == [FULL]
    assert sent.api.all("/v1/bounces", type="bounced") == []
    assert [r["to"] for r in sent.api.all("/v1/bounces", email="tim@")] == \
        [FULL]
    assert sent.api.all("/v1/complaints") == []


def test_a_message_and_its_sentence(sent):
    status, m = sent.api.get("/v1/messages/", sent.ids[GONE])
    assert status == 200 and m["subject"] == "Your order"
    (r,) = m["recipients"]
    assert (r["recipient"], r["state"], r["attempts"]) == (GONE, "failed", 1)
    assert "user unknown (2): the address does not exist" in r["sentence"]
    assert [e["type"] for e in m["events"]][:2] == ["queued", "failed"]
    assert m["complete"] is True
    assert sent.api.get("/v1/messages/", "4TkX00000000z")[0] == 404


def test_what_is_wrong_is_named(sent):
    bad = {"status": "12", "date": "2026-02-30", "hour": "24",
           "class": "nonsense", "fault": "mine", "time_zone": "Mars/Base",
           "exact": "reason", "order": "random", "since": "tomorrow",
           "limit": "0", "nonsense": "1"}
    status, problem = sent.api.get("/v1/deliveries", **bad)
    assert status == 400
    assert {e["name"] for e in problem["errors"]} == set(bad)
    assert sent.api.get("/v1/bounces", status="failed")[0] == 400
    assert sent.api.get("/v1/deliveries", hour="3")[0] == 400
    assert sent.api.get("/v1/deliveries", since="1h", until="2h")[0] == 400
    assert sent.api.get("/v1/deliveries.csv", limit="5")[0] == 400
    assert sent.api.post("/v1/deliveries.zip",
                         body={"password": "short", "x": 1})[0] == 400


def rows_of(octets):
    return list(csv.DictReader(io.StringIO(octets.decode())))


def test_files(sent):
    listed = sent.api.all("/v1/deliveries")
    status, octets, headers = sent.api.request(
        "GET", "/v1/deliveries.csv", time_zone="Asia/Tokyo")
    assert status == 200
    assert headers["Content-Type"].startswith("text/csv; charset=utf-8")
    assert re.search(r'filename="deliveries-\d{8}_\d{6}\.csv"',
                     headers["Content-Disposition"])
    rows = rows_of(octets)
    assert [r["id"] for r in rows] == [r["id"] for r in listed]
    for row, same in zip(rows, listed):
        assert set(row) == set(same)
        assert row["created"].endswith("+09:00")
        for name in set(row) - {"created", "error_status"}:
            assert row[name] == same[name], name
    # By the header, too.
    status, again, headers = sent.api.request(
        "GET", "/v1/bounces", status="2", headers={"Accept": "text/csv"})
    assert status == 200 and [r["to"] for r in rows_of(again)] == [GONE]

    status, octets, headers = sent.api.request(
        "POST", "/v1/deliveries.zip", to="noone")
    assert (status, headers["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(octets)) as z:
        (name,) = z.namelist()
        assert re.fullmatch(r"deliveries-\d{8}_\d{6}\.csv", name)
        assert z.testzip() is None
        assert [r["to"] for r in rows_of(z.read(name))] == [GONE] * 2


def unlocked(octets, password):
    """The file of an AE-2 archive, as winzip.com describes it."""
    with zipfile.ZipFile(io.BytesIO(octets)) as z:
        (info,) = z.infolist()
    assert info.compress_type == 99 and info.flag_bits & 1
    assert struct.unpack("<HHH2sBH", info.extra) == \
        (0x9901, 7, 2, b"AE", 3, 8)
    assert info.CRC == 0
    begin = 30 + len(info.filename) + len(info.extra)
    data = octets[begin:begin + info.compress_size]
    salt, check, packed, mac = \
        data[:16], data[16:18], data[18:-10], data[-10:]
    keys = hashlib.pbkdf2_hmac("sha1", password.encode(), salt, 1000, 66)
    assert keys[64:] == check
    assert hmac.new(keys[32:64], packed, "sha1").digest()[:10] == mac
    aes = Cipher(algorithms.AES(keys[:32]), modes.ECB()).encryptor()
    blocks = len(packed) // 16 + 1
    stream = aes.update(b"".join(n.to_bytes(16, "little")
                                 for n in range(1, blocks + 1)))
    plain = bytes(a ^ b for a, b in zip(packed, stream))
    text = zlib.decompress(plain, -15)
    assert len(text) == info.file_size
    return text


def test_an_encrypted_file(sent, tmp_path):
    status, octets, _ = sent.api.request(
        "POST", "/v1/bounces.zip", body={"password": PASSWORD})
    assert status == 200
    assert {r["to"] for r in rows_of(unlocked(octets, PASSWORD))} == \
        {GONE, FULL}
    assert b"noone@" not in octets
    seven = shutil.which("7z") or shutil.which("7zz")
    if seven:
        path = tmp_path / "bounces.zip"
        path.write_bytes(octets)
        done = subprocess.run([seven, "t", f"-p{PASSWORD}", path],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        done = subprocess.run([seven, "t", "-pwrong password", path],
                              capture_output=True, text=True)
        assert done.returncode != 0


# ---- many events ----

USER, KEY = "app@shop.test", "test-key-0123456789"
READER = "reader@shop.test"


class Many:
    """bounced and apid run; the log is what the test writes."""

    def __init__(self, env):
        self.env = env
        self.number = 0
        write(env.folder / "etc" / "master.key",
              secrets.token_hex(32) + "\n", 0o600)
        env.postfix.log.parent.mkdir(parents=True, exist_ok=True)
        write(env.postfix.log, "", 0o644)
        env.apply("default", {"api_users": [
            {"name": USER, "key": KEY, "enabled": True, "access": ["api"],
             "permissions": ["read", "download"]},
            {"name": READER, "key": KEY, "enabled": True, "access": ["api"],
             "permissions": ["read"]}]})
        env.api.user, env.api.key = USER, KEY
        env.daemons.start("bounced", "apid")
        wait_for(lambda: env.redis.client().hgetall("pn:ck:{h:mta1}"),
                 what="the first checkpoint")

    def deliver(self, count):
        """So many messages, two events each."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with open(self.env.postfix.log, "a") as f:
            for _ in range(count):
                self.number += 1
                n = self.number
                head = f"{now} mx postfix/"
                f.write(f"{head}qmgr[1]: 4TkX{n:08d}z: from=<s@shop.test>, "
                        "size=1, nrcpt=1 (queue active)\n"
                        f"{head}smtp[1]: 4TkX{n:08d}z: to=<u{n}@good.test>, "
                        "relay=mx[192.0.2.1]:25, delay=0, delays=0/0/0/0, "
                        "dsn=2.0.0, status=sent (250 ok)\n"
                        f"{head}qmgr[1]: 4TkX{n:08d}z: removed\n")

    def newest_is_read(self):
        rows = self.env.api.all("/v1/deliveries", exact="to",
                                to=f"u{self.number}@good.test")
        return len(rows) == 2


@pytest.fixture
def many(env):
    env.redis.start()
    env.postfix.prepare()
    env.daemons.prepare()
    return Many(env)


def test_pages_skip_and_double_nothing_while_mail_goes_on(many):
    many.deliver(300)
    wait_for(many.newest_is_read, 60, "the log is read")
    before = {r["id"] for r in many.env.api.all("/v1/deliveries")}
    assert len(before) == 600
    for order in ("newest", "oldest"):
        seen, cursor = [], {}
        while True:
            many.deliver(5)
            status, page = many.env.api.get("/v1/deliveries", limit=37,
                                            order=order, **cursor)
            assert status == 200
            seen += [r["id"] for r in page["data"]]
            if not page["has_more"] or before <= set(seen):
                break
            cursor = {"cursor": page["next_cursor"]}
        assert len(seen) == len(set(seen)), order
        assert before <= set(seen), order


def test_a_long_file_goes_out_piece_by_piece(many):
    many.deliver(6000)
    wait_for(many.newest_is_read, 90, "the log is read")
    api = many.env.api
    status, octets, headers = api.request("GET", "/v1/deliveries.csv",
                                          order="oldest")
    assert status == 200 and headers["Transfer-Encoding"] == "chunked"
    rows = rows_of(octets)
    assert len(rows) == 12000
    assert len({r["id"] for r in rows}) == 12000
    status, packed, _ = api.request("POST", "/v1/deliveries.zip",
                                    body={"password": PASSWORD},
                                    order="oldest")
    assert unlocked(packed, PASSWORD) == octets
    assert len(packed) < len(octets) / 5
    # Who may read may not take files home.
    api.user = READER
    assert api.get("/v1/deliveries")[0] == 200
    assert api.get("/v1/deliveries.csv")[0] == 403
    assert api.post("/v1/deliveries.zip")[0] == 403
    # Not even by the back door.
    assert api.request("GET", "/v1/deliveries",
                       headers={"Accept": "text/csv"})[0] == 403


def test_a_file_that_breaks_off_is_seen_as_such(many):
    """Redis goes away in the middle: the client sees a cut connection, not a
    short file."""
    import http.client
    many.deliver(6000)
    wait_for(many.newest_is_read, 90, "the log is read")
    host, port = many.env.daemons.api_address
    conn = http.client.HTTPConnection(host, port, timeout=60)
    import base64
    pair = base64.b64encode(f"{USER}:{KEY}".encode()).decode()
    # A small window, so that not all of it waits in buffers.
    import socket
    conn.sock = socket.socket()
    conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    conn.sock.connect((host, port))
    conn.request("GET", "/v1/deliveries.csv",
                 headers={"Authorization": "Basic " + pair})
    answer = conn.getresponse()
    assert answer.status == 200
    answer.read(1000)
    many.env.redis.kill()
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()
    conn.close()
    assert "broke off" in many.env.daemons.apid.text
    # And the daemon goes on.
    many.env.redis.start()
    wait_for(lambda: many.env.api.get("/v1/health")[0] == 200, 30)
