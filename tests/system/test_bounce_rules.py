# SPDX-License-Identifier: BSD-2-Clause
"""Rules of a site for what comes back: the command that tries them, and a
daemon that keeps the last good ones."""
import json
import secrets
import signal
import subprocess

import pytest
from harness.daemons import program
from harness.util import wait_for, write

GOOD = """\
rule partner.full
class mailbox-full
match depot*exceeded
example 554 the depot of b is exceeded
"""
BAD = "rule partner.full\nclass nonsense\n"


def classify(*args, text=None):
    return subprocess.run([program("postern"), *args], input=text,
                          capture_output=True, text=True, timeout=60)


@pytest.fixture
def site(tmp_path):
    rules = tmp_path / "rules.conf"
    write(rules, GOOD)
    config = tmp_path / "postern.conf"
    write(config, f"bounce_rules = {rules}\n")
    return config, rules


def test_the_rules_of_the_program_decide_their_examples():
    done = classify("classify", "--check-rules")
    assert done.returncode == 0, done.stderr
    assert " 0 wrong" in done.stdout


def test_a_site_has_rules_before_those_of_the_program(site):
    config, rules = site
    done = classify("classify", "--check-rules", str(rules))
    assert done.returncode == 0, done.stderr
    done = classify("-f", str(config), "classify", "--replies",
                    text="554 no: depot b exceeded\n"
                         "421 4.7.0 try again in 2 hours\n"
                         "554 5.7.1 blocked using zen.spamhaus.org\n")
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert (first["rule"], first["status"], first["class"], first["fault"],
            first["may_block"]) == ("partner.full", 5, "mailbox-full",
                                    "recipient", True)
    assert second["retry_after"] == 7200
    assert third["blocklist"] == "Spamhaus ZEN"
    assert third["may_block"] is False


def test_what_is_wrong_has_a_line(site):
    config, rules = site
    write(rules, BAD)
    done = classify("classify", "--check-rules", str(rules))
    assert done.returncode == 65
    assert f"{rules}:2: nonsense is no class" in done.stderr
    done = classify("-f", str(config), "classify", "--reply", "550 x")
    assert done.returncode == 78
    write(rules, GOOD.replace("554 the depot", "554 the garage"))
    done = classify("classify", "--check-rules", str(rules))
    assert done.returncode == 65
    assert f"{rules}:4: the example of rule partner.full" in done.stderr


def test_a_daemon_keeps_the_last_good_rules(base):
    rules = base.folder / "etc" / "bounce-rules.conf"
    base.daemons.parameters["bounce_rules"] = rules
    base.daemons.write_config()
    write(rules, GOOD, 0o644)
    write(base.folder / "etc" / "master.key", secrets.token_hex(32) + "\n",
          0o600)
    log = base.postfix.log
    log.parent.mkdir(parents=True, exist_ok=True)
    write(log, "", 0o644)
    bounced = base.daemons.bounced
    bounced.start()
    wait_for(lambda: "]: ready" in bounced.text)
    write(rules, BAD, 0o644)
    bounced.process.signal(signal.SIGHUP)
    wait_for(lambda: f"bounce rules: {rules}:2: nonsense" in bounced.text)
    wait_for(lambda: "the old configuration stays" in bounced.text)
    write(rules, GOOD, 0o644)
    bounced.process.signal(signal.SIGHUP)
    wait_for(lambda: "reload: done" in bounced.text)
