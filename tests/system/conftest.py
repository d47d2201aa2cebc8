# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the system tests.  Each test gets an environment of its own;
when it fails the folder stays, and its path is printed."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness.environment import Environment  # noqa: E402
from harness.util import Missing  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if call.excinfo and isinstance(call.excinfo.value, Missing):
        path, line, _ = item.location
        report.outcome = "skipped"
        report.longrepr = (path, line, f"Skipped: {call.excinfo.value}")
    if report.failed:
        item.failed_here = True
        env = item.funcargs.get("env")
        if env:
            report.sections.append(("kept", f"logs: {env.logs}"))


@pytest.fixture
def env(request):
    """An environment in which nothing runs yet."""
    e = Environment()
    try:
        yield e
    finally:
        e.stop()
        reports = e.found_by_sanitizers()
        if reports:
            request.node.failed_here = True
            pytest.fail(f"logs: {e.logs}\n" + "\n".join(reports))
        if not getattr(request.node, "failed_here", False):
            e.remove()


@pytest.fixture
def base(env):
    """DNS, Redis, receivers and webhook receiver run; Postfix and
    postern.conf are prepared."""
    env.start_base()
    return env


@pytest.fixture
def mail(env):
    """As base, and Postfix runs, without Postern."""
    env.start_mail()
    return env


@pytest.fixture
def stack(env):
    """Everything runs: Redis with settings, the daemons, Postfix with its
    hooks; see harness/story.py for tenant, keys and domains."""
    env.start_stack()
    return env
