# SPDX-License-Identifier: BSD-2-Clause
"""postern keys: DKIM keys move on only when the DNS agrees."""
import re

import pytest

from harness.util import wait_for


class Keys:
    def __init__(self, env, tenant="shop"):
        self.env, self.tenant = env, tenant
        env.cli.run("init", check=False)
        env.apply(tenant, {} if tenant != "_global" else {"tenants": []})

    def __call__(self, *argv, check=True):
        return self.env.cli.run("keys", "-t", self.tenant, *argv, "-s",
                                "127.0.0.1", check=check)

    def generate(self, *argv):
        """Makes a key and puts it in force; name and text of its record."""
        out = self("generate", *argv).stdout
        self.env.cli.run("settings", "-t", self.tenant, "apply")
        return record(out)

    def publish(self, *records):
        for name, text in records:
            self.env.dns.txt(name.rstrip("."), text)
        self.env.dns.reload()

    def withdraw(self, name):
        self.env.dns.lines = [x for x in self.env.dns.lines
                              if name.rstrip(".") not in x]
        self.env.dns.reload()

    def domain(self, *more):
        doc = self.env.cli.json("settings", "-t", self.tenant, "show", *more)
        return doc["operator_signature"] if self.tenant == "_global" \
            else doc["domains"][0]

    def states(self):
        return {k["selector"]: k["state"] for k in self.domain()["dkim"]}

    def set(self, path, value):
        self.env.cli.run("settings", "-t", self.tenant, "set", path, value)
        self.env.cli.run("settings", "-t", self.tenant, "apply")


def record(out):
    return records(out)[0]


def records(out):
    names = re.findall(r"(?m)^(\S+_domainkey\S+) IN TXT", out)
    return list(zip(names, re.findall(r"(?m)^plain: (.*)$", out),
                    strict=True))


@pytest.fixture
def keys(base):
    return Keys(base)


def test_from_prepared_to_active(keys):
    one = keys.generate("shop.test", "--selector", "s1", "-b", "1024")
    assert keys("advance").stdout == ""
    assert keys.states() == {"s1": "prepared"}
    refused = keys("state", "shop.test", "s1", "active", check=False)
    assert refused.returncode == 1
    assert "stays prepared: is not in the DNS" in refused.stderr
    # Somebody else's record there is none.
    keys.publish((one[0], one[1][:-8] + "AAAAAAAA"))
    keys("advance")
    assert keys.states() == {"s1": "prepared"}
    assert "holds another key" in keys("list").stdout

    keys.withdraw(one[0])
    keys.publish(one)
    assert "s1: prepared -> published" in keys("advance").stdout
    # A day has to pass.
    assert keys("advance").stdout == ""
    assert keys.states() == {"s1": "published"}
    keys.set("/domains/0/dkim/0/since", "2026-01-01T00:00:00Z")
    assert "s1: published -> active" in keys("advance").stdout
    assert keys.states() == {"s1": "active"}
    assert keys.domain()["dkim"][0]["since"] > "2026-01-02"
    assert keys("check").stdout == ""


def test_rotation_by_hand(keys):
    """Both algorithms; the old pair retires as the new one begins."""
    old = [keys.generate("shop.test", "--selector", "r", "-b", "1024",
                         "--state", "active"),
           keys.generate("shop.test", "--selector", "e", "-a", "ed25519",
                         "--state", "active")]
    keys.publish(*old)
    keys.set("/domains/0/rotation", '{"publish_hours": 0, "retire_days": 0}')
    new = records(keys("rotate", "shop.test").stdout)
    keys.env.cli.run("settings", "-t", "shop", "apply")
    assert [t.split("; ")[1] for _, t in new] == ["k=rsa", "k=ed25519"]
    p, e = (name.partition(".")[0] for name, _ in new)
    assert p[0] == "p" and e[0] == "e"

    keys.publish(new[0])
    keys("advance")
    keys("advance")
    assert keys.states() == {"r": "retiring", "e": "active", p: "active",
                             e: "prepared"}
    out = keys("advance").stdout
    assert "r: retiring -> removed" in out
    assert "delete the record r._domainkey.shop.test" in out
    keys("advance")
    assert keys.states()["r"] == "removed"  # it is still in the DNS
    keys.withdraw(old[0][0])
    assert "entry dropped" in keys("advance").stdout
    assert keys.states() == {"e": "active", p: "active", e: "prepared"}


def test_rotation_by_settings(keys):
    one = keys.generate("shop.test", "--selector", "s1", "-b", "1024",
                        "--state", "active")
    keys.publish(one)
    assert keys("advance").stdout == ""  # off unless asked for
    keys.set("/domains/0/rotation", '{"days": 90, "bits": 1024}')
    assert keys("advance").stdout == ""
    keys.set("/domains/0/dkim/0/since", "2026-01-01T00:00:00Z")
    new = record(keys("advance").stdout)
    assert re.match(r"p\d{8}\._domainkey\.shop\.test\.", new[0])
    assert keys("advance").stdout == ""  # one is on its way
    keys.publish(new)
    assert "prepared -> published" in keys("advance").stdout


def test_steps_by_hand_need_the_dns(keys):
    one = keys.generate("shop.test", "--selector", "s1", "-b", "1024",
                        "--state", "active")
    keys.publish(one)
    for to, why in (("retiring", "no other key signs"),
                    ("prepared", "no other key signs"),
                    ("removed", "retire it first")):
        done = keys("state", "shop.test", "s1", to, check=False)
        assert done.returncode == 1 and why in done.stderr, done
    keys("state", "shop.test", "s1", "retiring", "--force")
    assert keys.domain("--draft")["dkim"][0]["state"] == "retiring"


def test_a_draft_is_not_applied(keys):
    one = keys.generate("shop.test", "--selector", "s1", "-b", "1024")
    keys.publish(one)
    keys.env.cli.run("settings", "-t", "shop", "set", "/title", '"Draft"')
    done = keys("advance", check=False)
    assert done.returncode != 0 and "there is a draft" in done.stderr
    assert keys.states() == {"s1": "prepared"}
    keys.env.cli.run("settings", "-t", "shop", "discard")
    keys("advance")
    assert keys.states() == {"s1": "published"}


def test_all_tenants_and_the_operator(keys):
    operator = Keys(keys.env, "_global")
    mine = keys.generate("shop.test", "--selector", "s1", "-b", "1024")
    theirs = operator.generate("host.test", "--selector", "h1", "-b", "1024")
    keys.publish(mine, theirs)
    out = keys.env.cli.run("keys", "--all", "-s", "127.0.0.1",
                           "advance").stdout
    assert "shop.test s1: prepared -> published" in out
    assert "host.test h1: prepared -> published" in out
    assert keys.states() == {"s1": "published"}
    assert operator.states() == {"h1": "published"}


def test_check_tells_what_is_wrong(keys):
    one = keys.generate("shop.test", "--selector", "s1", "-b", "1024",
                        "--state", "active")
    done = keys("check", check=False)
    assert done.returncode == 1 and "is not in the DNS" in done.stdout
    for text, why in (("v=DKIM1; p=", "is revoked"),
                      ("v=spf1 -all", "holds no DKIM key record"),
                      (one[1] + "; h=sha1", "rules our signatures out")):
        keys.publish((one[0], text))
        done = keys("check", check=False)
        assert done.returncode == 1 and why in done.stdout, done
        keys.withdraw(one[0])
    keys.publish(one)
    assert keys("check").returncode == 0
    keys.publish((one[0], "v=DKIM1; p=QUJD"))
    assert "several TXT records" in keys("check", check=False).stdout
    keys.env.dns.stop()
    done = keys("list")
    assert "the DNS does not answer" in done.stdout
    done = keys("advance")
    assert "the DNS does not answer" in done.stderr
    assert keys.states() == {"s1": "active"}


def test_a_record_behind_an_alias(keys):
    one = keys.generate("shop.test", "--selector", "s1", "-b", "1024")
    keys.publish(("keys.host.test", one[1]))
    keys.env.dns.lines.append(
        f"cname={one[0].rstrip('.')},keys.host.test")
    keys.env.dns.reload()
    wait_for(lambda: "is in the DNS" in keys("list").stdout)
