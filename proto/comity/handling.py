"""What the handling of a notice allows: passing on, court, publication; and whether it is carried.

Europol's codes, TLP and PAP are never converted into each other: each stays as received, and of
all that a handling says the stricter binds. The hub and the client call this alike. Judges no
free text: what H3 restricts is for people to read, and is carried word by word.
"""

from __future__ import annotations

from collections.abc import Iterator

from comity.errors import Violation
from comity.v1 import notices_pb2 as pb

# Of TLP 2.0 these stop at the recipients, or at their own organisation and its clients.
TLP_NOT_ONWARD = frozenset({pb.TLP_RED, pb.TLP_AMBER_STRICT, pb.TLP_AMBER})


def may_pass_on_to(handling: pb.Handling, agency: str) -> bool:
    """Whether an addressee may pass a notice on to an agency without asking its originator."""
    if agency in handling.onward_agencies or agency[:2] in handling.onward_countries:
        return True
    return may_pass_on_to_anybody(handling)


def may_pass_on_to_anybody(handling: pb.Handling) -> bool:
    """Whether an addressee may pass a notice on to any agency, also one that nobody names yet."""
    return pb.HANDLING_CODE_H2 not in handling.codes and handling.tlp not in TLP_NOT_ONWARD


def may_use_in_court(handling: pb.Handling) -> bool:
    """Whether a notice may be used in judicial proceedings without asking its originator."""
    return pb.HANDLING_CODE_H1 not in handling.codes


def may_publish(handling: pb.Handling) -> bool:
    """Whether a notice may be shown to the public: TLP:CLEAR, and nothing that says otherwise."""
    return (
        handling.tlp == pb.TLP_CLEAR
        and pb.HANDLING_CODE_H2 not in handling.codes
        and handling.pap in (pb.PAP_UNSPECIFIED, pb.PAP_CLEAR)
        and not handling.confidentiality
    )


def is_as_strict(new: pb.Handling, source: pb.Handling) -> list[Violation]:
    """What the handling of a notice lacks of the conditions of one that it draws on, all at once.

    1. Every code of the source, and the text of its restrictions where H3 is among them.
    2. TLP, PAP and confidentiality: the same scheme, at least as strict.
    3. The same last day of retention, or an earlier one.
    4. Nobody onward who may not have the source without asking.
    """
    return [
        *_codes(new, source),  # 1
        *_markings(new, source),  # 2
        *_retention(new, source),  # 3
        *_onward(new, source),  # 4
    ]


def binding_words(handling: pb.Handling) -> list[str]:
    """What a handling allows, line by line, each with what binds: for people to read."""
    return [_onward_words(handling), _court_words(handling), _public_words(handling)]


def _codes(new: pb.Handling, source: pb.Handling) -> Iterator[Violation]:
    missing = sorted(set(source.codes) - set(new.codes))
    if missing:
        names = ", ".join(_code_name(code) for code in missing)
        yield Violation("handling.codes", f"lacks {names}, which the source carries")
    has_restrictions = pb.HANDLING_CODE_H3 in source.codes
    if has_restrictions and _words(source.restrictions) not in _words(new.restrictions):
        yield Violation("handling.restrictions", "lacks the restrictions of the source, as written")


def _words(text: str) -> str:
    return " ".join(text.split())


def _markings(new: pb.Handling, source: pb.Handling) -> Iterator[Violation]:
    if source.tlp not in (pb.TLP_UNSPECIFIED, pb.TLP_CLEAR) and not 0 < new.tlp <= source.tlp:
        yield Violation("handling.tlp", f"is less strict than the source's {tlp_name(source.tlp)}")
    elif new.tlp == pb.TLP_CLEAR and not source.tlp:
        yield Violation("handling.tlp", "would let be published what the source does not")
    if source.pap not in (pb.PAP_UNSPECIFIED, pb.PAP_CLEAR) and not 0 < new.pap <= source.pap:
        yield Violation("handling.pap", f"is less strict than the source's {pap_name(source.pap)}")
    if new.confidentiality < source.confidentiality:
        name = confidentiality_name(source.confidentiality)
        yield Violation("handling.confidentiality", f"is less strict than the source's {name}")


def _retention(new: pb.Handling, source: pb.Handling) -> Iterator[Violation]:
    if not source.HasField("retain_until"):
        return
    last = _ordinal(source.retain_until)
    if not new.HasField("retain_until") or _ordinal(new.retain_until) > last:
        day = "{:04}-{:02}-{:02}".format(*last)
        yield Violation("handling.retain_until", f"is later than the source's {day}")


def _ordinal(day: pb.CalendarDate) -> tuple[int, int, int]:
    return (day.year, day.month, day.day)


def _onward(new: pb.Handling, source: pb.Handling) -> Iterator[Violation]:
    if may_pass_on_to_anybody(source):
        return
    agencies = [each for each in new.onward_agencies if not may_pass_on_to(source, each)]
    countries = sorted(set(new.onward_countries) - set(source.onward_countries))
    if agencies:
        names = ", ".join(agencies)
        yield Violation("handling.onward_agencies", f"is wider than the source's by {names}")
    if countries:
        names = ", ".join(countries)
        yield Violation("handling.onward_countries", f"is wider than the source's by {names}")


def _onward_words(handling: pb.Handling) -> str:
    binding = [_code_name(pb.HANDLING_CODE_H2)] if pb.HANDLING_CODE_H2 in handling.codes else []
    if handling.tlp in TLP_NOT_ONWARD:
        binding.append(tlp_name(handling.tlp))
    if not binding:
        return "may be passed on to other agencies"
    named = ", ".join([*handling.onward_countries, *handling.onward_agencies])
    but = f" except to {named}" if named else ""
    return f"not to be passed on without the originator{but} ({' and '.join(binding)})"


def _court_words(handling: pb.Handling) -> str:
    if may_use_in_court(handling):
        return "may be used in judicial proceedings"
    return "not in judicial proceedings without the originator (H1)"


def _public_words(handling: pb.Handling) -> str:
    if may_publish(handling):
        return "may be published (TLP:CLEAR)"
    binding = [_code_name(pb.HANDLING_CODE_H2)] if pb.HANDLING_CODE_H2 in handling.codes else []
    binding.append(tlp_name(handling.tlp) if handling.tlp else "no TLP:CLEAR")
    if handling.pap:
        binding.append(pap_name(handling.pap))
    if handling.confidentiality:
        binding.append(confidentiality_name(handling.confidentiality))
    said = [each for each in binding if each not in ("TLP:CLEAR", "PAP:CLEAR")]
    return f"not to be published ({', '.join(said)})"


def _code_name(code: pb.HandlingCode.ValueType) -> str:
    number = pb.HandlingCode.DESCRIPTOR.values_by_number.get(code)
    return number.name.removeprefix("HANDLING_CODE_") if number else str(code)


def tlp_name(tlp: pb.Tlp.ValueType) -> str:
    """A level of the Traffic Light Protocol as its standard writes it: TLP:AMBER+STRICT."""
    number = pb.Tlp.DESCRIPTOR.values_by_number.get(tlp)
    name = number.name.removeprefix("TLP_") if number else str(tlp)
    return f"TLP:{name.replace('_', '+')}"


def pap_name(pap: pb.Pap.ValueType) -> str:
    """A level of the Permissible Actions Protocol as it is written: PAP:AMBER."""
    number = pb.Pap.DESCRIPTOR.values_by_number.get(pap)
    return f"PAP:{number.name.removeprefix('PAP_') if number else pap}"


def confidentiality_name(level: pb.Confidentiality.ValueType) -> str:
    """A level of confidentiality as it is written: FOR OFFICIAL USE ONLY."""
    number = pb.Confidentiality.DESCRIPTOR.values_by_number.get(level)
    name = number.name.removeprefix("CONFIDENTIALITY_") if number else str(level)
    return name.replace("_", " ")
