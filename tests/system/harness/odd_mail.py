# SPDX-License-Identifier: BSD-2-Clause
"""Messages of every kind that signatures have trouble with."""
import base64
import os
import random

from .signing import message


def messages():
    """(name, message): what canonical forms and edits can get wrong."""
    bodies = {
        "plain": b"A few words.\r\n",
        "empty": b"",
        "no line end": b"no line end",
        "empty lines at the end": b"a\r\n\r\n\r\n\r\n",
        "only empty lines": b"\r\n\r\n\r\n",
        "only blanks": b"   \r\n\t\r\n",
        "trailing blanks": b"a \t \r\nb\t\r\n \r\nc  ",
        "inner blanks": b"a  b\t\tc \t d\r\n  e\r\n",
        "8-bit": "Grüße, 日本語\r\n".encode() * 50,
        "latin-1": b"Gr\xfc\xdfe\r\n",
        "dots": b".\r\n..\r\n.a\r\n",
        "long line": b"x" * 990 + b"\r\n",
        "control octets": b"a\x01\x7f\x1bb\r\n\x0c\r\n",
        "bare LF": b"a\nb \nc\n\n",
        "large": b"".join(b"%d some words of text, and more \r\n" % i
                          for i in range(12000)),
        "base64": base64.encodebytes(os.urandom(60000)).replace(
            b"\n", b"\r\n"),
    }
    headers = {
        "folded": b"Cc: a@good.test,\r\n\tb@good.test,\r\n  c@good.test\r\n",
        "odd blanks": b"Reply-To:   a@shop.test  \t\r\nCc:a@good.test\r\n",
        "empty field": b"Cc:\r\nReferences: \r\n",
        "lower case": b"mime-version: 1.0\r\ncontent-type: text/plain\r\n",
        "repeated": b"References: <1@x>\r\nReferences: <2@x>\r\n"
                    b"List-Id: a\r\nList-Id: b\r\n",
        "lists": b"List-Unsubscribe: <https://shop.test/u>\r\n"
                 b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
                 b"Feedback-ID: 1:2:3:shop\r\nCFBL-Address: f@shop.test\r\n",
        "8-bit": "Cc: Jürgen <j@good.test>\r\n".encode(),
        "long": b"Cc: " + b",\r\n ".join(
            b"user%d@good.test" % i for i in range(300)) + b"\r\n",
        "unfolded": b"References: " + b" ".join(
            b"<%d@example.test>" % i for i in range(45)) + b"\r\n",
        "encoded": b"Cc: =?utf-8?B?5pel5pys?= <j@good.test>\r\n",
        "received": b"Received: from web1.internal ([10.1.2.3]) by app"
                    b" (x)\r\n\tid 1; Mon, 23 Nov 2026 07:00:00 +0000\r\n",
        "10,000 fields": b"".join(b"X-Field-%d: value\r\n" % i
                                  for i in range(10000)),
        "many signed": b"Cc: a@good.test\r\n" * 60,
        "fields that go, between others": b"".join(
            b"Received: from h%d (10.0.0.%d) by app; x\r\n"
            b"X-Kept: %d\r\nList-Unsubscribe: <https://old.test/%d>\r\n"
            b"X-Postern-Copy: %d\r\n" % (i, i, i, i, i)
            for i in range(5)),
    }
    n = 0
    for name, body in bodies.items():
        n += 1
        yield f"body: {name}", message(n, body)
    for name, header in headers.items():
        n += 1
        yield f"header: {name}", message(n, header=header)
    # Any octets between, from a fixed seed.
    rng = random.Random(6376)
    for i in range(40):
        n += 1
        words = [b" ", b"\t", b"\r\n", b"a", b"\xc3\xa4", b".", b"word",
                 b"  ", b"\r\n\r\n", b" \r\n", b"=20"]
        body = b"".join(rng.choice(words)
                        for _ in range(rng.randrange(200)))
        yield f"random {i}", message(n, body)
