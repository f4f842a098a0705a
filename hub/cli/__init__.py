"""`comity-hub`: for those who run a hub, on the hub's own machine.

One file per noun. Exit codes: 0 done, 1 refused, 2 usage, 3 the database is away, 4 the ledger does
not verify.
"""

from __future__ import annotations

import sys

from hub.cli.application import app


def main() -> None:
    """The command's entry."""
    sys.exit(app())
