"""`comity enrol`: the one command that an invited agency gets in with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.application import (
    ProfileOption,
    app,
    argument,
    ask_secret,
    chosen_folder,
    command,
    passphrase_from_file,
)
from agency_client.cli.output import flush, safe, say, write

if TYPE_CHECKING:
    from agency_client.enrolment import Enroller
    from comity.errors import ComityError

CODE_FILE_VARIABLE = "COMITY_ENROLMENT_CODE_FILE"


@app.command()
@command
async def enrol(  # noqa: PLR0913, PLR0917 - each is an option of the command
    agency: Annotated[str, typer.Argument(help="The agency's id, such as FR-NCB.")],
    hub: Annotated[str, typer.Option(help="Where the hub lets agencies enrol, host:port.")],
    hub_domain: Annotated[str, typer.Option(help="The hub's DNS name.")],
    fingerprint: Annotated[str, typer.Option(help="The hub's, as it was handed over.")],
    name: Annotated[
        str | None, typer.Option(help="The agency's own name for itself.", show_default="its id")
    ] = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Do not wait for approval; run again later.")
    ] = False,
    profile: ProfileOption = None,
    signing_key: Annotated[
        str, typer.Option(help="ed25519, or ecdsa-p256 where a smart card demands it.")
    ] = "ed25519",
    post_quantum: Annotated[
        bool,
        typer.Option("--post-quantum", help="Sign with a second key as well, ML-DSA-65."),
    ] = False,
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="Encrypt the private keys with a passphrase.")
    ] = False,
) -> None:
    """Enrol with the code that the hub's administrators handed over, and wait to be admitted.

    Asks for the code, or reads it from the file that COMITY_ENROLMENT_CODE_FILE names. Interrupted,
    it goes on where it was when it is run again in the same way.
    """
    from agency_client.application import SIGNING_ALGORITHMS, NewKeys
    from agency_client.enrolment import Enroller
    from agency_client.enrolment_channel import EnrolmentPort
    from comity.fingerprint import parse_fingerprint
    from comity.identity import parse_agency_id, parse_hub_domain
    from comity.times import utc_now

    if signing_key not in SIGNING_ALGORITHMS:
        raise typer.BadParameter(f"--signing-key is one of {', '.join(SIGNING_ALGORITHMS)}.")
    if not hub.rpartition(":")[0] or not hub.rpartition(":")[2].isdigit():
        raise typer.BadParameter("--hub is an address and a port, such as hub.example:8444.")
    enroller = Enroller(
        chosen_folder(profile),
        agency=argument("AGENCY", agency, parse_agency_id),
        port=EnrolmentPort(hub, hub_domain=argument("--hub-domain", hub_domain, parse_hub_domain)),
        fingerprint=argument("--fingerprint", fingerprint, parse_fingerprint),
    )
    passphrase = _passphrase(enroller, encrypt=encrypt)
    keys = NewKeys(signing_key, post_quantum, passphrase if encrypt else None)
    enroller.make_keys(name=name or agency, new=keys, now=utc_now())
    await _apply(enroller)
    await _finish(enroller, passphrase, no_wait=no_wait)


def _passphrase(enroller: Enroller, *, encrypt: bool) -> bytes | None:
    written = passphrase_from_file()
    if written is not None:
        return written
    if enroller.has_encrypted_keys:
        return ask_secret("Passphrase")
    return ask_secret("New passphrase", twice=True) if encrypt else None


async def _apply(enroller: Enroller) -> None:
    if not enroller.has_applied:
        await enroller.verify_hub()
        await enroller.apply(_read_code())
    write("The hub has the application. Tell its administrators by telephone, when they call back")
    write("at a number that they know, the application's SHA-256:")
    write(f"  {enroller.application_digest().hex()}")
    flush()  # whoever reads this has to act on it while the command waits


def _read_code() -> str:
    from agency_client.disk import read_secret

    named = os.environ.get(CODE_FILE_VARIABLE)
    if named:
        return read_secret(Path(named)).decode(errors="replace").strip()
    return ask_secret("Code", variable=CODE_FILE_VARIABLE).decode()


async def _finish(enroller: Enroller, passphrase: bytes | None, *, no_wait: bool) -> None:
    from comity.v1.enrolment_pb2 import ENROLMENT_STATE_ADMITTED

    if no_wait:
        response = await enroller.fetch_state(passphrase)
        if response.state != ENROLMENT_STATE_ADMITTED:
            _say_state(response.state)
            write("Run the same command again later.")
            return
        admission = response.admission
    else:
        admission = await enroller.wait_for_admission(
            passphrase, on_state=_say_state, on_trouble=_say_trouble
        )
    joined = enroller.join(admission, passphrase)
    write(f"{joined.agency} has joined {joined.hub_domain} at {safe(joined.hub_address)}.")
    write("Next: comity run, in a window or service of its own.")


def _say_state(state: int) -> None:
    from comity.v1.enrolment_pb2 import ENROLMENT_STATE_AWAITS_CONSENT

    if state == ENROLMENT_STATE_AWAITS_CONSENT:
        say("Waiting for the consent of the country's lead agency.")
    else:
        say("Waiting for the approval of the hub's administrators.")


def _say_trouble(error: ComityError) -> None:
    say(f"comity: {safe(error.message)} Trying again.")
