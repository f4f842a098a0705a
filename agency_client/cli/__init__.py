"""`comity`: the agency's command line, one file per noun.

Exit codes: 0 done, 1 refused, or an error of this machine, 2 usage, 3 hub unreachable or unable to
take this now, 4 verification failed, 130 interrupted. Results go to standard output (one JSON
document per line with --json), everything else to standard error.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """The command's entry."""
    from agency_client.cli.application import app

    for stream in (sys.stdout, sys.stderr):
        # Names are in every script, whatever this terminal can show.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the result has enough, as `head` does.
        _give_output_up()
        sys.exit(0)
    except OSError as error:
        if error.filename is not None:  # Of a file by its name, and not of the output.
            raise
        _give_output_up()
        sys.stderr.write(f"comity: standard output cannot be written: {error.strerror}.\n")
        sys.exit(1)


def _give_output_up() -> None:
    """Leaves nothing that would be written when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
