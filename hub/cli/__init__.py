"""`comity-hub`: for those who run a hub, on the hub's own machine.

One file per noun. Exit codes: 0 done, 1 refused, or an error of this machine, 2 usage, 3 the
database is away, 4 verification failed, 130 interrupted.
"""

from __future__ import annotations

import os
import sys

from hub.cli.application import app


def main() -> None:
    """The command's entry."""
    # Whatever the hub writes, its database with all notices above all, is its user's alone.
    os.umask(0o077)
    sys.exit(app())
