# SPDX-License-Identifier: BSD-2-Clause
"""postern postfix: the hooks go in, work, and come out to the octet."""
import os
import smtplib
import stat

import pytest
from harness.postfix import refusal
from harness.util import wait_for


def files(env):
    """Content, mode and owner of both files."""
    found = []
    for name in ("main.cf", "master.cf"):
        path = env.postfix.config / name
        st = path.stat()
        found.append((path.read_bytes(), stat.S_IMODE(st.st_mode), st.st_uid,
                      st.st_gid))
    return found


def postfix(env, action, *more, check=True):
    done = env.cli.run("postfix", action, *more, check=check)
    env.postfix.fill_chroot()
    return done


def test_the_way_there_and_back(base):
    main = base.postfix.config / "main.cf"
    main.write_text(main.read_text() + "# the site's own words\n"
                    "smtpd_milters =\n\tinet:127.0.0.1:8891\n"
                    "relay_recipient_maps = inline:{a@example.test=x}\n")
    before = files(base)

    shown = postfix(base, "diff", "-d", "back.example.test", check=False)
    assert shown.returncode == 1
    assert "+ smtpd_milters = inet:127.0.0.1:8891, $postern_milter" \
        in shown.stdout
    assert files(base) == before
    assert postfix(base, "status", check=False).returncode == 1

    postfix(base, "enable", "-d", "back.example.test")
    after = files(base)
    assert after != before
    assert [x[1:] for x in after] == [x[1:] for x in before]
    assert base.postfix.value("smtpd_milters") == \
        "inet:127.0.0.1:8891, $postern_milter"
    assert postfix(base, "diff", "-d", "back.example.test").stdout == ""
    assert "enabled in" in postfix(base, "status", "-d",
                                   "back.example.test").stdout

    postfix(base, "enable", "-d", "back.example.test")
    assert files(base) == after

    postfix(base, "disable")
    assert files(base) == before
    postfix(base, "disable")
    assert files(base) == before


def test_the_listener_for_copies(base):
    master = base.postfix.config / "master.cf"
    postfix(base, "enable")
    text = master.read_text()
    assert text.count("127.0.0.1:10589") == 1
    assert text.count("postern-cleanup") == 2
    assert "$postern_policy" not in text

    # Its address is another one now, and somebody has changed the other.
    main = base.daemons.config
    main.write_text(main.read_text() +
                    "milter_reinject = inet:127.0.0.1:10600\n")
    master.write_text(text.replace("message_size_limit=0",
                                   "message_size_limit=1") + "# mine\n")
    postfix(base, "enable")
    text = master.read_text()
    assert "127.0.0.1:10589" not in text
    assert "127.0.0.1:10600" in text
    assert "message_size_limit=1" not in text
    assert postfix(base, "diff").stdout == ""

    postfix(base, "disable")
    text = master.read_text()
    assert "postern" not in text and "10600" not in text
    assert "# mine" in text


def test_what_the_administrator_changed_meanwhile_stays(base):
    postfix(base, "enable")
    base.postfix.postconf("message_size_limit=1234567",
                          "smtpd_recipient_restrictions=$postern_policy,"
                          " permit_mynetworks, reject")
    postfix(base, "disable")
    value = base.postfix.value
    assert value("message_size_limit") == "1234567"
    assert value("smtpd_recipient_restrictions") == "permit_mynetworks, reject"
    assert value("smtpd_milters") == ""
    text = (base.postfix.config / "main.cf").read_text()
    assert "postern" not in text


def test_services_with_restrictions_of_their_own(base):
    master = base.postfix.config / "master.cf"
    master.write_text(
        master.read_text() +
        "127.0.0.1:587 inet n - y - - smtpd\n"
        "  -o smtpd_recipient_restrictions=\n"
        "127.0.0.1:588 inet n - y - - smtpd\n"
        "  -o { smtpd_recipient_restrictions = permit_mynetworks, reject }\n"
        "127.0.0.1:10025 inet n - y - - smtpd\n"
        "  -o smtpd_milters=\n"
        "  -o smtpd_recipient_restrictions=permit_mynetworks,reject\n")
    before = files(base)
    postfix(base, "enable")
    text = master.read_text()
    assert "-o smtpd_recipient_restrictions=$postern_policy\n" in text
    assert "-o smtpd_recipient_restrictions=" \
        "$postern_policy,permit_mynetworks,reject\n" in text
    assert "-o smtpd_recipient_restrictions=permit_mynetworks,reject\n" \
        in text
    postfix(base, "disable")
    assert files(base) == before


def test_a_configuration_that_postfix_refuses_is_not_touched(base):
    main = base.postfix.config / "main.cf"
    main.write_text(main.read_text() + "mail_owner = nosuchuser\n")
    before = files(base)
    done = postfix(base, "enable", check=False)
    assert done.returncode != 0
    assert "nothing was changed" in done.stderr
    assert files(base) == before


def test_originals_that_others_could_write_are_not_put_back(base):
    postfix(base, "enable")
    kept = base.folder / "state" / "postfix" / "main.cf"
    os.chown(kept, 65534, -1)
    done = postfix(base, "disable", check=False)
    assert done.returncode == 77  # EX_NOPERM
    assert base.postfix.value("smtpd_milters") == "$postern_milter"


def test_without_daemons_mail_is_put_off_and_not_refused(mail):
    postfix(mail, "enable")
    with pytest.raises((smtplib.SMTPSenderRefused, smtplib.SMTPDataError,
                        smtplib.SMTPRecipientsRefused,
                        smtplib.SMTPConnectError)) as caught:
        mail.postfix.send("one@good.test")
    error = caught.value
    code = refusal(error)[0] if hasattr(error, "recipients") \
        else error.smtp_code
    assert 400 <= code < 500
    postfix(mail, "disable")
    wait_for(lambda: sends(mail))
    mail.delivered("one@good.test")


def sends(env):
    """Processes of before the reload may serve one more client."""
    try:
        return env.postfix.send("one@good.test")
    except smtplib.SMTPException:
        return None
