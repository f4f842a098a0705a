"""`comity-hub init`, `check-config`, `migrate`."""

from __future__ import annotations

from typing import Annotated

import typer

from comity.identity import parse_agency_id, parse_hub_domain
from hub.administration import Administration, init_hub
from hub.cli.application import DEFAULT_FOLDER, Folder, app, command, utc_now
from hub.folder import NewHub, load_authority, load_ledger_key
from hub.settings import load_settings
from hub.store.migrations import head_revision, migrate


@app.command()
@command
async def init(
    domain: Annotated[str, typer.Option(help="The hub's DNS name, the trust domain of its ids.")],
    folder: Folder = DEFAULT_FOLDER,
    agency: Annotated[str, typer.Option(help="The id of the hub's own agency.")] = "ZZ-HUB",
    listen: Annotated[str, typer.Option(help="Address and port to serve on.")] = "0.0.0.0:8443",
    address: Annotated[str | None, typer.Option(help="host:port that members connect to.")] = None,
    database: Annotated[
        str, typer.Option(help="sqlite:///FILE, or a postgresql:// URL.")
    ] = "sqlite:///hub.sqlite",
) -> None:
    """Make a hub: authority, keys, configuration, ledger, and the hub's own agency."""
    new = NewHub(
        domain=parse_hub_domain(domain),
        agency=parse_agency_id(agency),
        listen=listen,
        public_address=address or f"{domain}:{listen.rpartition(':')[2]}",
        database_url=database,
    )
    await init_hub(folder, new, clock=utc_now)
    async with Administration(load_settings(folder), clock=utc_now) as administration:
        key = await administration.ledger_key_text()
    typer.echo(f"Made the hub {domain} in {folder}.\nIts ledger's key: {key}")


@app.command("check-config")
@command
async def check_config(folder: Folder = DEFAULT_FOLDER) -> None:
    """Check the configuration, the keys and the database, and change nothing."""
    settings = load_settings(folder)
    load_authority(settings)
    load_ledger_key(settings)
    async with Administration(settings, clock=utc_now) as administration:
        await administration.require_durable()
        await administration.require_migrated()
    typer.echo(f"The hub {settings.domain} can be served on {settings.listen}.")


@app.command("migrate")
@command
async def migrate_schema(
    folder: Folder = DEFAULT_FOLDER,
    to: Annotated[str, typer.Option(help="A revision, 'head' or 'base'.")] = "head",
) -> None:
    """Bring the database's schema to this version's."""
    async with Administration(load_settings(folder), clock=utc_now) as administration:
        await migrate(administration.database, revision=to)
    typer.echo(f"The schema is at {head_revision() if to == 'head' else to}.")
