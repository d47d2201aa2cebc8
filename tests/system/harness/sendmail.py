# SPDX-License-Identifier: BSD-2-Clause
"""Debian's Sendmail, unpacked beside the system as its package can not be
installed beside Postfix's, on a port of its own with the milter before it."""
import os
import subprocess

from .util import BUILD, TOP, Missing, Process, connectable, run, write

FOLDER = BUILD / "sendmail"
PORT = 10025
LIBRARIES = ":".join(str(FOLDER / d / t)
                     for d in ("usr/lib", "lib")
                     for t in ("x86_64-linux-gnu", "aarch64-linux-gnu"))
PROGRAM = FOLDER / "usr" / "libexec" / "sendmail" / "sendmail"

CONFIG = """\
VERSIONID(`postern')dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `mta.example.test')dnl
define(`QUEUE_DIR', `@folder@/queue')dnl
define(`confPID_FILE', `@folder@/pid')dnl
define(`STATUS_FILE', `@folder@/statistics')dnl
define(`HELP_FILE', `')dnl
define(`ALIAS_FILE', `')dnl
define(`confSERVICE_SWITCH_FILE', `@folder@/switch')dnl
define(`confLOG_LEVEL', `14')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confTO_IDENT', `0')dnl
define(`confTRY_NULL_MX_LIST', `True')dnl
define(`SMART_HOST', `[@relay@]')dnl
FEATURE(`nocanonify')dnl
FEATURE(`promiscuous_relay')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`accept_unqualified_senders')dnl
FEATURE(`no_default_msa')dnl
DAEMON_OPTIONS(`Port=@port@, Addr=127.0.0.1, Name=MTA')dnl
INPUT_MAIL_FILTER(`postern', `S=@milter@, F=T, T=S:30s;R:60s;E:5m')dnl
@more@MAILER(`smtp')dnl
"""


def unpack():
    """Outside of the environments' network, so at import.  Why there is none,
    or None."""
    if not PROGRAM.exists():
        try:
            run([TOP / "tools" / "install-packages", "--unpack", FOLDER,
                 "sendmail"], timeout=120)
        except (AssertionError, OSError, subprocess.TimeoutExpired) as e:
            return f"Sendmail's packages can not be had: {e}"[:300]
    # A program that is set-group-ID takes no libraries from us.
    PROGRAM.chmod(0o755)
    missing = [line for line in run(
        ["ldd", PROGRAM], env={**os.environ, "LD_LIBRARY_PATH": LIBRARIES}
    ).stdout.splitlines() if "not found" in line]
    return f"libraries of Sendmail: {missing}" if missing else None


class Sendmail:
    def __init__(self, folder, log, milter, relay="127.0.1.1", more=""):
        """milter: as INPUT_MAIL_FILTER has it; relay: where all mail goes;
        more: lines of sendmail.mc."""
        self.folder = folder / "sendmail"
        self.log = log
        self.process = None
        self.config = self.folder / "sendmail.cf"
        (self.folder / "queue").mkdir(parents=True, mode=0o700)
        write(self.folder / "switch", "hosts files\n")
        text = CONFIG
        for name, value in {"folder": self.folder, "relay": relay,
                            "port": PORT, "milter": milter,
                            "more": more}.items():
            text = text.replace(f"@{name}@", str(value))
        source = write(self.folder / "sendmail.mc", text)
        cf = f"{FOLDER}/usr/share/sendmail/cf/"
        if not os.path.exists("/usr/bin/m4"):
            raise Missing("no m4")
        write(self.config, run(["m4", f"-D_CF_DIR_={cf}", f"{cf}m4/cf.m4",
                                source]).stdout)

    def start(self):
        # It sleeps for a minute when its host's own name is not known.
        hosts = write(self.folder / "hosts",
                      "127.0.0.1 mta.example.test localhost\n")
        self.process = Process(
            "sendmail", ["unshare", "-m", "-u", "sh", "-c",
                         'mount --bind "$0" /etc/hosts && '
                         'echo mta.example.test >/proc/sys/kernel/hostname && '
                         'exec "$@"', hosts,
                         PROGRAM, "-C", self.config, "-bD", "-q1s",
                         "-X", self.folder / "traffic"], self.log,
            env={"LD_LIBRARY_PATH": LIBRARIES})
        self.process.wait_ready(lambda: connectable(("127.0.0.1", PORT)))

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None

    def queued(self):
        """Control files, those in quarantine ("hf") as well."""
        return sorted(p.name for p in (self.folder / "queue").iterdir()
                      if p.name[:2] in ("qf", "hf"))
