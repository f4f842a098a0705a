"""`comity-hub init`, `check-config`, `renew-certificate`, `migrate`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from comity.errors import MalformedInput
from comity.identity import AgencyId
from comity.times import utc_now
from hub.administration import Administration
from hub.cli.application import (
    DEFAULT_FOLDER,
    Folder,
    app,
    command,
    usage_error,
    write_fingerprints,
)
from hub.files import write_private
from hub.folder import (
    NewHub,
    held_alone,
    load_authority,
    load_hub_policy,
    require_serving_files,
    settings_for,
)
from hub.making import init_hub
from hub.own_agency import OWN_AGENCY_FOLDER
from hub.renewing import expiry_warnings, renew_certificate, renew_own_agency
from hub.services.accounts.officer_forms import NOT_STATED
from hub.services.accounts.roles import MIN_HUB_ADMINISTRATORS
from hub.settings import load_settings
from hub.store.migrations import head_revision, is_downgrade, known_revisions, migrate


@app.command()
@command
async def init(  # noqa: PLR0913, PLR0917 - a command's options
    domain: Annotated[str, typer.Option(help="The hub's DNS name, the trust domain of its ids.")],
    folder: Folder = DEFAULT_FOLDER,
    agency: Annotated[str, typer.Option(help="The id of the hub's own agency.")] = "ZZ-HUB",
    listen: Annotated[str, typer.Option(help="Address and port to serve on.")] = "0.0.0.0:8443",
    enrol_listen: Annotated[
        str, typer.Option(help="Address and port that agencies enrol at; without, none does.")
    ] = "",
    address: Annotated[str | None, typer.Option(help="host:port that members connect to.")] = None,
    database: Annotated[
        str, typer.Option(help="sqlite:///FILE, or a postgresql:// URL.")
    ] = "sqlite:///hub.sqlite",
    administrator: Annotated[
        list[str], typer.Option(help="USER or USER:COUNTRY, at least two; repeat the option.")
    ] = ["admin-1", "admin-2"],  # noqa: B006 - typer copies it
    passwords_file: Annotated[
        Path | None, typer.Option(help="Where to write their one-time passwords, and not here.")
    ] = None,
) -> None:
    """Make a hub: authority, keys, configuration, ledger, own agency, two administrators."""
    if passwords_file is not None and (
        passwords_file.exists() or not passwords_file.parent.is_dir()
    ):
        raise typer.BadParameter(f"{passwords_file} is there already, or in no folder.")
    new = NewHub(
        domain=domain,
        agency=AgencyId(agency),
        listen=listen,
        enrol_listen=enrol_listen,
        public_address=address or f"{domain}:{listen.rpartition(':')[2]}",
        database_url=database,
        administrators=_parse_administrators(administrator),
    )
    try:
        settings_for(folder, new)
    except MalformedInput as error:
        raise usage_error(error) from error
    made = await init_hub(folder, new, clock=utc_now)
    typer.echo(f"Made the hub {domain} in {folder}.\nIts ledger's key: {made.ledger_key}")
    typer.echo("What members compare it with, as SHA-256:")
    write_fingerprints(load_settings(folder))
    lines = "".join(f"{user} {text}\n" for user, text in made.one_time_passwords.items())
    if passwords_file is not None:
        write_private(passwords_file, lines.encode())
        typer.echo(f"The administrators' one-time passwords are in {passwords_file}.")
    else:
        typer.echo(f"The administrators' one-time passwords, shown only now:\n{lines}", nl=False)
    typer.echo(f"Each logs in with: comity login USER -p {folder}/{OWN_AGENCY_FOLDER}/")


def _parse_administrators(texts: list[str]) -> tuple[tuple[str, str], ...]:
    named = dict(text.partition(":")[::2] for text in texts)
    if len(named) < MIN_HUB_ADMINISTRATORS:
        raise typer.BadParameter(f"--administrator names at least {MIN_HUB_ADMINISTRATORS}.")
    return tuple((user, country or NOT_STATED) for user, country in named.items())


@app.command("check-config")
@command
async def check_config(folder: Folder = DEFAULT_FOLDER) -> None:
    """Check configuration, keys, policy and database, and change nothing."""
    settings = load_settings(folder)
    require_serving_files(settings, now=utc_now())
    policy = load_hub_policy(settings)
    async with Administration(settings, clock=utc_now) as administration:
        await administration.require_ledger()
        await administration.require_durable()
    if settings.ca_key.exists():
        load_authority(settings)
    else:
        typer.echo("The authority's key is not here: no agency can be admitted.", err=True)
    for warning in expiry_warnings(settings, now=utc_now()):
        typer.echo(warning, err=True)
    typer.echo(f"The hub {settings.domain} can be served on {settings.listen}.")
    if settings.policy is not None:
        typer.echo(f"Notices are judged with the files in {settings.policy}; as SHA-256")
        typer.echo(policy.digest.hex())
    typer.echo("What members compare it with, as SHA-256:")
    write_fingerprints(settings)


@app.command("renew-certificate")
@command
async def renew(folder: Folder = DEFAULT_FOLDER) -> None:
    """Give the hub's server and its own agency new TLS keys and certificates.

    A hub that serves takes them up. Due at the latest every 60 days, for the own agency's.
    """
    settings = load_settings(folder)
    server = renew_certificate(settings, now=utc_now()).not_valid_after_utc.date()
    typer.echo(f"The hub's certificate is valid until {server}. No member has to do anything.")
    async with Administration(settings, clock=utc_now) as administration:
        await administration.require_ledger()
        own = (await renew_own_agency(administration, now=utc_now())).not_valid_after_utc.date()
    typer.echo(f"That of its own agency {settings.agency} is valid until {own}.")


@app.command("migrate")
@command
async def migrate_schema(
    folder: Folder = DEFAULT_FOLDER,
    to: Annotated[str, typer.Option(help="A revision, 'head' or 'base'.")] = "head",
    confirm: Annotated[
        bool, typer.Option("--yes", help="Yes, take tables away, with what they hold.")
    ] = False,
) -> None:
    """Bring the database's schema to this version's, while no hub serves."""
    if to not in known_revisions():
        raise typer.BadParameter(f"--to is one of {', '.join(known_revisions())}.")
    settings = load_settings(folder)
    async with Administration(settings, clock=utc_now) as administration:
        database = administration.database
        with held_alone(settings.folder) if database.is_sqlite else nullcontext():
            if await is_downgrade(database, to) and not confirm:
                raise MalformedInput(
                    f"Going back to {to} takes tables away, at 'base' the ledger "
                    "and all notices. What goes below 0006 loses its contact tests for good, and "
                    "verify-ledger finds that it did; say --yes."
                )
            await migrate(database, revision=to)
    typer.echo(f"The schema is at {head_revision() if to == 'head' else to}.")
