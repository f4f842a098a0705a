"""How an agency is described on the command line: options into a description and its mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.application import (
    ProfileOption,
    app,
    command,
    opened_agency,
)
from agency_client.cli.output import write

if TYPE_CHECKING:
    from comity.v1.agencies_pb2 import AgencyKind, OutgoingPolicy
    from comity.v1.membership_pb2 import DescribeAgencyRequest
    from comity.v1.notices_pb2 import LocalizedText, NoticeKind

ALL, NONE = "all", "none"

NamesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--names",
        metavar="LANGUAGE=NAME",
        help="Its name in a language, such as fr='Bureau'. Repeat; together they are all of them.",
        show_default=False,
    ),
]
ContactOption = Annotated[
    str | None,
    typer.Option(help="An office's e-mail or https address, no person's.", show_default=False),
]
DutyLineOption = Annotated[
    str | None,
    typer.Option(help="Answered day and night, such as +12025550100.", show_default=False),
]
OutgoingOption = Annotated[
    str | None,
    typer.Option(
        help="For who leads its country: 'copied' or 'free', what the others publish.",
        show_default=False,
    ),
]
ReasonOption = Annotated[str, typer.Option(help="Why; all members see it. Names no person.")]


@app.command()
@command
async def describe(
    reason: ReasonOption,
    names: NamesOption = None,
    contact: ContactOption = None,
    duty_line: DutyLineOption = None,
    outgoing: OutgoingOption = None,
    profile: ProfileOption = None,
) -> None:
    """Change how this agency is shown to members. For its administrator."""
    from agency_client.membership import describe_agency

    description = Description()
    description.set_names(names)
    description.set_contact(contact, duty_line)
    description.set_outgoing(outgoing)
    async with opened_agency(profile) as opened:
        request = description.request(opened.profile.agency, reason)
        index = await describe_agency(opened, request)
    write(f"Described {opened.profile.agency}; entry {index} of the ledger.")


class Description:
    """What options say of an agency. Only what was given goes into the mask."""

    def __init__(self) -> None:
        from comity.v1.agencies_pb2 import Agency

        self.agency = Agency()
        self.fields: list[str] = []

    def set_text(self, field: str, value: str | None) -> None:
        """Takes a text; an empty one clears the field."""
        if value is not None:
            setattr(self.agency, field, value)
            self.fields.append(field)

    def set_names(self, names: Sequence[str] | None) -> None:
        """Takes names as LANGUAGE=NAME; a single empty one clears them."""
        if names is not None:
            self.agency.names.extend(parse_names(names))
            self.fields.append("names")

    def set_contact(self, contact: str | None, duty_line: str | None) -> None:
        """Takes how an agency is reached."""
        self.set_text("contact", contact)
        self.set_text("duty_line", duty_line)

    def set_kind(self, kind: str | None) -> None:
        """Takes a kind."""
        if kind is not None:
            self.agency.kind = parse_kind(kind)
            self.fields.append("kind")

    def set_leads_country(self, leads_country: bool | None) -> None:
        """Takes whether it leads its country; who does not has no policy for the others."""
        if leads_country is not None:
            self.agency.leads_country = leads_country
            self.fields.append("leads_country")
            if not leads_country:
                self.fields.append("outgoing_policy")

    def set_outgoing(self, outgoing: str | None) -> None:
        """Takes the policy for what the country's other agencies publish."""
        if outgoing is not None:
            self.agency.outgoing_policy = _parse_outgoing(outgoing)
            self.fields.append("outgoing_policy")

    def request(self, agency_id: str, reason: str) -> DescribeAgencyRequest:
        """The request; that nothing was given is a usage error."""
        from google.protobuf.field_mask_pb2 import FieldMask

        from comity.v1.membership_pb2 import DescribeAgencyRequest

        if not self.fields:
            raise typer.BadParameter("say what is to be changed; --help lists it.")
        self.agency.agency_id = agency_id
        mask = FieldMask(paths=sorted(set(self.fields)))
        return DescribeAgencyRequest(agency=self.agency, fields=mask, reason=reason)


def parse_names(names: Sequence[str]) -> list[LocalizedText]:
    """Names as LANGUAGE=NAME; anything else is a usage error."""
    from comity.v1.notices_pb2 import LocalizedText

    parsed = []
    for text in names:
        language, mark, name = text.partition("=")
        if not text:
            continue
        if not (mark and language and name):
            raise typer.BadParameter(f"--names: {text!r} is no LANGUAGE=NAME, such as fr=Bureau.")
        parsed.append(LocalizedText(language=language, text=name, original=True))
    return parsed


def parse_kind(kind: str) -> AgencyKind.ValueType:
    """A kind of agency by its name; another is a usage error."""
    from comity.v1.agencies_pb2 import AgencyKind

    constant = "AGENCY_KIND_" + kind.upper().replace("-", "_")
    if constant not in AgencyKind.keys()[1:]:
        known = (name.removeprefix("AGENCY_KIND_").lower() for name in AgencyKind.keys()[1:])
        raise typer.BadParameter(f"--kind is one of {', '.join(known).replace('_', '-')}.")
    return AgencyKind.Value(constant)


def parse_publishes(text: str) -> list[NoticeKind.ValueType]:
    """Kinds of notice, divided by commas, `all` or `none`; anything else is a usage error."""
    from comity.v1.notices_pb2 import NoticeKind

    if text == ALL:
        return NoticeKind.values()[1:]
    kinds, unknown = [], []
    for part in [] if text == NONE else text.split(","):
        constant = "NOTICE_KIND_" + part.strip().upper().replace("-", "_")
        if constant in NoticeKind.keys()[1:]:
            kinds.append(NoticeKind.Value(constant))
        else:
            unknown.append(repr(part))
    if unknown:
        known = (name.removeprefix("NOTICE_KIND_").lower() for name in NoticeKind.keys()[1:])
        said = f"--publishes: {', '.join(unknown)} is none of all, none, {', '.join(known)}."
        raise typer.BadParameter(said.replace("_", "-"))
    return kinds


def _parse_outgoing(text: str) -> OutgoingPolicy.ValueType:
    from comity.v1.agencies_pb2 import OUTGOING_POLICY_COPIED, OUTGOING_POLICY_FREE

    known = {"free": OUTGOING_POLICY_FREE, "copied": OUTGOING_POLICY_COPIED}
    if text not in known:
        raise typer.BadParameter("--outgoing is 'copied' or 'free'.")
    return known[text]
