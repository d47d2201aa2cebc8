# SPDX-License-Identifier: BSD-2-Clause
"""The events as they lie in Redis, packed (lib/proto/event.h)."""
import re

FACTS = 9  # columns before them


def unpack(entry_id, text):
    """Fields by their letters, values as text; q, where the entry leaves it
    out, is that of its message (stored())."""
    at = text.split("\t", FACTS)
    at += [""] * (FACTS + 1 - len(at))
    head = re.fullmatch(r"(.)([0-9]*(?:\*[0-9]+)?)(?:\.([0-9]+))?(!?)", at[0])
    ms = int(entry_id.split("-")[0])
    return {"t": head[1], "s": head[2], "c": head[3] or "",
            "d": "1" if head[4] else "", "r": at[1], "m": at[2],
            "w": str(ms - int(at[3] or "0")), "q": at[4],
            "n": at[5] or "default", "x": at[6], "y": at[7], "o": at[8],
            "f": at[9]}


def stored(client):
    """All of them, in the order of streams and entries."""
    found = []
    queue_ids = {}
    for name in sorted(client.scan_iter("pn:ev:*")):
        for entry_id, fields in client.xrange(name):
            event = unpack(entry_id, fields["e"])
            ms, seq = entry_id.split("-")
            if event["m"] and "/" not in event["m"]:
                older, _, number = event["m"].partition("-")
                event["m"] = f"{int(ms) - int(older)}-{number or 0}"
            key = event["m"].rpartition("/")[2] or f"{ms}-{seq}"
            if event["q"]:
                queue_ids.setdefault(key, event["q"])
            else:
                event["q"] = queue_ids.get(key, "")
            found.append(event)
    return found
