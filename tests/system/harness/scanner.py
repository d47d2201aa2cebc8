# SPDX-License-Identifier: BSD-2-Clause
"""Virus scanners with a database of the test's own."""
import shutil
import signal

from .daemons import program
from .util import Missing, Process, connectable, write

# In pieces, so that this file is not one that scanners find.
EICAR = (rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-" +
         rb"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*")
EICAR_NAME = "Postern.Test.Eicar.UNOFFICIAL"  # libclamav adds that
HOMEMADE = b"the quick red wombat 4711"
HOMEMADE_NAME = "Postern.Test.Wombat.UNOFFICIAL"


def signatures():
    """Of extended format: name, any kind of file, any place, octets."""
    return (f"Postern.Test.Eicar:0:*:{EICAR.hex()}\n"
            f"Postern.Test.Wombat:0:*:{HOMEMADE.hex()}\n")


class Scanner:
    """In a folder of its own; address is for milter_scanner."""

    name = None

    def __init__(self, env):
        self.env = env
        self.folder = env.folder / "scan"
        self.database = self.folder / "db"
        self.socket = self.folder / "s"
        self.log = env.logs / f"{self.name}.log"
        self.process = None
        self.max_kb = 512  # of the largest message that is scanned

    def prepare(self):
        for folder in (self.folder, self.database):
            folder.mkdir(mode=0o755, exist_ok=True)
        write(self.database / "test.ndb", signatures())

    def start(self):
        if not self.folder.exists():
            self.prepare()
        self.process = Process(self.name, self.argv(), self.log)
        self.process.wait_ready(lambda: connectable(self.socket))

    def stop(self):
        if self.process:
            self.process.signal(signal.SIGCONT)
            self.process.stop()
            self.process = None

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process = None

    def hang(self):
        self.process.signal(signal.SIGSTOP)

    def go_on(self):
        self.process.signal(signal.SIGCONT)


class PosternScan(Scanner):
    name = "postern-scan"

    @property
    def address(self):
        return f"unix:{self.socket}"

    def argv(self):
        parameters = self.env.daemons.parameters
        parameters.update({
            "scan_listen": f"unix:{self.socket}",
            "scan_user": "nobody",
            "scan_workers": 2,
            "scan_database_directory": self.database,
            "scan_temporary_directory": self.env.folder / "scan-tmp",
            "scan_max_size_kb": self.max_kb,
        })
        self.env.daemons.write_config()
        return [program("postern-scan"), "-F", "-f", self.env.daemons.config]


class Clamd(Scanner):
    name = "clamd"

    @property
    def address(self):
        return f"clamd:unix:{self.socket}"

    def argv(self):
        path = shutil.which("clamd", path="/usr/sbin:/usr/bin")
        if not path:
            raise Missing("clamd is not installed")
        config = write(self.folder / "clamd.conf", "\n".join([
            "Foreground yes", f"LocalSocket {self.socket}",
            "LocalSocketMode 666", f"DatabaseDirectory {self.database}",
            f"TemporaryDirectory {self.folder}", "MaxThreads 2",
            f"MaxFileSize {self.max_kb}K", "AlertExceedsMax yes",
        ]) + "\n")
        return [path, "-c", config]


SCANNERS = {s.name: s for s in (PosternScan, Clamd)}


def scanned(env, name="postern-scan", timeout="20s"):
    """A scanner that runs, and the milter's parameters for it; before the
    milter starts."""
    scanner = SCANNERS[name](env)
    env.scanner = scanner
    scanner.start()
    env.daemons.parameters.update({
        "milter_scanner": scanner.address, "milter_scan_timeout": timeout})
    env.daemons.write_config()
    return scanner


