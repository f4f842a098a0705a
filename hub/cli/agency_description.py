"""Options that describe an agency: how they are read, for inviting one and for changing one."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from comity.v1 import agencies_pb2, notices_pb2
from comity.v1.notices_pb2 import LocalizedText

KINDS = {
    name.removeprefix("AGENCY_KIND_").lower().replace("_", "-"): number
    for name, number in agencies_pb2.AgencyKind.items()
    if number
}
NOTICE_KINDS = {
    name.removeprefix("NOTICE_KIND_").lower().replace("_", "-"): number
    for name, number in notices_pb2.NoticeKind.items()
    if number
}
POLICIES = {
    "free": agencies_pb2.OUTGOING_POLICY_FREE,
    "copied": agencies_pb2.OUTGOING_POLICY_COPIED,
}


def parse_kind(text: str) -> agencies_pb2.AgencyKind.ValueType:
    """The kind of agency that `--kind` names."""
    if text not in KINDS:
        raise typer.BadParameter(f"--kind is one of {', '.join(KINDS)}.")
    return KINDS[text]


def parse_publishes(text: str) -> list[notices_pb2.NoticeKind.ValueType]:
    """The kinds of notice that `--publishes` names: `all`, `none`, or some of them."""
    if text in ("all", "none"):
        return list(NOTICE_KINDS.values()) if text == "all" else []
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in NOTICE_KINDS]
    if unknown:
        known = ", ".join(NOTICE_KINDS)
        said = f"--publishes is all, none, or some of {known}; not {', '.join(unknown)}."
        raise typer.BadParameter(said)
    return [NOTICE_KINDS[name] for name in dict.fromkeys(names)]


def parse_policy(text: str) -> agencies_pb2.OutgoingPolicy.ValueType:
    """What `--outgoing` names."""
    if text not in POLICIES:
        raise typer.BadParameter(f"--outgoing is one of {', '.join(POLICIES)}.")
    return POLICIES[text]


def parse_names(texts: Sequence[str]) -> list[LocalizedText]:
    """Names by language, each as in `fr=Bureau central national`."""
    names = []
    for text in texts:
        language, equals, name = text.partition("=")
        if not equals or not language or not name:
            raise typer.BadParameter("--names is a language and a name, such as fr=Bureau.")
        names.append(LocalizedText(language=language, text=name))
    return names
