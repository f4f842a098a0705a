"""`comity keys list`, `rotate`: the agency's own keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.agencies import key_document, refresh_or_say
from agency_client.cli.application import (
    EXIT_CODES,
    JsonOption,
    ProfileOption,
    app,
    command,
    opened_system,
)
from agency_client.cli.output import say, write, write_json

if TYPE_CHECKING:
    from agency_client.rotation import WantedKeys

keys_app = typer.Typer(help="The agency's own keys.", epilog=EXIT_CODES, no_args_is_help=True)
app.add_typer(keys_app, name="keys")


@keys_app.command("list")
@command
async def list_keys(profile: ProfileOption = None, json: JsonOption = False) -> None:
    """List the keys that are the agency's now, and when its certificate runs out."""
    from agency_client.members_text import key_line
    from agency_client.pending_keys import PendingKeys
    from agency_client.renewal import renewal_time
    from agency_client.tls_pair import load_certificate

    async with opened_system(profile) as agency:
        await refresh_or_say(agency)
        _, certificate = load_certificate(agency.profile)
        records = agency.trust.roster.keys_of(agency.profile.agency)
        is_changing = PendingKeys(agency.profile).exist
    expires = certificate.not_valid_after_utc
    current = [record for record in records if record.ended_entry is None]
    if json:
        documents = [key_document(record) for record in current]
        expiry = {"certificateExpiresAt": expires.isoformat(), "isChanging": is_changing}
        write_json({"keys": documents, **expiry})
        return
    for record in current:
        write(key_line(record))
    write(
        f"The certificate is good until {expires:%Y-%m-%d}; 'comity run' renews it from "
        f"{renewal_time(certificate):%Y-%m-%d} on."
    )
    if is_changing:
        say("A change of keys was begun and not finished: comity keys rotate")


@keys_app.command()
@command
async def rotate(
    signing: Annotated[bool, typer.Option("--signing", help="The signing keys.")] = False,
    sealing: Annotated[bool, typer.Option("--sealing", help="The sealing key.")] = False,
    witness: Annotated[bool, typer.Option("--witness", help="The witness key.")] = False,
    post_quantum: Annotated[
        bool | None,
        typer.Option(
            "--post-quantum/--no-post-quantum",
            help="Sign with a second key as well, ML-DSA-65; else as now.",
            show_default=False,
        ),
    ] = None,
    signing_key: Annotated[
        str | None,
        typer.Option(
            metavar="ALGORITHM", help="ed25519 or ecdsa-p256; else as now.", show_default=False
        ),
    ] = None,
    profile: ProfileOption = None,
) -> None:
    """Put new keys in the place of the old ones, by default of all three purposes.

    Interrupted, the same command finishes what was begun; 'comity run' does so too. What was sealed
    to an old sealing key stays readable: it is kept in the profile.
    """
    from agency_client.field_text import code_words
    from agency_client.rotation import rotate as rotate_now
    from comity.v1.agencies_pb2 import KeyPurpose

    wanted = _wanted(
        {"signing": signing, "sealing": sealing, "witness": witness}, post_quantum, signing_key
    )
    async with opened_system(profile) as agency:
        rotation = await rotate_now(agency, wanted)
    for key in rotation.keys_added:
        write(f"new {code_words(KeyPurpose.DESCRIPTOR, key.purpose):<8} {key.key_id}")
    write(f"{len(rotation.key_ids_ended)} old keys have ended.")


def _wanted(
    chosen: dict[str, bool], post_quantum: bool | None, signing_key: str | None
) -> WantedKeys:
    from agency_client.application import SIGNING_ALGORITHMS
    from agency_client.rotation import PURPOSES, WantedKeys
    from comity.v1.agencies_pb2 import KeyPurpose

    if signing_key is not None and signing_key not in SIGNING_ALGORITHMS:
        raise typer.BadParameter(f"--signing-key is one of {', '.join(SIGNING_ALGORITHMS)}.")
    purposes = [
        KeyPurpose.Value(f"KEY_PURPOSE_{name.upper()}") for name, is_on in chosen.items() if is_on
    ]
    is_of_signing = post_quantum is not None or signing_key is not None
    if is_of_signing and purposes and not chosen["signing"]:
        raise typer.BadParameter("--post-quantum and --signing-key are for --signing.")
    return WantedKeys(purposes or PURPOSES, signing_key, post_quantum)
