# SPDX-License-Identifier: BSD-2-Clause
"""A Redis that asks for a password, and one in which each program is a user
of its own with the rights of "postern-policyd -x acl"."""
import time

import pytest
import redis

from harness import story
from harness.daemons import program
from harness.story import Story
from harness.util import run, write

PASSWORD = "a password, with spaces"
PROGRAMS = ("policyd", "milter", "bounced", "apid", "cli")


def tell(env):
    told = Story(env)
    for _, step in told.steps():
        step()
    for name in env.daemons.NAMES:
        assert "refused" not in env.daemons.of[name].text, name
    return told.queue_id


def test_requirepass(env):
    env.redis.password = "only-this-one"
    env.daemons.parameters["redis_password_file"] = write(
        env.folder / "etc" / "redis.password", "only-this-one\nnot this\n",
        0o600)
    env.start_stack()
    tell(env)
    assert "only-this-one" not in "".join(
        d.text for d in env.daemons.of.values())


def test_a_wrong_password_is_told(base):
    base.redis.client().config_set("requirepass", "right")
    secret = write(base.folder / "etc" / "redis.password", "not-it\n", 0o600)
    base.daemons.parameters["redis_password_file"] = secret
    base.daemons.write_config()
    write(base.folder / "etc" / "master.key", "00" * 32 + "\n", 0o600)
    done = base.cli.run("settings", "list", check=False)
    assert done.returncode != 0
    assert "redis" in done.stderr and "not-it" not in done.stderr
    secret.unlink()
    done = base.cli.run("settings", "list", check=False)
    assert f"{secret}: there is no such file" in done.stderr
    assert done.returncode == 66  # EX_NOINPUT


def users(client):
    """As the manual says, and with passwords."""
    acl = run([program("postern-policyd"), "-x", "acl"]).stdout
    assert len(acl.splitlines()) == len(PROGRAMS)
    for line in acl.splitlines():
        client.execute_command(*line.split())
    for name in PROGRAMS:
        client.execute_command("ACL", "SETUSER", f"postern-{name}",
                               f">{PASSWORD} {name}")


def test_every_program_with_its_own_user(env, monkeypatch):
    env.redis.password = "of-the-harness"
    start = env.redis.start
    client = env.redis.client()

    def start_redis():
        start()
        users(client)

    def write_configs():
        for name in PROGRAMS:
            parameters = {
                **env.daemons.parameters,
                "redis_user": f"postern-{name}",
                "redis_password_file": write(
                    env.folder / "etc" / f"{name}.password",
                    f"{PASSWORD} {name}\n", 0o600),
            }
            path = write(env.folder / "etc" / f"{name}.conf", "".join(
                f"{k} = {v}\n" for k, v in parameters.items()))
            if name == "cli":
                env.cli.config = path
            else:
                env.daemons.of[name].config = path

    monkeypatch.setattr(env.redis, "start", start_redis)
    monkeypatch.setattr(env.daemons, "write_config", write_configs)
    env.start_stack(
        day_caps=[{"name": "all", "quantity": 1000}],
        prohibitions=[{
            "name": "night", "from": "00:00", "to": "00:00",
            "weekdays": [time.strftime("%a", time.gmtime()).lower()],
            "apply": [{"header": "Subject", "pattern": "news"}]}])
    queue_id = tell(env)
    env.postfix.send("held@good.test", sender=story.SENDER, subject="news")
    (held,) = [m["queue_id"] for m in env.postfix.queued()
               if m["queue_name"] == "hold"]
    assert held in env.cli.run("held", "list").stdout
    env.cli.run("held", "release", held)
    env.delivered("held@good.test", 1, 30)
    for words in (["trace", queue_id], ["blocks", "-t", "shop", "list"],
                  ["blocks", "-t", "shop", "add", "a@b.test"],
                  ["blocks", "-t", "shop", "remove", "a@b.test"],
                  ["settings", "-t", "shop", "history"],
                  ["settings", "export", "--all"],
                  ["doctor", "-s", "127.0.0.1"]):
        env.cli.run(*words)
    assert client.execute_command("ACL", "LOG") == []
    # What no program does, no user may.
    for name in PROGRAMS:
        user = redis.Redis(unix_socket_path=str(env.redis.socket),
                           username=f"postern-{name}",
                           password=f"{PASSWORD} {name}")
        for command in ("FLUSHALL", "KEYS *", "CONFIG SET save 1",
                        "GET other", "ACL LIST"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                user.execute_command(*command.split())
