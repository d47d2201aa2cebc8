# SPDX-License-Identifier: BSD-2-Clause
"""Deferred mail: when it is tried again, and when it is given up."""
import secrets

from harness import story
from harness.util import write

PARAMETERS = ("minimal_backoff_time", "maximal_backoff_time",
              "maximal_queue_lifetime", "queue_run_delay")


def times(env):
    """main.cf's, expanded, in seconds."""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    found = []
    for name in PARAMETERS:
        text = env.postfix.value(name)
        if text.startswith("$"):
            text = env.postfix.value(text[1:])
        found.append(int(text[:-1]) * unit[text[-1]])
    return found


def retry(env, tenant=None, **shared):
    env.apply("_global", {**story.GLOBAL, "shaping": {"retry": shared}})
    if tenant is not None:
        env.apply(story.TENANT, env.settings(retry=tenant))


def test_postfix_follows_the_settings(base):
    env = base
    write(env.folder / "etc" / "master.key", secrets.token_hex(32) + "\n",
          0o600)
    env.daemons.parameters["user"] = ""
    env.daemons.write_config()
    main = env.postfix.config / "main.cf"
    main.write_text(main.read_text() + "maximal_backoff_time = 7777s\n")
    untouched, before = main.read_bytes(), times(env)

    # Nothing is said: nothing of it is touched.
    retry(env, {})
    env.enable()
    assert times(env) == before
    assert "backoff" not in env.cli.run("postfix", "diff").stdout
    # The curve as it is by default, written down: Postfix makes the tries.
    retry(env, {}, mode="native", period="24h")
    assert env.cli.run("postfix", "diff", check=False).returncode == 1
    env.enable()
    least, most, lifetime, delay = times(env)
    assert (least, lifetime, delay) == (240, 86400, 60)
    assert 4000 < most < 9000
    # Exact for one tenant: the scheduler makes them, Postfix comes behind.
    retry(env, {"mode": "exact", "method": "linear", "a": 600,
                "period": "2h"}, period="24h")
    env.enable()
    assert times(env) == [8700, 8700, 86400 + 8700, 150]
    # For a provider that is tried at longer intervals.
    env.apply("_global", {**story.GLOBAL, "shaping": {"filters": [{
        "name": "slow", "patterns": [".*@x\\.test"], "retry": {
            "mode": "exact", "method": "linear", "a": 40000,
            "period": "10d"}}]}})
    env.enable()
    assert times(env) == [40300, 40300, 10 * 86400 + 40300, 150]
    # Nobody says anything any more.
    retry(env, {})
    env.enable()
    assert times(env) == before
    assert env.cli.run("postfix", "diff").stdout == ""
    env.cli.run("postfix", "disable")
    assert main.read_bytes() == untouched
