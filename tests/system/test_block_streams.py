# SPDX-License-Identifier: BSD-2-Clause
"""Blocks of one stream at RCPT TO: the real policy server."""
from test_policyd import policyd  # noqa: F401 (a fixture)

STREAMS = [
    {"name": "login", "match": {"sender": ["login@shop.test"],
                                "port": [587]}},
    {"name": "news", "match": {"sender": ["@news.shop.test"]}},
    {"name": "app", "match": {"sasl_user": ["App1"]}}]
LOGIN = {"sender": "login@shop.test", "server_port": "587"}
NEWS = {"sender": "weekly@News.shop.test"}
APP = {"sasl_username": "app1"}


def test_a_block_of_one_stream(policyd):  # noqa: F811
    policyd.start({"streams": STREAMS})
    policyd.block("gone@bounce.test", stream="news")
    policyd.block("both@bounce.test")
    policyd.block("both@bounce.test", state="e", stream="login")
    policyd.block("safe@bounce.test", stream="app")
    policyd.block("safe@bounce.test", state="e")
    policyd.block("app@bounce.test", stream="app")
    with policyd.client() as c:
        def stopped(name, **facts):
            return c.ask(f"{name}@bounce.test",
                         **facts).startswith("550 5.1.1 recipient is supp")

        assert stopped("gone", **NEWS)
        assert not stopped("gone", **LOGIN)
        assert not stopped("gone")
        # all mail, but for the stream that is exempt
        assert stopped("both")
        assert stopped("both", **NEWS)
        assert not stopped("both", **LOGIN)
        assert stopped("both", **{**LOGIN, "server_port": "25"})
        # an exemption holds for every stream
        assert not stopped("safe", **APP)
        assert stopped("app", **APP)
        assert stopped("app", **{**APP, "sasl_username": "APP1"})
        assert not stopped("app", sasl_username="app2")
