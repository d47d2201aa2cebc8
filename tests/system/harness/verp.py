# SPDX-License-Identifier: BSD-2-Clause
"""Signed envelope senders, made here by the description in lib/proto/verp.h,
so that a test may choose what stands in one."""
import base64
import hashlib
import hmac
import struct


def _mac(key, octets):
    return hmac.new(key, octets, hashlib.sha256).digest()


def tag(master, host, queue_id, sent):
    """The local part.  master: 32 octets; sent: seconds."""
    key = _mac(_mac(bytes(32), master), b"postern verp\x01")
    head = (b"\x01" + hashlib.sha256(host.lower().encode()).digest()[:4] +
            struct.pack(">I", int(sent)) + queue_id.encode())
    text = base64.b32encode(head + _mac(key, head)[:8]).decode()
    return "b-" + text.rstrip("=").lower()
