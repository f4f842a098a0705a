"""What every test may use, and the rule that continuous integration skips none."""

from __future__ import annotations

import os

import pytest


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails a run that skipped a test, where COMITY_NO_SKIP is set: a skip must not pass unseen."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("COMITY_NO_SKIP") or reporter is None:
        return
    skipped = reporter.stats.get("skipped", [])
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"\nCOMITY_NO_SKIP is set, and {len(skipped)} skipped:", red=True)
        for report in skipped:
            reporter.write_line(f"  {report.nodeid}: {report.longrepr[2]}", red=True)
