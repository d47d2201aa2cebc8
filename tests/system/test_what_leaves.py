# SPDX-License-Identifier: BSD-2-Clause
"""What the next host sees is what was signed, whatever the modules did to the
message: every kind of message, in settings that pair each choice of a module
with each choice of all others."""
import itertools
import re
import smtplib

import pytest
from harness.odd_mail import messages
from harness.util import run, wait_for

pytest.importorskip("dkim")
pytest.importorskip("nacl")  # Ed25519 signatures

from harness.signing import SENDER, MilterAndLog  # noqa: E402
from harness.signing import verify_with_dkim_py  # noqa: E402

ALL = {"name": "all", "header": "X-Number", "pattern": ".*"}
LINK = {"url": "https://mail.shop.test/u/", "filters": [ALL]}


OTHER = "other@good.test"


def forward(mode):
    return [{**ALL, "to": OTHER, "mode": mode}]


# A module joins by one line: the member of the settings, and what it may be.
CHOICES = {
    "canonicalization": ["relaxed/relaxed", "simple/simple",
                         "relaxed/simple", "simple/relaxed"],
    "received": ["abbreviated", "normal", "keep", "remove"],
    "return_path": [{}, {"domain": "back.shop.test"}],
    "envelope_sender": [{}, {"mode": "address", "address": "b@shop.test"},
                        {"mode": "domain", "domain": "out.shop.test"}],
    "suppression": [{}, {"on_suppressed": "accept"}],
    "preflight": [{"mode": "off"}, {"mode": "observe"}],
    "forwarding": [[], forward("redirect"), forward("copy")],
    "unsubscribe": [{}, LINK, {**LINK, "existing": "replace"}],
    "smime": [{}, "certificate"],
    # Not of the settings: with two, personal links make two messages.
    "recipients": [["one@good.test"], ["one@good.test", "two@good.test"]],
}


def pairwise(choices):
    """Settings in which every two choices of two members meet."""
    names = list(choices)
    left = {(a, i, b, j) for a, b in itertools.combinations(names, 2)
            for i in range(len(choices[a])) for j in range(len(choices[b]))}
    while left:
        row = {}
        for name in names:
            def new(i):
                return sum(1 for other in row if (other, row[other], name, i)
                           in left)

            def to_come(i):
                return sum(1 for a, x, b, y in left
                           if (a, x) == (name, i) or (b, y) == (name, i))
            row[name] = max(range(len(choices[name])),
                            key=lambda i: (new(i), to_come(i)))
        met = {(a, row[a], b, row[b])
               for a, b in itertools.combinations(names, 2)}
        if not met & left:  # take one that is missing, and any around it
            a, i, b, j = next(iter(sorted(left)))
            row.update({a: i, b: j})
            met = {(a, row[a], b, row[b])
                   for a, b in itertools.combinations(names, 2)}
        left -= met
        yield {name: choices[name][i] for name, i in row.items()}


def certificate(folder):
    """For S/MIME: the address's own, of no authority."""
    key, chain = folder / "smime.key", folder / "smime.pem"
    run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
         "-keyout", key, "-out", chain, "-days", "30", "-subj", "/CN=Shop",
         "-addext", f"subjectAltName=email:{SENDER}",
         "-addext", "keyUsage=digitalSignature",
         "-addext", "extendedKeyUsage=emailProtection"])
    return {"certificates": [{"for": SENDER, "chain": chain.read_text(),
                              "key": key.read_text()}]}


def put_in_force(milter, row, smime):
    row = {k: v for k, v in row.items() if k != "recipients"}
    domain = dict(milter.document["domains"][0],
                  canonicalization=row.pop("canonicalization"))
    row["smime"] = smime if row["smime"] else {}
    milter.change(domains=[domain], **row)


def send(milter, number, data, recipients):
    try:
        milter.submit(re.sub(rb"X-Number: \d+", b"X-Number: %d" % number,
                             data), recipients)
    except smtplib.SMTPException as e:
        return repr(e)
    return None


def check(received, names, dns):
    """What is wrong with a row's messages, by name."""
    bad = []
    for m in received:
        if number_of(m) not in names:
            continue
        try:
            good = verify_with_dkim_py(m.data, dns)
        except Exception as e:  # which message says more than a trace
            good, e = False, repr(e)
        if not good or re.findall(rb"\r\n(X-Postern-[^:]*):",
                                  m.data) != [b"X-Postern-Ref"]:
            bad.append(names[number_of(m)])
    return bad


def who_gets_it(row):
    if not row["forwarding"]:
        return row["recipients"]
    if row["forwarding"][0]["mode"] == "redirect":
        return [OTHER]
    return row["recipients"] + [OTHER]


# That a choice was made at all: some message of the row shows it.
SHOWS = {
    "smime": lambda m: b"application/pkcs7-signature" in m.data,
    "unsubscribe": lambda m: b"<" + LINK["url"].encode() in m.data,
    "return_path": lambda m: "@back.shop.test" in m.sender,
}


def not_shown(row, received):
    """Members that did nothing."""
    return [name for name, shows in SHOWS.items()
            if row[name] and not any(map(shows, received)) and
            not (name == "return_path" and row["envelope_sender"])]


def number_of(m):
    return int(re.search(rb"\r\nX-Number: (\d+)", m.data).group(1))


def test_next_host_sees_what_was_signed(base):
    milter = MilterAndLog(base)
    smime = certificate(base.folder)
    receiver = base.receivers["good.test"]
    every = list(messages())
    bad, count = {}, 0
    for i, row in enumerate(pairwise(CHOICES), 1):
        put_in_force(milter, row, smime)
        names = {1000 * i + n: name for n, (name, _) in enumerate(every)}
        for number, (name, data) in zip(names, every):
            why = send(milter, number, data, row["recipients"])
            assert why is None, (row, name, why)
        missing = {(number, who) for number in names
                   for who in who_gets_it(row)}

        def all_there():
            return missing <= {(number_of(m), who)
                               for m in list(receiver.received)
                               for who in m.recipients}
        wait_for(all_there, 90, f"messages of {row}")
        wrong = check(list(receiver.received), names, milter.dns)
        wrong += not_shown(row, list(receiver.received))
        if wrong:
            bad[str(row)] = wrong
        count += len(receiver.received)
        receiver.received.clear()
    print(i, "settings,", count, "messages")
    assert not bad, bad
