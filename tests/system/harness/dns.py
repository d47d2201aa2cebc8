# SPDX-License-Identifier: BSD-2-Clause
"""The private DNS: dnsmasq on 127.0.0.1:53 with the zones of a test."""
import socket
import struct

from .util import Process, write


class Dns:
    def __init__(self, folder, log):
        self.folder, self.log = folder, log
        self.lines = ["local=/test/", "local=/#/"]
        self.process = None

    def mx(self, domain, *hosts):
        """hosts: (name, address), best first; none: a null MX."""
        for i, (name, address) in enumerate(hosts):
            self.lines.append(f"mx-host={domain},{name},{10 * (i + 1)}")
            self.lines.append(f"host-record={name},{address}")

    def host(self, name, address):
        self.lines.append(f"host-record={name},{address}")

    def txt(self, name, text):
        # Strings of at most 255 octets, as a zone file has them.
        parts = [text[i:i + 250] for i in range(0, len(text), 250)]
        quoted = ",".join('"' + p.replace('"', '\\"') + '"' for p in parts)
        self.lines.append(f"txt-record={name},{quoted}")

    def start(self):
        conf = write(self.folder / "dnsmasq.conf", "\n".join(
            ["port=53", "listen-address=127.0.0.1", "bind-interfaces",
             "no-resolv", "no-hosts", "no-poll", "user=root", "group=root",
             "log-queries", "log-facility=-", "pid-file",
             "cache-size=0"] + self.lines) + "\n")
        self.process = Process("dnsmasq", [
            "dnsmasq", "--keep-in-foreground", f"--conf-file={conf}"],
            self.log)
        self.process.wait_ready(self.answers)

    def reload(self):
        """Serve what was added since the start."""
        self.stop()
        self.start()

    @staticmethod
    def answers():
        query = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0)
        query += b"\5ready\4test\0" + struct.pack(">2H", 1, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            try:
                s.connect(("127.0.0.1", 53))
                s.send(query)
                return len(s.recv(512)) >= 12
            except OSError:
                return False

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None
