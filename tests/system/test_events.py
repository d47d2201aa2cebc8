# SPDX-License-Identifier: BSD-2-Clause
"""A mail that went through Postfix is found again: by its recipient, a part of
what stood in it, its Message-ID, its queue id; and by nothing else."""
import json

import pytest

pytest.importorskip("dkim")
pytest.importorskip("nacl")  # Ed25519 signatures

from harness.signing import MilterAndLog, message  # noqa: E402
from harness.util import wait_for  # noqa: E402


def found(env, *options):
    """(status, recipient) of what the delivery log shows."""
    text = env.cli.run("deliveries", "-t", "shop", "--json", *options).stdout
    return sorted((row["status"], row["to"])
                  for row in map(json.loads, text.splitlines()))


def test_a_mail_is_found(base):
    milter = MilterAndLog(base)
    first = milter.submit(message(1, subject=b"Autumn sale"),
                          to=["one@good.test", "two@good.test"])
    milter.submit(message(2, subject=b"Your order"), to="one@good.test")
    base.delivered("one@good.test", 2)
    wait_for(lambda: len([e for e in milter.events() if e[2] == "s"]) == 3)
    one = ("succeeded", "one@good.test")
    two = ("succeeded", "two@good.test")

    def done(*options):
        return [row for row in found(base, *options)
                if row[0] == "succeeded"]
    assert done("--to", "one@good.test", "--exact") == [one, one]
    assert done("--to", "WO@GOOD") == [two]
    assert done("--message-id", "<1@shop.test>") == [one, two]
    assert done("--message-id", "<2@shop.test>") == [one]
    assert done("--message-id", "<3@shop.test>") == []
    assert done("--queue-id", first) == [one, two]
    assert done("--subject", "SALE") == [one, two]
    assert done("--subject", "sale", "--to", "one@good.test") == [one]
    assert done("--from", "news@shop") == [one, one, two]
    assert done("--to", "ne@good.test", "--exact") == []
