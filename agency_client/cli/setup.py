"""`comity init`, `join`, `status`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.application import (
    JsonOption,
    ProfileOption,
    app,
    argument,
    ask_secret,
    chosen_folder,
    chosen_profile,
    command,
    exit_code_for,
    opened_agency,
    passphrase_from_file,
    read_file,
    read_passphrase,
)
from agency_client.cli.output import print_error, safe, say, write, write_json

if TYPE_CHECKING:
    from agency_client.agency import Agency
    from comity.errors import ComityError
    from comity.v1 import agencies_pb2

RENEW_DAYS = 28  # 'comity run' renews it with 30 left: with fewer it has not


@app.command()
@command
async def init(
    agency: Annotated[
        str, typer.Argument(metavar="AGENCY", help="The agency's id, such as FR-NCB.")
    ],
    hub: Annotated[str, typer.Option(metavar="HOST:PORT", help="The hub's address.")],
    hub_domain: Annotated[str, typer.Option(metavar="NAME", help="The hub's DNS name.")],
    name: Annotated[
        str, typer.Option(metavar="TEXT", help="The agency's name, as members shall see it.")
    ],
    profile: ProfileOption = None,
    signing_key: Annotated[
        str,
        typer.Option(
            metavar="ALGORITHM", help="ed25519, or ecdsa-p256 where a smart card demands it."
        ),
    ] = "ed25519",
    post_quantum: Annotated[
        bool,
        typer.Option("--post-quantum", help="Sign with a second key as well, ML-DSA-65."),
    ] = False,
    encrypt: Annotated[
        bool,
        typer.Option(
            "--encrypt",
            help="Encrypt the private keys with a passphrase. The inbox is not encrypted: where "
            "that is needed, encrypt the disk.",
        ),
    ] = False,
) -> None:
    """Make a profile: keys that never leave it, and the application to hand to the hub."""
    from agency_client.application import NewKeys, write_application
    from agency_client.profile import APPLICATION, Profile, make_folder, save_profile
    from comity.identity import AgencyId
    from comity.times import utc_now

    faults = _init_faults(agency, hub=hub, hub_domain=hub_domain, signing_key=signing_key)
    if faults:
        raise typer.BadParameter(" ".join(faults))
    new_profile = Profile(chosen_folder(profile), AgencyId(agency), hub_domain, hub)
    make_folder(new_profile.folder)
    keys = NewKeys(signing_key, post_quantum, _new_passphrase() if encrypt else None)
    digest = write_application(new_profile, name=name, new=keys, now=utc_now())
    save_profile(new_profile)
    write(f"Made the keys of {agency} in {new_profile.folder}.")
    write(f"Hand {new_profile.path(APPLICATION)} to the hub's administrators; it holds no secret.")
    write("Tell them by another way, a telephone call say, the application's SHA-256:")
    write(f"  {digest.hex()}")
    write("Then: comity join FILE, with the file that they hand back.")


def _init_faults(agency: str, *, hub: str, hub_domain: str, signing_key: str) -> list[str]:
    """Everything that is wrong with the arguments of `init`, a sentence each."""
    from agency_client.application import SIGNING_ALGORITHMS
    from comity.identity import parse_agency_id, parse_hub_domain

    faults = []
    for name, text, parse in (
        ("AGENCY", agency, parse_agency_id),
        ("--hub-domain", hub_domain, parse_hub_domain),
    ):
        try:
            argument(name, text, parse)
        except typer.BadParameter as error:
            faults.append(error.message)
    if not hub.rpartition(":")[0] or not hub.rpartition(":")[2].isdigit():
        faults.append("--hub is an address and a port, such as hub.example:8443.")
    if signing_key not in SIGNING_ALGORITHMS:
        faults.append(f"--signing-key is one of {', '.join(SIGNING_ALGORITHMS)}.")
    return faults


def _new_passphrase() -> bytes:
    written = passphrase_from_file()
    return ask_secret("New passphrase", twice=True) if written is None else written


@app.command()
@command
async def join(
    admission: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file that the hub handed back.")
    ],
    replace_authority: Annotated[
        bool,
        typer.Option(
            "--replace-authority",
            help="The hub has another authority now, as its administrators told by another way.",
        ),
    ] = False,
    profile: ProfileOption = None,
) -> None:
    """Take the hub's answer: certificate, authority and ledger key are pinned."""
    from agency_client.application import join_hub, join_hub_of_new_authority

    chosen = chosen_profile(profile)
    message = _parse_admission(admission)
    take = join_hub_of_new_authority if replace_authority else join_hub
    take(chosen, message, read_passphrase(chosen))
    write(f"{chosen.agency} has joined {chosen.hub_domain}. The ledger's key is pinned:")
    write(f"  {message.ledger_key}")
    _write_fingerprints(message)
    if message.hub_address != chosen.hub_address:
        theirs, ours = safe(message.hub_address), chosen.hub_address
        say(f"The hub says that it is at {theirs}; this profile connects to {ours}.")
    write("Next: comity run, in a window or service of its own.")


def _write_fingerprints(admission: agencies_pb2.Admission) -> None:
    from agency_client.application import authority_fingerprint
    from comity.checkpoint import parse_verifier_key

    write("Compare with what the hub's administrators tell by another way, as SHA-256:")
    write(f"  authority   {authority_fingerprint(admission.ca_certificate)}")
    write(f"  ledger key  {parse_verifier_key(admission.ledger_key).public.key_id}")


def _parse_admission(path: Path) -> agencies_pb2.Admission:
    from google.protobuf.json_format import Parse, ParseError

    from comity.errors import MalformedInput
    from comity.v1 import agencies_pb2

    try:
        return Parse(read_file(path), agencies_pb2.Admission())
    except (ParseError, ValueError) as error:
        raise MalformedInput(f"{path} is not a hub's answer.") from error


@app.command()
@command
async def status(profile: ProfileOption = None, json: JsonOption = False) -> None:
    """Who this is, which hub, and how things stand."""
    from agency_client.standing import find_standing
    from comity.errors import AgencyNotActive, ComityError

    failure: ComityError | None = None
    async with opened_agency(profile) as agency:
        try:
            await agency.client.get_checkpoint()
            await agency.client.refresh_roster()
        except ComityError as error:
            failure = error
        days_left = _days_left(agency)
        is_reachable = _is_reachable(failure)
        standing = find_standing(
            agency,
            is_refused=isinstance(failure, AgencyNotActive),
            reads_keys=is_reachable is not None,  # else a key or its passphrase was at fault
        )
        values = _status_of(agency, days_left, is_reachable=is_reachable) | standing.document()
    if json:
        write_json(values)
    else:
        words = standing.words(safe)
        for key, value in values.items():
            write(f"{_TITLES[key]:<33} {words.get(key) or _words(key, value)}")
    if failure is not None:
        print_error(failure)
        raise typer.Exit(exit_code_for(failure))
    if days_left is not None and days_left < RENEW_DAYS:
        say("The certificate runs out soon: 'comity run' renews it, and so does 'comity renew'.")


_TITLES = {
    "agency": "agency",
    "hubDomain": "hub",
    "hubAddress": "address",
    "isReachable": "reachable",
    "membership": "membership",
    "isSigningKeyCurrent": "signing key",
    "isCertificateCurrent": "certificate",
    "certificateDaysLeft": "days left of the certificate",
    "origin": "ledger",
    "ledgerSize": "entries last seen",
    "nextIndex": "entries received by 'comity run'",
    "noticesHeld": "notices held",
    "quarantined": "set apart",
    "unanswered": "acts not yet sent",
}


def _words(key: str, value: object) -> object:
    if key == "isReachable":
        return "not tried" if value is None else ("yes" if value else "no")
    return "?" if value is None else value


def _is_reachable(failure: ComityError | None) -> bool | None:
    """Whether the hub answered; None where it was not asked, for want of a key say."""
    from comity.errors import CertificateRefused, HubUnavailable, VerificationFailed

    if failure is None or failure.is_from_hub or isinstance(failure, VerificationFailed):
        return True
    return False if isinstance(failure, HubUnavailable | CertificateRefused) else None


def _days_left(agency: Agency) -> int | None:
    """Of the agency's certificate; None where it cannot be read."""
    from cryptography import x509

    from agency_client.profile import CERTIFICATE

    try:
        certificate = x509.load_pem_x509_certificate(agency.profile.path(CERTIFICATE).read_bytes())
    except (OSError, ValueError):
        return None
    return (certificate.not_valid_after_utc - agency.clock()).days


def _status_of(
    agency: Agency, days_left: int | None, *, is_reachable: bool | None
) -> dict[str, Any]:
    from agency_client.runner import LIVE_WATCH

    return {
        "agency": agency.profile.agency,
        "hubDomain": agency.profile.hub_domain,
        "hubAddress": agency.profile.hub_address,
        "isReachable": is_reachable,
        "certificateDaysLeft": days_left,
        "origin": agency.trust.origin,
        "ledgerSize": agency.trust.size,
        "nextIndex": agency.inbox.received.find_cursor(LIVE_WATCH) or 0,
        "noticesHeld": agency.inbox.received.count_notices(),
        "quarantined": len(agency.inbox.received.list_quarantined()),
        "unanswered": agency.inbox.sent.count_unanswered(),
    }
