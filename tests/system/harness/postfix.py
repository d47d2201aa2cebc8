# SPDX-License-Identifier: BSD-2-Clause
"""A private Postfix instance, with its network services in the chroot as on
Debian, and its log in a file of its own."""
import email.message
import email.utils
import json
import os
import re
import shutil
import smtplib

from .util import Process, connectable, run, write

# service type private unpriv chroot wakeup maxproc command
# (qmgr wakes up often: after a reload it skips what is being delivered)
MASTER = """\
127.0.0.1:25 inet n - y - - smtpd
127.0.0.1:10587 inet n - y - - smtpd
pickup unix n - y 60 1 pickup
cleanup unix n - y - 0 cleanup
qmgr unix n - n 5 1 qmgr
tlsmgr unix - - y 1000? 1 tlsmgr
rewrite unix - - y - - trivial-rewrite
bounce unix - - y - 0 bounce
defer unix - - y - 0 bounce
trace unix - - y - 0 bounce
verify unix - - y - 1 verify
flush unix n - y 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - y - - smtp
relay unix - - y - - smtp
showq unix n - y - - showq
error unix - - y - - error
retry unix - - y - - error
discard unix - - y - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - y - - lmtp
anvil unix - - y - 1 anvil
scache unix - - y - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    def __init__(self, folder, log):
        self.folder = folder
        self.config = folder / "etc"
        self.queue = folder / "q"
        self.log = log
        self.process = None
        self.main = {
            "compatibility_level": "3.6",
            "queue_directory": self.queue,
            "data_directory": folder / "data",
            "mail_owner": "postfix", "setgid_group": "postdrop",
            "myhostname": "mta.example.test",
            "mydomain": "example.test",
            "mydestination": "localhost.example.test",
            "local_transport": "error:no local mail here",
            "local_recipient_maps": "", "alias_maps": "",
            "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.0/8",
            "smtpd_relay_restrictions":
                "permit_mynetworks, reject_unauth_destination",
            "smtpd_peername_lookup": "no",
            "smtpd_authorized_xclient_hosts": "127.0.0.0/8",
            "smtpd_client_connection_count_limit": "0",
            "smtpd_client_connection_rate_limit": "0",
            "smtp_tls_security_level": "none",
            "smtpd_tls_security_level": "none",
            "maillog_file": log,
            "maillog_file_prefixes": f"{log.parent}, /var, /dev/stdout",
            "syslog_name": "postfix",
            "enable_long_queue_ids": "yes",
            "in_flow_delay": "0",
            "minimal_backoff_time": "5s", "maximal_backoff_time": "10s",
            "queue_run_delay": "5s",
            "smtp_connect_timeout": "5s", "smtp_helo_timeout": "10s",
        }

    def prepare(self):
        """Write the instance's files; before the start hooks may be added."""
        for name in ("etc", "data", "q"):
            (self.folder / name).mkdir(mode=0o755, exist_ok=True)
        shutil.chown(self.folder / "data", "postfix")
        write(self.config / "main.cf", "".join(
            f"{k} = {v}\n" for k, v in self.main.items()))
        write(self.config / "master.cf", MASTER)
        self.log.touch()

    def fill_chroot(self):
        """What Debian copies into the chroot, but with our DNS.  Debian 13
        copies at each "postfix check" and "reload"."""
        etc = self.queue / "etc"
        write(etc / "resolv.conf", "nameserver 127.0.0.1\n")
        write(etc / "hosts", "127.0.0.1 localhost\n")
        write(etc / "nsswitch.conf", "hosts: files dns\n")
        for name in ("services", "localtime"):
            if os.path.exists(f"/etc/{name}"):
                shutil.copy(f"/etc/{name}", etc / name)

    def postconf(self, *assignments):
        run(["postconf", "-c", self.config, "-e", *assignments])

    def value(self, name):
        return run(["postconf", "-c", self.config, "-h",
                    name]).stdout.strip()

    def start(self):
        if not (self.config / "main.cf").exists():
            self.prepare()
        # "postfix check" makes the queue's folders; then master itself, so
        # that it is our child.
        run(["postfix", "-c", self.config, "check"])
        self.fill_chroot()
        self.process = Process(
            "postfix", [self.value("daemon_directory") + "/master", "-s",
                        "-c", self.config],
            self.folder / "postfix.out",
            env={"MAIL_CONFIG": str(self.config)})
        self.process.wait_ready(lambda: connectable(("127.0.0.1", 25)))

    def reload(self):
        run(["postfix", "-c", self.config, "reload"])
        self.fill_chroot()

    def flush(self):
        """Try everything in the deferred queue now."""
        run(["postqueue", "-c", self.config, "-f"])

    def queued(self):
        """What postqueue -j says: one dict a message."""
        out = run(["postqueue", "-c", self.config, "-j"]).stdout
        return [json.loads(line) for line in out.splitlines()]

    def empty(self):
        """Nothing that is not final yet."""
        for name in ("maildrop", "incoming", "active", "deferred", "hold"):
            for _, _, files in os.walk(self.queue / name):
                if files:
                    return False
        return True

    def log_lines(self, pattern=""):
        """Lines of the log (and of rotated ones) that match."""
        lines = []
        for path in sorted(self.log.parent.glob(self.log.name + ".*"),
                           reverse=True) + [self.log]:
            lines += path.read_text(errors="replace").splitlines()
        return [x for x in lines if re.search(pattern, x)]

    def rotate(self):
        """As logrotate does: rename, then tell Postfix."""
        n = len(list(self.log.parent.glob(self.log.name + ".*"))) + 1
        self.log.rename(f"{self.log}.{n}")
        self.log.touch()
        self.reload()

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None

    def smtp(self, port=25, **xclient):
        """A client connection; XCLIENT attributes as keywords, such as
        LOGIN="app@example.test" or ADDR="192.0.2.1"."""
        c = smtplib.SMTP("127.0.0.1", port, local_hostname="app.example.test",
                         timeout=60)
        if xclient:
            c.ehlo()
            words = " ".join(f"{k}={v}" for k, v in xclient.items())
            code, text = c.docmd("XCLIENT " + words)
            assert code == 220, (code, text)
            c.helo_resp = c.ehlo_resp = None
        return c

    def send(self, to, sender="news@example.test", subject="hello",
             body="A few words.\n", headers=None, port=25, **xclient):
        """Submit one message; returns its queue id.  A refusal is raised as
        smtplib does."""
        m = email.message.EmailMessage()
        m["From"] = sender
        m["To"] = to if isinstance(to, str) else ", ".join(to)
        m["Subject"] = subject
        m["Date"] = email.utils.formatdate()
        m["Message-ID"] = email.utils.make_msgid(domain="example.test")
        for k, v in (headers or {}).items():
            m[k] = v
        m.set_content(body)
        with self.smtp(port, **xclient) as c:
            c.ehlo_or_helo_if_needed()
            code, text = c.mail(sender)
            if code != 250:
                raise smtplib.SMTPSenderRefused(code, text, sender)
            taken = 0
            refused = {}
            for one in [to] if isinstance(to, str) else to:
                code, text = c.rcpt(one)
                if code == 250:
                    taken += 1
                else:
                    refused[one] = (code, text)
            if not taken:
                raise smtplib.SMTPRecipientsRefused(refused)
            code, text = c.data(m.as_bytes())
            if code != 250:
                raise smtplib.SMTPDataError(code, text)
            return re.search(rb"queued as (\S+)", text).group(1).decode()


def refusal(error, recipient=None):
    """(code, text) of a recipient in an smtplib.SMTPRecipientsRefused."""
    rows = error.recipients
    code, text = rows[recipient] if recipient else next(iter(rows.values()))
    return code, text.decode()
