"""`comity leave`, `crl`, `renew`: what becomes of this agency's membership and certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agency_client.cli.application import (
    ProfileOption,
    app,
    chosen_profile,
    command,
    opened_agency,
    opened_system,
)
from agency_client.cli.descriptions import ReasonOption
from agency_client.cli.output import write


@app.command()
@command
async def renew(profile: ProfileOption = None) -> None:
    """Renew the certificate now. 'comity run' does so by itself, at two thirds of its life."""
    from agency_client.renewal import renew as renew_now

    async with opened_system(profile) as agency:
        certificate = await renew_now(agency)
    write(f"The new certificate is good until {certificate.not_valid_after_utc:%Y-%m-%d}.")


@app.command()
@command
async def crl(
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the list is written, DER.")],
    profile: ProfileOption = None,
) -> None:
    """Fetch the list of certificates that were taken back, for what reads no roster."""
    from agency_client.disk import write_whole_bytes
    from agency_client.membership import fetch_revocation_list

    async with opened_system(profile) as agency:
        found = await fetch_revocation_list(agency)
    write_whole_bytes(out, found)
    write(f"Wrote {out}: {len(found):,} bytes, signed by the hub's authority.")


@app.command()
@command
async def leave(
    reason: ReasonOption,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    profile: ProfileOption = None,
) -> None:
    """Leave the hub, for good. For the agency's administrator."""
    from agency_client.membership import leave_hub

    chosen = chosen_profile(profile)
    name, domain = chosen.agency, chosen.hub_domain
    if not yes:
        typer.confirm(f"{name} leaves {domain} for good?", abort=True, err=True)
    async with opened_agency(profile) as agency:
        index = await leave_hub(agency, reason)
    write(f"{name} has left {domain}; entry {index} of the ledger. The inbox stays as it is.")
