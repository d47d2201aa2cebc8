# SPDX-License-Identifier: BSD-2-Clause
"""postern classify over files, directories, mailboxes and standard input."""
import json
import os
import pathlib
import subprocess

from harness.daemons import program
from harness.util import write

FORMS = pathlib.Path(__file__).resolve().parents[1] / "data" / "bounces"
MAIL = """\
From: MAILER-DAEMON@mx.b.test
To: sender@a.test
Subject: failure notice

<{name}@b.test>:
Sorry, no mailbox here by that name. (#5.1.1)
"""
SEPARATOR = "From MAILER-DAEMON Mon Oct  5 09:14:22 2026\n"


def classify(*args, text=None):
    return subprocess.run([program("postern"), "classify", *map(str, args)],
                          input=text, capture_output=True, text=True,
                          timeout=60)


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_one_mail_from_standard_input_has_no_name():
    done = classify(text=MAIL.format(name="rita"))
    assert done.returncode == 0, done.stderr
    said, = lines(done)
    assert (said["recipient"], said["status"], said["kind"], said["class"],
            said["fault"], said["may_block"]) == (
                "rita@b.test", 2, "bounce", "user-unknown", "recipient", True)
    assert "file" not in said and "message" not in said


def test_a_forwarded_one_tells_both_addresses():
    said, = lines(classify(FORMS / "postfix-forwarded.eml"))
    assert (said["recipient"], said["final"], said["status"]) == (
        "rita@b.example", "r.vogel@c.example", 6)


def test_a_directory_is_read_in_the_order_of_its_names(tmp_path):
    for name in ("b/2", "b/1", "a", ".hidden", "c"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        write(file, MAIL.format(name=file.name))
    os.symlink(tmp_path, tmp_path / "b" / "loop")
    os.mkfifo(tmp_path / "fifo")
    done = classify(tmp_path)
    assert done.returncode == 0, done.stderr
    assert [said["file"] for said in lines(done)] == [
        str(tmp_path / name) for name in ("a", "b/1", "b/2", "c")]


def test_the_mails_of_a_mailbox_are_numbered(tmp_path):
    box = tmp_path / "box"
    # More than is read at once, and so each mail at another place of it.
    write(box, "".join(f"{SEPARATOR}{MAIL.format(name=f'u{i}')}\n"
                       for i in range(3000)))
    said = lines(classify(box))
    assert [(one["message"], one["recipient"]) for one in said] == [
        (i + 1, f"u{i}@b.test") for i in range(3000)]
    assert said == lines(classify(text=box.read_text()))


def test_what_can_not_be_read_is_told_and_the_rest_is_read(tmp_path):
    good = tmp_path / "good"
    write(good, MAIL.format(name="rita"))
    done = classify(tmp_path / "none", good)
    assert done.returncode == os.EX_NOINPUT
    assert f"{tmp_path}/none: No such file or directory" in done.stderr
    assert [said["file"] for said in lines(done)] == [str(good)]
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(65 << 20)
    done = classify(large, good)
    assert done.returncode == os.EX_DATAERR
    assert str(large) in done.stderr and len(lines(done)) == 1
    assert classify("--nothing").returncode == os.EX_USAGE


def test_every_form_is_what_the_table_says():
    table = dict(line.split("\t") for line in
                 (FORMS / "expected").read_text().splitlines())
    kinds = {}
    for said in lines(classify(FORMS)):
        name = pathlib.Path(said["file"]).name
        if name != "expected":
            kinds.setdefault(name[:-4], []).append(said["kind"])
    for name, want in table.items():
        assert want.split()[0] in kinds[name], name


def test_output_that_is_lost_is_an_error():
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([program("postern"), "classify", FORMS],
                              stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=60, check=False)
    assert done.returncode == os.EX_IOERR
    assert "No space left on device" in done.stderr
