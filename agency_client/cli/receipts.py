"""`comity receipt verify`, `show`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.application import (
    IdArgument,
    JsonOption,
    ProfileOption,
    argument,
    chosen_profile,
    command,
    exit_code_for,
    opened_agency,
    read_file,
    receipt_app,
)
from agency_client.cli.output import (
    json_from,
    json_from_error,
    print_error,
    safe,
    say,
    write,
    write_json,
)

if TYPE_CHECKING:
    from comity.checkpoint import LedgerKey
    from comity.errors import ComityError
    from comity.v1.acts_pb2 import ReceiptedActs


@receipt_app.command()
@command
async def verify(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Receipts as JSON, one document per line.")
    ],
    ledger_key: Annotated[
        list[str] | None,
        typer.Option(
            "--ledger-key",
            metavar="KEY",
            help="A ledger's key, in place of the profile's: DOMAIN/comity/epoch-N+ID+KEY, as "
            "'comity join' has shown it and ledger-keys.txt holds it.",
            show_default=False,
        ),
    ] = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Verify receipts offline: that the hub had these acts on disk and in the tree.

    Each that does not verify is named; the worst of them decides how the command ends.
    """
    from comity.checkpoint import parse_verifier_key

    if ledger_key:
        keys = [argument("--ledger-key", text, parse_verifier_key) for text in ledger_key]
    else:
        keys = chosen_profile(profile).load_ledger_keys()
    failures = [
        failure
        for number, receipted in enumerate(_load(file), start=1)
        if (failure := _failure_of(number, receipted, keys, json=json)) is not None
    ]
    if failures:
        raise typer.Exit(max(exit_code_for(failure) for failure in failures))


def _load(path: Path) -> list[ReceiptedActs | ComityError]:
    """The receipts in a file; where one line of several holds none, what is wrong with it."""
    from comity.errors import ComityError, MalformedInput

    text = read_file(path).decode("utf-8", "replace")
    whole = _parsed(text)
    if not isinstance(whole, ComityError):
        return [whole]
    found = [_parsed(line) for line in text.splitlines() if line.strip()]
    if all(isinstance(one, ComityError) for one in found):
        raise MalformedInput(f"{path} holds no receipts.")
    return found


def _parsed(text: str) -> ReceiptedActs | ComityError:
    from google.protobuf.json_format import Parse, ParseError

    from comity.errors import MalformedInput
    from comity.v1.acts_pb2 import ReceiptedActs

    try:
        return Parse(text, ReceiptedActs())
    except (ParseError, ValueError, RecursionError):
        return MalformedInput("That is no receipt.")


def _failure_of(
    number: int, receipted: ReceiptedActs | ComityError, keys: Sequence[LedgerKey], *, json: bool
) -> ComityError | None:
    """Writes what a receipt says, or why it says nothing."""
    from comity.errors import ComityError

    try:
        if isinstance(receipted, ComityError):
            raise receipted
        _verify_one(receipted, keys, json=json)
    except ComityError as error:
        if json:
            write_json({"receipt": number, "refused": json_from_error(error)})
        say(f"comity: receipt {number} of the file:")
        print_error(error)
        return error
    return None


def _verify_one(receipted: ReceiptedActs, keys: Sequence[LedgerKey], *, json: bool) -> None:
    from agency_client.trust import parse_entry
    from comity.acts import BODY_NAMES, parse_act
    from comity.receipt import checkpoint_of_receipt, verify_receipt
    from comity.times import datetime_from_timestamp

    verify_receipt(receipted.receipt, acts=receipted.acts, ledger_keys=keys)
    checkpoint = checkpoint_of_receipt(receipted.receipt, ledger_keys=keys)
    entry = parse_entry(receipted.receipt.entry)
    acts = [parse_act(envelope) for envelope in receipted.acts]
    kinds = [BODY_NAMES[act.kind] for act in acts]
    moment = datetime_from_timestamp(entry.recorded_at)
    if json:
        write_json(
            {
                "originator": entry.acts.originator,
                "noticeId": acts[0].notice_id,
                "acts": kinds,
                "entryIndex": receipted.receipt.entry_index,
                "recordedAt": None if moment is None else moment.isoformat(),
                "origin": checkpoint.origin,
                "ledgerSize": checkpoint.size,
            }
        )
        return
    write(f"The receipt verifies: {' and '.join(kinds)} of {safe(acts[0].notice_id)}")
    write(f"  by {safe(entry.acts.originator)}, recorded {moment:%Y-%m-%d %H:%M:%S} UTC")
    write(f"  entry {receipted.receipt.entry_index:,} of {checkpoint.origin}")


@receipt_app.command()
@command
async def show(
    notice_id: IdArgument,
    profile: ProfileOption = None,
) -> None:
    """Write the receipts of one's own acts on a notice, one JSON document per line."""
    from comity.errors import NotFound

    async with opened_agency(profile) as agency:
        kept = agency.inbox.sent.list_submissions(notice_id=notice_id)
    for one in kept:
        if one.refusal is not None:
            say(f"comity: an act on this notice was refused: {safe(one.refusal)}")
    receipted = [one.receipted for one in kept if one.receipted is not None]
    if not receipted:
        raise NotFound("No receipt is held for acts on this notice.")
    for found in receipted:
        write_json(json_from(found))
