# SPDX-License-Identifier: BSD-2-Clause
"""What the daemons count, as "postern metrics" prints it."""
import re

from harness.story import SENDER, TENANT
from harness.util import wait_for

SAMPLE = re.compile(r'postern_[a-z_]+\{host="mta1"(,[a-z]+="[^"]*")*\}'
                    r" [0-9.]+")


def samples(env):
    done = env.cli.run("metrics", check=False)
    if done.returncode:
        return {}
    found = {}
    for line in done.stdout.splitlines():
        if line.startswith("# "):
            continue
        assert SAMPLE.fullmatch(line), line
        name, _, value = line.rpartition(" ")
        assert name not in found, name
        found[name.replace('host="mta1",', "")
              .replace('{host="mta1"}', "")] = float(value)
    return found


def test_all_daemons_are_there(env):
    env.start_stack()
    env.cli.run("blocks", "-t", TENANT, "add", "gone@good.test")
    env.postfix.send("a@good.test", sender=SENDER)
    env.delivered("a@good.test")
    try:
        env.postfix.send("gone@good.test", sender=SENDER)
    except Exception:  # refused, as it should be
        pass
    found = wait_for(lambda: (lambda s: s if s.get(
        'postern_policyd_decisions_total{decision="reject"}') and s.get(
            'postern_milter_messages_total{verdict="accepted"}') and s.get(
                'postern_bounced_log_lines_total') and
        "postern_apid_clients" in s else None)(samples(env)), 30)
    assert found['postern_milter_messages_total{verdict="accepted"}'] == 1
    assert found['postern_milter_envelope_sender_total{mode="verp"}'] == 1
    assert found['postern_milter_edits_total{edit="sender"}'] == 1
    assert found["postern_milter_end_of_message_seconds_count"] == 1
    assert found['postern_policyd_decisions_total{decision="dunno"}'] == 1
    assert all(found[f"postern_{d}_redis_up"] == 1
               for d in ("policyd", "milter", "bounced", "apid"))
    env.daemons.milter.process.signal(10)  # SIGUSR1
    wait_for(lambda: "counters: " in env.daemons.milter.text)
    assert "envelope_sender.verp=1" in env.daemons.milter.text
