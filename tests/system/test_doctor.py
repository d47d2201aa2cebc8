# SPDX-License-Identifier: BSD-2-Clause
"""postern doctor finds what is wrong, and says what to do."""

from harness.util import run


def doctor(env, check=False):
    return env.cli.run("doctor", "-s", "127.0.0.1", check=check)


def test_a_bare_host_is_told_what_is_missing(base):
    done = doctor(base)
    assert done.returncode == 1
    for word in ("master key: ", "postern init", "postern-policyd: unix:",
                 "postern-milter: unix:", "postern-bounced: unix:",
                 "postern-apid: inet:", "run \"postern postfix enable\"",
                 "Postfix: does not run"):
        assert word in done.stdout, word
    assert "OK    Postfix's log: " in done.stdout


def test_hooks_and_log_are_seen(mail):
    mail.enable()
    mail.postfix.log.chmod(0o600)
    done = doctor(mail)
    assert "OK    Postfix: hooks in " in done.stdout
    assert "OK    Postfix: runs" in done.stdout
    assert "smtp_line_length_limit" not in done.stdout
    mail.postfix.postconf("smtp_line_length_limit = 2000")
    assert "FAIL  Postfix: smtp_line_length_limit is 2000, in postern.conf" \
        " 998" in doctor(mail).stdout
    assert "FAIL  Postfix's log: " in done.stdout
    mail.postfix.log.chmod(0o644)
    assert "OK    Postfix's log: " in doctor(mail).stdout


def test_a_master_key_that_others_can_read_is_refused(base):
    key = base.folder / "etc" / "master.key"
    key.write_text("00" * 32 + "\n")
    key.chmod(0o644)
    assert "is open to others" in doctor(base).stdout
    key.chmod(0o600)
    assert "OK    master key: " in doctor(base).stdout


def test_a_queue_helper_that_others_can_change_is_found(base):
    daemons = base.daemons
    program = base.folder / "etc" / "helper"
    assert "OK    queue helper: " in doctor(base).stdout
    daemons.parameters["queue_helper_program"] = program
    daemons.write_config()
    assert f"FAIL  queue helper: {program}: No such" in doctor(base).stdout
    program.write_text("")
    program.chmod(0o644)
    assert "is no program" in doctor(base).stdout
    program.chmod(0o775)
    assert "others than root may change" in doctor(base).stdout
    program.chmod(0o755)
    assert f"OK    queue helper: {program}" in doctor(base).stdout
    daemons.parameters["queue_helper"] = "no"
    daemons.write_config()
    assert "WARN  queue helper: none" in doctor(base).stdout


def test_a_redis_that_forgets_is_found(base):
    client = base.redis.client()
    assert "OK    Redis: keeps what it is told (appendonly yes, appendfsync" \
        " everysec)" in doctor(base).stdout
    client.config_set("maxmemory-policy", "allkeys-lru")
    assert "FAIL  Redis: throws keys away" in doctor(base).stdout
    client.config_set("appendonly", "no")
    assert "FAIL  Redis: nothing is kept" in doctor(base).stdout
    base.redis.stop()
    assert "FAIL  Redis: unix:" in doctor(base).stdout


def key_pair():
    """A private key as PEM, and what p= of its record holds."""
    pem = run(["openssl", "genrsa", "2048"]).stdout
    public = run(["openssl", "rsa", "-pubout"], input=pem).stdout
    return pem, "".join(x for x in public.splitlines() if "-----" not in x)


def test_a_whole_host_is_well(env):
    pem, public = key_pair()
    env.dns.txt("s1._domainkey.shop.test", f"v=DKIM1; k=rsa; p={public}")
    env.dns.txt("s2._domainkey.shop.test", f"v=DKIM1; p={public[:-8]}AAAA")
    selectors = [{"selector": s, "state": "active", "key": pem}
                 for s in ("s1", "s2", "s3")]
    env.start_stack(domains=[{"name": "shop.test", "dkim": selectors[:1]}])
    done = doctor(env)
    assert done.returncode == 0, done.stdout
    assert "OK    DKIM: s1._domainkey.shop.test" in done.stdout
    assert "0 to look at, 0 broken" in done.stdout

    env.apply("shop", env.settings(
        domains=[{"name": "shop.test", "dkim": selectors}]))
    done = doctor(env)
    assert done.returncode == 1
    assert "s2._domainkey.shop.test holds another key" in done.stdout
    assert "s3._domainkey.shop.test is not in the DNS" in done.stdout

    env.daemons.milter.stop()
    assert "FAIL  postern-milter: unix:" in doctor(env).stdout
