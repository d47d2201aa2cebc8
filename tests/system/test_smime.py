# SPDX-License-Identifier: BSD-2-Clause
"""S/MIME signatures on a trip through a real Postfix, judged by openssl."""
import base64
import email
import json
import re

import pytest
from harness.authority import PASSWORD, Authority
from harness.util import wait_for

pytest.importorskip("dkim")
pytest.importorskip("nacl")

from harness.signing import Milter, MilterAndLog, message  # noqa: E402
from harness.signing import verify_with_dkim_py  # noqa: E402

NEWS = "news@shop.test"


class Signed:
    """The milter with certificates that were taken in by the command."""

    def __init__(self, env, *files, make=Milter, **smime):
        self.env = env
        self.ca = Authority(env.folder)
        self.milter = make(env)
        for give in files:
            self.take(give(self.ca))
        if smime:
            self.edit(**smime)
        self.apply()

    def command(self, *argv, **kw):
        return self.env.cli.run("smime", "-t", "shop", *argv, **kw)

    def take(self, path, *more, **kw):
        return self.command("import", path, "--password-file",
                            self.ca.password_file, *more, **kw)

    def edit(self, **smime):
        for name, value in smime.items():
            self.env.cli.run("settings", "-t", "shop", "set",
                             f"/smime/{name}", json.dumps(value))

    def apply(self):
        text = self.env.daemons.milter
        before = text.text.count("revision")
        self.env.cli.run("settings", "-t", "shop", "apply")
        wait_for(lambda: text.text.count("revision") > before)

    def trip(self, data, to="one@good.test"):
        """What came to the recipient, and the milter's note."""
        domain = to.rpartition("@")[2]
        receiver = self.env.receivers[domain]
        count = len(receiver.messages_to(to))
        queue_id = self.milter.submit(data, to=to)
        got = self.env.delivered(to, count + 1)[count].data
        found = re.search(r"smime=(\S+?),", self.milter.log(queue_id))
        return got, found.group(1) if found else None


def news(ca):
    return ca.give("news", NEWS)


def leaves(m):
    """What a reader sees: type, file name and content of each leaf."""
    found = []
    for part in m.walk():
        if part.is_multipart():
            found.append((part.get_content_type(), None, None))
            continue
        name = part.get_filename()
        text = part.get_payload(decode=True)
        found.append((part.get_content_type(), name and str(name),
                      text.replace(b"\r\n", b"\n")))
    return found


def part(kind, text, encoding=None, more=b""):
    head = b"Content-Type: " + kind + b"\r\n" + more
    if encoding:
        head += b"Content-Transfer-Encoding: " + encoding + b"\r\n"
    return head + b"\r\n" + text


def multipart(kind, *parts, boundary=b"sep 1"):
    line = b"\r\n--" + boundary
    return (b"Content-Type: multipart/" + kind + b";\r\n boundary=\"" +
            boundary + b"\"\r\n\r\nfor old readers" +
            b"".join(line + b"\r\n" + p for p in parts) + line + b"--\r\n")


UTF8 = "Grüße, 日本語\r\n".encode()
HTML = part(b"text/html; charset=utf-8", b"<p>" + UTF8 + b"</p>\r\n", b"8bit")
PLAIN = part(b"text/plain; charset=utf-8", UTF8, b"8bit")
PDF = part(b"application/pdf; name=\"a.pdf\"",
           base64.encodebytes(bytes(range(256)) * 20).replace(b"\n", b"\r\n"),
           b"base64", b"Content-Disposition: attachment; filename=a.pdf\r\n")
INNER = (b"From: J\xc3\xbcrgen <j@good.test>\r\nSubject: inside\r\n"
         b"MIME-Version: 1.0\r\n" + PLAIN)

ENTITIES = {
    "text": part(b"text/plain", b"A few words.\r\n"),
    "empty": part(b"text/plain", b""),
    "only empty lines": part(b"text/plain", b"\r\n\r\n\r\n"),
    "UTF-8": PLAIN,
    "mostly ASCII": part(b"text/plain; charset=utf-8",
                         b"many words, and one " + UTF8 +
                         b"plain words behind it\r\n" * 5, b"8bit"),
    "ISO-2022-JP": part(b"text/plain; charset=iso-2022-jp",
                        "日本語\r\n".encode("iso-2022-jp"), b"7bit"),
    "ISO-2022-JP, long": part(b"text/plain; charset=iso-2022-jp",
                              ("日本語" * 300 + "\r\n").encode("iso-2022-jp"),
                              b"7bit"),
    "long lines": part(b"text/plain", b"x" * 5000 + b"\r\n" +
                       b"word " * 1000 + b"\r\n"),
    "From lines": part(b"text/plain", b"From me\r\nFrom you\r\n>From\r\n"),
    "blanks": part(b"text/plain; format=flowed",
                   b"a \r\nb\t\r\n \r\n-- \r\nme\r\n"),
    "dots": part(b"text/plain", b".\r\n..\r\n.a\r\n"),
    "bare LF": part(b"text/plain", b"a\nb\nc\r\n"),
    "no line end": part(b"text/plain", b"no line end"),
    "alternative": multipart(b"alternative", PLAIN, HTML),
    "attachment": multipart(b"mixed", PLAIN, PDF),
    "nested": multipart(
        b"mixed", multipart(b"alternative", PLAIN, HTML, boundary=b"i"), PDF),
    "message": multipart(b"mixed", PLAIN,
                         part(b"message/rfc822", INNER, b"8bit")),
    "quoted-printable": part(b"text/plain; charset=utf-8",
                             b"=C3=BC =\r\nFrom x =20\r\nFrom me\r\n",
                             b"quoted-printable"),
    "boundary alike": multipart(
        b"mixed", part(b"text/plain", b"--sep\r\n--sep 1 x\r\n--sep 1-\r\n")),
}


def test_messages_arrive_signed(base):
    """openssl takes the signature, what is signed is what was sent, and DKIM
    verifies, too: for every kind of message."""
    s = Signed(base, news)
    bad = []
    for n, (name, entity) in enumerate(ENTITIES.items()):
        head, _, body = entity.partition(b"\r\n\r\n")
        data = message(n, body, b"MIME-Version: 1.0\r\n" + head + b"\r\n")
        got, note = s.trip(data)
        try:
            assert note == NEWS
            assert b"\r\nSubject: hello\r\n" in got
            head = got.partition(b"\r\n\r\n")[0]
            assert head.count(b"MIME-Version: ") == 1
            content = s.ca.verify(got)
            assert max(got) < 0x80
            if name == "bare LF":
                data = data.replace(b"a\nb\nc", b"a\r\nb\r\nc")
            if not data.endswith(b"\n"):
                data += b"\r\n"
            want = leaves(email.message_from_bytes(data))
            have = leaves(email.message_from_bytes(content))
            assert have == want, (have, want)
            assert verify_with_dkim_py(got, s.milter.dns)
        except AssertionError as e:
            bad.append((name, str(e)[:1500]))
    assert not bad, bad


def test_text_that_is_safe_stays_as_it_is(base):
    s = Signed(base, news)
    entity = multipart(b"mixed", part(b"text/plain", b"safe\r\n"), PDF)
    head, _, body = entity.partition(b"\r\n\r\n")
    got, _ = s.trip(message(1, body, b"MIME-Version: 1.0\r\n" + head +
                            b"\r\n"))
    assert s.ca.verify_octets(got) == entity
    got, _ = s.trip(message(2, b"no MIME at all\r\n"))
    assert s.ca.verify_octets(got) == b"\r\nno MIME at all\r\n"
    assert got.count(b"MIME-Version: 1.0\r\n") == 1


def test_a_host_without_8bitmime_changes_nothing(base):
    s = Signed(base, news)
    base.receivers["full.test"].script = {
        "ehlo": "250-mx.full.test\r\n250 PIPELINING"}
    head, _, body = multipart(b"mixed", HTML, part(
        b"message/rfc822", INNER, b"8bit")).partition(b"\r\n\r\n")
    got, _ = s.trip(message(1, body, b"MIME-Version: 1.0\r\n"
                            b"Content-Transfer-Encoding: 8bit\r\n" + head +
                            b"\r\n"), to="one@full.test")
    s.ca.verify(got)
    assert verify_with_dkim_py(got, s.milter.dns)


def test_changed_mail_does_not_verify(base):
    s = Signed(base, news)
    got, _ = s.trip(message(1))
    s.ca.verify(got)
    with pytest.raises(AssertionError):
        s.ca.verify(got.replace(b"A few words", b"A few w0rds"))


def test_ec_key_and_certificate_of_a_domain(base):
    s = Signed(base, lambda ca: ca.give("ec", "ec@shop.test", key="EC"))
    s.take(s.ca.give("domain", "a@shop.test", "b@shop.test"), "--for",
           "@shop.test")
    s.apply()
    for sender, want in (("ec@shop.test", "ec@shop.test"),
                         ("a@shop.test", "@shop.test"),
                         ("B@Shop.Test", "@shop.test"),
                         ("c@shop.test", "not-named"),
                         ("a@other.test", None)):
        got, note = s.trip(message(1).replace(b"news@shop.test>\r\nTo",
                                              sender.encode() + b">\r\nTo"))
        assert note == want, sender
        if want and "@" in want:
            s.ca.verify(got)
        else:
            assert b"multipart/signed" not in got


def test_excluded_domains(base):
    s = Signed(base, news, exclude_domains=["full.test"])
    base.receivers["full.test"].script = {}
    got, note = s.trip(message(1), to="one@full.test")
    assert note == "excluded" and b"multipart/signed" not in got
    got, note = s.trip(message(1))
    assert note == NEWS


def test_a_message_to_both_is_split(base):
    """Each recipient gets one message: signed, or as it was."""
    s = Signed(base, news, make=MilterAndLog, exclude_domains=["full.test"])
    base.receivers["full.test"].script = {}
    to = ["one@good.test", "one@full.test", "two@good.test"]
    s.milter.submit(message(1), to=to)
    for one in to:
        got, = base.delivered(one)
        assert (b"multipart/signed" in got.data) == ("good" in one)
        assert b"X-Postern-Copy" not in got.data
        assert verify_with_dkim_py(got.data, s.milter.dns)
        if "good" in one:
            s.ca.verify(got.data)
    base.postfix.flush()
    wait_for(base.postfix.empty)
    assert [len(base.delivered(one)) for one in to] == [1, 1, 1]


def test_expired_certificate(base):
    s = Signed(base, lambda ca: ca.give("news", NEWS, days=-1))
    daemon = base.daemons.milter
    wait_for(lambda: "the certificate has expired" in daemon.text)
    got, note = s.trip(message(1))
    assert note == "expired" and b"multipart/signed" not in got
    assert verify_with_dkim_py(got, s.milter.dns)
    # Renewed: the same address, in the place of the old one.
    assert "renewed" in s.take(s.ca.give("news", NEWS, days=10)).stdout
    s.apply()
    wait_for(lambda: re.search(r"expires in (9|10) days", daemon.text))
    assert s.trip(message(1))[1] == NEWS
    listed = s.command("list").stdout
    assert listed.count("@shop.test") == 1
    assert re.search(r"\b(9|10) days left", listed)
    doctor = base.cli.run("doctor", check=False).stdout
    assert re.search(r"WARN +S/MIME: tenant shop, news@shop.test: "
                     r"(9|10) days left", doctor)


def test_what_is_left_alone(base):
    s = Signed(base, news)
    for kind in (b"multipart/signed; boundary=b; micalg=pgp-sha256;"
                 b" protocol=\"application/pgp-signature\"",
                 b"multipart/encrypted; boundary=b;"
                 b" protocol=\"application/pgp-encrypted\"",
                 b"application/pkcs7-mime; smime-type=enveloped-data"):
        body = b"--b\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b--\r\n"
        got, note = s.trip(message(1, body, b"MIME-Version: 1.0\r\n"
                                   b"Content-Type: " + kind + b"\r\n"))
        assert note == "protected"
        assert got.endswith(body) and kind in got
    got, note = s.trip(message(1, b"\xff\r\n", b"MIME-Version: 1.0\r\n"
                               b"Content-Type: multipart/mixed\r\n"))
    assert note == "unsafe" and got.endswith(b"\xff\r\n")
    assert "can not be made safe to sign" in base.daemons.milter.text


def test_import_refuses(base):
    s = Signed(base, news)
    ca = s.ca

    def refused(done, text):
        assert done.returncode != 0 and text in done.stderr, done
    wrong = ca.folder / "wrong"
    wrong.write_text("x\n")
    path = ca.give("other", "other@shop.test")
    refused(s.command("import", path, "--password-file", wrong, check=False),
            "wrong password")
    refused(s.take(ca.root, check=False), "no PKCS#12 file")
    refused(s.take(path, "--for", "news@shop.test", check=False),
            "does not name")
    refused(s.take(ca.give("web", "web@shop.test", usage="serverAuth"),
                   check=False), "not for signing mail")
    refused(s.command("remove", "x@shop.test", check=False), "no certificate")
    s.command("remove", NEWS)
    s.apply()
    assert s.trip(message(1))[1] is None


def test_the_key_is_nowhere_in_the_open(base):
    s = Signed(base, news)
    shown = base.cli.run("settings", "-t", "shop", "show").stdout
    assert "PRIVATE KEY" not in shown and "(sealed)" in shown
    client = base.redis.client()
    for key in client.scan_iter("*"):
        if client.type(key) == "hash":
            assert "PRIVATE KEY" not in str(client.hgetall(key))
    for file in (base.folder / "state").rglob("*.json"):
        assert "PRIVATE KEY" not in file.read_text()
    assert PASSWORD not in base.daemons.milter.text
    assert s.trip(message(1))[1] == NEWS
