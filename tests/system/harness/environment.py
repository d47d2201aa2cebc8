# SPDX-License-Identifier: BSD-2-Clause
"""One environment: a folder, a network, and everything that runs in it."""
import json
import os
import pathlib
import secrets
import shutil
import tempfile

from . import story
from .daemons import Api, Cli, Daemons
from .dns import Dns
from .postfix import Postfix
from .receiver import Receiver
from .redis import Redis
from .util import LEAKS, new_network, wait_for, write
from .webhook import Webhook

# The destinations of the test zones: domain, address of its mail host.
DESTINATIONS = {
    "good.test": "127.0.1.1",
    "bounce.test": "127.0.1.2",
    "throttle.test": "127.0.1.3",
    "full.test": "127.0.1.4",
    "slow.test": "127.0.1.5",
}


def _is_ours(report):
    """A race between two accesses of libraries is not: libmilter's pool, for
    one, ends while its workers still use its lock."""
    if "WARNING: ThreadSanitizer: " in report:
        accesses = report.partition("Location is")[0]
        return "(postern" in accesses.partition("\n  Thread T")[0]
    return not report.startswith("ThreadSanitizer: reported")


class Environment:
    """What runs is started by start() or by the test itself:

    dns        127.0.0.1:53; MX records of DESTINATIONS; nomx.test does not
               exist, nullmx.test takes no mail, deaf.test has an MX that
               nobody listens at
    redis      on a unix socket
    postfix    127.0.0.1:25 and :10587
    receivers  by domain; bounce.test answers 550 5.1.1 for noone@,
               throttle.test 421, full.test 552 5.2.2, slow.test takes 2 s
    webhook    http://127.0.0.1:8025/hook
    daemons    daemons.policyd, .milter, .bounced, .apid
    cli, api
    """

    def __init__(self):
        # Short: the path of a unix socket has at most 107 octets.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pn-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.logs = self.folder / "log"
        self.logs.mkdir(mode=0o755)
        self.reports = self._collect_reports()
        new_network()
        self.dns = Dns(self.folder, self.logs / "dns.log")
        self.redis = Redis(self.folder / "redis", self.logs / "redis.log")
        self.postfix = Postfix(self.folder, self.logs / "mail.log")
        self.receivers = {d: Receiver(a, f"mx.{d}")
                          for d, a in DESTINATIONS.items()}
        self.webhook = Webhook()
        self.daemons = Daemons(self)
        self.cli = Cli(self.daemons.config)
        self.api = Api(self.daemons.api_address)
        self.scanner = None  # harness/scanner.py
        for domain, address in DESTINATIONS.items():
            self.dns.mx(domain, (f"mx.{domain}", address))
        self.dns.lines += ["mx-host=nullmx.test,.,0",
                           "mx-host=deaf.test,mx.deaf.test,10"]
        self.dns.host("mx.deaf.test", "127.0.1.250")
        self.receivers["bounce.test"].script["noone@bounce.test"] = \
            "550 5.1.1 <noone@bounce.test>: no such user here"
        self.receivers["throttle.test"].script["mail"] = \
            "421 4.7.0 too many messages, slow down"
        self.receivers["full.test"].script["rcpt"] = \
            "552 5.2.2 mailbox is full"
        self.receivers["slow.test"].delay["eom"] = 2

    def _collect_reports(self):
        """Where programs built with sanitizers write what they found; the
        daemons do so as their own user."""
        folder = self.logs / "sanitizers"
        folder.mkdir()
        folder.chmod(0o777)
        to = f"log_path={folder}/report"
        # A daemon that has given up its rights can not be traced, which
        # looking for leaks needs: POSTERN_LEAKS=1 is for daemons that keep
        # them (see Daemons.prepare).
        leaks = int(LEAKS)
        os.environ["ASAN_OPTIONS"] = \
            f"{to}:detect_leaks={leaks}:detect_stack_use_after_return=1"
        os.environ["UBSAN_OPTIONS"] = f"{to}:print_stacktrace=1"
        os.environ["TSAN_OPTIONS"] = \
            f"{to}:second_deadlock_stack=1:exitcode=0"
        return folder

    def found_by_sanitizers(self):
        """Texts of reports; none unless built with --enable-sanitizers."""
        found = []
        for path in sorted(self.reports.iterdir()):
            text = path.read_text(errors="replace")
            parts = text.split("=" * 18 + "\n")
            found += [p for p in parts if p.strip() and _is_ours(p)]
        return found

    def start_base(self):
        """All but Postfix and the daemons."""
        self.dns.start()
        self.redis.start()
        for receiver in self.receivers.values():
            receiver.start()
        self.webhook.start()
        self.postfix.prepare()
        self.daemons.prepare()

    def start_mail(self):
        """Postfix without any hook: as it was before Postern."""
        self.start_base()
        self.postfix.start()

    def enable(self, *return_domains):
        """Put the hooks into Postfix, as an administrator does."""
        more = [x for d in return_domains for x in ("-d", d)]
        self.cli.run("postfix", "enable", *more)
        self.postfix.fill_chroot()

    def apply(self, tenant, document):
        """Put a settings document in force."""
        text = json.dumps(document)
        self.cli.run("settings", "-t", tenant, "import", "--apply", "-",
                     input=text)

    def settings(self, **more):
        """The story's document, with more members or other ones."""
        return story.settings(self.webhook.url, **more)

    def start_stack(self, **settings):
        """Everything: Redis with the story's settings (more of them as
        keywords), the four daemons, and Postfix with its hooks."""
        self.start_base()
        write(self.folder / "etc" / "master.key",
              secrets.token_hex(32) + "\n", 0o600)
        self.apply("_global", story.GLOBAL)
        self.apply(story.TENANT, self.settings(**settings))
        self.api.user, self.api.key = story.API_USER, story.API_KEY
        self.daemons.start()
        for name in self.daemons.NAMES:
            daemon = self.daemons.of[name]
            wait_for(lambda: f"tenant {story.TENANT}: revision" in
                     daemon.text, what=f"{name} has its settings")
        self.enable(story.RETURN_DOMAIN)
        self.postfix.start()

    def stop(self):
        for part in (self.daemons, self.scanner, self.postfix, self.webhook,
                     *self.receivers.values(), self.dns, self.redis):
            if part:
                part.stop()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def delivered(self, recipient, count=1, seconds=20):
        """Waits until that many messages came to the recipient."""
        receiver = self.receivers[recipient.rpartition("@")[2]]
        wait_for(lambda: len(receiver.messages_to(recipient)) >= count,
                 seconds, f"{count} message(s) for {recipient}")
        return receiver.messages_to(recipient)
