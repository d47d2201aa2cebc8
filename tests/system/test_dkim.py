# SPDX-License-Identifier: BSD-2-Clause
"""DKIM: every canonical form, kind of key and odd message, through Postfix
to the next host, verified by two other implementations."""
import base64
import re
import subprocess

import pytest
from harness.util import Missing, run, wait_for, write

dkim = pytest.importorskip("dkim")
pytest.importorskip("nacl")  # Ed25519 signatures

from harness.signing import Milter  # noqa: E402

FORMS = ("relaxed/relaxed", "relaxed/simple", "simple/relaxed",
         "simple/simple")


def make_key(folder, name, *options):
    """Private key as PEM, value of its record."""
    path = folder / f"{name}.pem"
    run(["openssl", "genpkey", "-out", path, *options])
    der = subprocess.run(["openssl", "pkey", "-in", str(path), "-pubout",
                          "-outform", "DER"], check=True,
                         capture_output=True).stdout
    if "ed25519" in options:
        return path.read_text(), "v=DKIM1; k=ed25519; p=" + \
            base64.b64encode(der[-32:]).decode()
    return path.read_text(), "v=DKIM1; k=rsa; p=" + \
        base64.b64encode(der).decode()


def rsa(bits):
    return ("-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}")


ED25519 = ("-algorithm", "ed25519")


class Signer(Milter):
    """Domains: fN.test has form N and two keys; big.test one RSA key of 4096
    bits and one of 1024; ed.test Ed25519 alone; f0.test signs for its
    sub-domains; host.test is the operator's."""

    def __init__(self, env, operator="relaxed/relaxed", **settings):
        self.operator_form = operator
        super().__init__(env, **settings)

    def prepare(self, settings):
        env, folder = self.env, self.env.folder
        keys = {"r1": make_key(folder, "r1", *rsa(1024)),
                "r2": make_key(folder, "r2", *rsa(2048)),
                "r4": make_key(folder, "r4", *rsa(4096)),
                "e1": make_key(folder, "e1", *ED25519)}
        domains = [{"name": f"f{i}.test", "canonicalization": form,
                    "subdomains": i == 0,
                    "dkim": [{"selector": s, "key": keys[s][0]}
                             for s in ("r2", "e1")]}
                   for i, form in enumerate(FORMS)]
        domains += [{"name": "big.test",
                     "dkim": [{"selector": s, "key": keys[s][0]}
                              for s in ("r4", "r1")]},
                    {"name": "ed.test", "dkim": [
                        {"selector": "e1", "key": keys["e1"][0]}]}]
        settings = {"domains": domains, **settings}
        super().prepare(settings)
        self.records = {}
        for name in [d["name"] for d in domains] + ["host.test"]:
            for selector, (_, record) in keys.items():
                self.records[f"{selector}._domainkey.{name}."
                             .encode()] = record
        for name, record in self.records.items():
            env.dns.txt(name.decode().rstrip("."), record)
        env.dns.reload()
        env.apply("_global", {
            "tenants": [{"name": "shop",
                         "match": {"client": ["127.0.0.1"]}}],
            "operator_signature": {"domain": "host.test", "dkim": [
                {"selector": "r1", "key": keys["r1"][0]}]}})

    def opendkim(self, data):
        """What opendkim-testmsg says: None, or its complaint."""
        resolv = write(self.env.folder / "resolv.conf",
                       "nameserver 127.0.0.1\n")
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c",
             f"mount --bind {resolv} /etc/resolv.conf && opendkim-testmsg"],
            input=data, capture_output=True, timeout=30)
        if b"root filesystem propagation" in done.stderr:
            raise Missing("/ is no mount point: a plain chroot")
        return None if done.returncode == 0 else done.stderr[-200:]


def signatures(data):
    """The tags of each DKIM-Signature field."""
    head = data.partition(b"\r\n\r\n")[0].replace(b"\r\n\t", b" ")
    fields = re.findall(rb"(?m)^DKIM-Signature: (.*)\r?$", head)
    return [dict(re.findall(r"(\w+)=([^;]*)", f.decode())) for f in fields]


def verify(data, lookup):
    """How many signatures there are; all must be good."""
    d = dkim.DKIM(data, minkey=1024)
    count = len([1 for h, _ in d.headers if h.lower() == b"dkim-signature"])
    for i in range(count):
        assert d.verify(idx=i, dnsfunc=lookup), f"signature {i}"
    return count


def header(n, author, more=b"", subject=b"Subject: hello\r\n"):
    return (b"From: Shop <news@" + author.encode() + b">\r\n"
            b"To: one@good.test\r\n" + subject + b"X-Number: %d\r\n" % n +
            b"Date: Mon, 23 Nov 2026 07:00:00 +0000\r\n"
            b"Message-ID: <%d@shop.test>\r\n" % n + more + b"\r\n")


BODIES = {
    "plain": b"A few words.\r\n",
    "empty": b"",
    "no line end": b"no line end",
    "empty lines at the end": b"a\r\n\r\n\r\n\r\n",
    "only empty lines": b"\r\n\r\n\r\n",
    "only blanks": b"   \r\n\t\r\n",
    "trailing blanks": b"a \t \r\nb\t\r\n \r\nc  ",
    "tabs": b"a\tb\t\tc \t d\r\n\te\r\n",
    "8-bit": "Grüße, 日本語\r\n".encode() * 50,
    "latin-1": b"Gr\xfc\xdfe\r\n",
    "dots": b".\r\n..\r\n.a\r\n",
    "bare LF": b"a\nb \nc\n\n",
    "bare CR": b"a\rb\r\nc\r d\r\n",
    "997": b"x" * 997 + b"\r\n",
    "998": b"x" * 998 + b"\r\n",
    "999": b"x" * 999 + b"\r\n",
    "1995": b"x" * 1995 + b"\r\ny\r\n",
    "1996": b"x" * 1996 + b"\r\ny\r\n",
    "2000": b"x" * 2000 + b"\r\nshort\r\n" + b"y" * 2000,
    "2048": b"x" * 2048 + b"\r\n",
    "4096": b"x" * 4096 + b"\r\n",
    "2000 and blanks": (b"word  " * 400) + b"\r\n",
    "100,000": b"x" * 100000 + b"\r\nend\r\n",
    "100,000 dots": b"." * 100000 + b"\r\nend\r\n",
    "400 KB": b"".join(b"%d some words of text, and more \r\n" % i
                       for i in range(12000)),
}
HEADERS = {
    "folded": b"Cc: a@good.test,\r\n\tb@good.test,\r\n  c@good.test\r\n",
    "blanks": b"Reply-To:   a@shop.test  \t\r\nCc:\ta@good.test\r\n",
    "no blank": b"Cc:a@good.test\r\nReferences:<1@x>\r\n",
    "empty": b"Cc:\r\nReferences: \r\nIn-Reply-To:\t\r\n",
    "odd names": b"X.y-(z)[]{}: 1\r\n!#$%: 2\r\nlist-ID: a <a.b>\r\n",
    "lower case": b"mime-version: 1.0\r\nCONTENT-TYPE: text/plain\r\n",
    "repeated": b"References: <1@x>\r\nReferences: <2@x>\r\n",
    "lists": b"List-Unsubscribe: <https://shop.test/u>\r\n"
             b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
             b"Feedback-ID: 1:2:3:shop\r\nCFBL-Address: f@shop.test\r\n"
             b"CFBL-Feedback-ID: 4711\r\n",
    "8-bit": "Cc: Jürgen <j@good.test>\r\n".encode(),
    "long and folded": b"Cc: " + b",\r\n ".join(
        b"user%d@good.test" % i for i in range(300)) + b"\r\n",
    "2000 octets": b"References: " + b" ".join(
        b"<%d@example.test>" % i for i in range(110)) + b"\r\n",
    "10,000 fields": b"".join(b"X-Field-%d: value\r\n" % i
                              for i in range(10000)),
}


def messages(author):
    n = 0
    for name, body in BODIES.items():
        n += 1
        yield f"body {name}", n, header(n, author) + body
    for name, more in HEADERS.items():
        n += 1
        yield f"header {name}", n, header(n, author, more) + b"hi\r\n"
    for name, subject in (("empty", b"Subject:\r\n"), ("none", b""),
                          ("folded", b"Subject: a\r\n  b\r\n\tc\r\n")):
        n += 1
        yield (f"subject {name}", n,
               header(n, author, subject=subject) + b"hi\r\n")


def numbered(receiver):
    return {int(re.search(rb"X-Number: (\d+)", m.data).group(1)): m.data
            for m in receiver.received}


@pytest.mark.parametrize("form", range(4), ids=FORMS)
def test_every_message_verifies(base, form):
    signer = Signer(base)
    receiver = base.receivers["good.test"]
    names = {}
    for name, n, data in messages(f"f{form}.test"):
        names[n] = name
        signer.submit(data, sender="news@shop.test")
    wait_for(lambda: len(receiver.received) >= len(names), 60)
    bad = []
    for n, data in numbered(receiver).items():
        try:
            assert verify(data, signer.dns) == 3
        except Exception as e:
            bad.append(f"{names[n]}: {e!r}")
        complaint = signer.opendkim(data)
        # What RFC 5322 does not allow it does not look at.
        if complaint and names[n] != "header repeated":
            bad.append(f"opendkim: {names[n]}: {complaint}")
    assert not bad, "\n".join(bad)
    tags = signatures(data)
    assert [t["d"] for t in tags] == ["host.test"] + [f"f{form}.test"] * 2
    assert {t["c"] for t in tags[1:]} == {FORMS[form]}


def test_keys_and_domains(base):
    signer = Signer(base)
    authors = {"big.test": ["rsa-sha256", "rsa-sha256"],
               "ed.test": ["ed25519-sha256"],
               "a.b.f0.test": ["ed25519-sha256", "rsa-sha256"],
               "sub.f1.test": [], "other.test": []}
    for n, author in enumerate(authors):
        signer.submit(header(n, author) + b"hi\r\n")
        data = base.delivered("one@good.test", n + 1)[n].data
        tags = signatures(data)
        assert tags[0]["d"] == "host.test"
        assert [t["a"] for t in tags[1:]] == authors[author], author
        assert verify(data, signer.dns) == len(tags)
        assert signer.opendkim(data) is None, author
        identities = {t.get("i", "").strip() for t in tags[1:]}
        if author == "a.b.f0.test":
            assert identities == {"@a.b.f0.test"}
        elif tags[1:]:
            assert identities == {""}


def test_no_author_or_several_fields(base):
    """No signature at all, not the operator's either."""
    # Postfix adds a From field to mail of local clients.
    base.postfix.postconf("local_header_rewrite_clients =")
    signer = Signer(base)
    heads = (b"Subject: x\r\n",
             b"From: a@f0.test\r\nFrom: a@f0.test\r\n",
             b"From: undisclosed:;\r\n")
    for n, head in enumerate(heads):
        signer.submit(head + b"To: one@good.test\r\n\r\nhi\r\n")
        data = base.delivered("one@good.test", n + 1)[n].data
        assert not signatures(data), head
    assert "several From" in base.daemons.milter.text


def test_authors_of_several_domains(base):
    """Only the operator signs, unless Sender says which domain it is."""
    signer = Signer(base)
    authors = b"From: a@f0.test, b@ed.test\r\n"
    for n, (sender, domains) in enumerate((
            (b"", ["host.test"]),
            (b"Sender: b@ed.test\r\n", ["host.test", "ed.test"]),
            (b"Sender: b@big.test\r\n", ["host.test"]),
            (b"Sender: b@ed.test\r\nSender: b@ed.test\r\n",
             ["host.test"]))):
        signer.submit(authors + sender + b"\r\nhi\r\n")
        data = base.delivered("one@good.test", n + 1)[n].data
        assert [t["d"] for t in signatures(data)] == domains
        assert verify(data, signer.dns) == len(domains)


def test_the_operators_own_domain_signs_once(base):
    signer = Signer(base, domains=[{"name": "host.test"}])
    signer.submit(header(1, "host.test") + b"hi\r\n")
    data = base.delivered("one@good.test")[0].data
    assert [t["d"] for t in signatures(data)] == ["host.test"]
    assert verify(data, signer.dns) == 1


def test_nothing_can_be_added(base):
    signer = Signer(base)
    signer.submit(header(1, "f3.test", b"Reply-To: a@f3.test\r\n") +
                  b"hi\r\n")
    data = base.delivered("one@good.test")[0].data
    assert verify(data, signer.dns) == 3
    for name in (b"From", b"Subject", b"Date", b"To", b"Reply-To"):
        changed = name + b": x@evil.test\r\n" + data
        for i in range(3):
            try:
                good = dkim.DKIM(changed, minkey=1024).verify(
                    idx=i, dnsfunc=signer.dns)
            except dkim.DKIMException:
                good = False
            assert not good, name


def test_lines_that_are_not_broken(base):
    """With the SMTP client's limit off, and ours."""
    base.daemons.parameters["smtp_line_length_limit"] = 0
    base.daemons.write_config()
    signer = Signer(base)
    base.postfix.postconf("smtp_line_length_limit = 0")
    base.postfix.reload()
    signer.submit(header(1, "f3.test") + b"x" * 5000 + b"\r\n")
    data = base.delivered("one@good.test")[0].data
    assert b"x" * 5000 in data
    assert verify(data, signer.dns) == 3
