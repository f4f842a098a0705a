"""Codes of the contract in words, for whatever shows one. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.descriptor import EnumDescriptor

Safe = Callable[[str], str]  # makes a foreign text harmless for wherever it is shown

_WORDS = {  # where the code's own name is not quite what one says
    "PRECAUTION_CODE_DO_NOT_ALERT_SUBJECT": "do not alert the subject",
    "PRECAUTION_CODE_CONTACT_ORIGINATOR_FIRST": "contact the originator first",
    "PRECAUTION_CODE_CONFIRM_IDENTITY_FIRST": "confirm the identity first",
    "PRECAUTION_CODE_DO_NOT_INFORM_RELATIVES": "do not inform the relatives",
    "ACTION_CODE_INFORM_ORIGINATOR": "inform the originator",
    "ACTION_CODE_SEIZE_OBJECT": "seize the object",
    "ACTION_CODE_FREEZE_ASSETS": "freeze the assets",
    "ACTION_CODE_LOCATE_ASSETS": "locate the assets",
    "ACTION_CODE_MONITOR_ASSETS": "monitor the assets",
    "PERSON_STATUS_UNDER_UN_SANCTIONS": "under UN sanctions",
    "WARNING_CODE_HEALTH": "health risk",
    "BIOMETRIC_TYPE_DNA": "DNA",
    "BIOMETRIC_TYPE_IRIS": "iris scan",
    "BIOMETRIC_TYPE_DENTAL": "dental record",
    "IDENTIFIER_SCHEME_VIN": "VIN",
    "IDENTIFIER_SCHEME_IMO": "IMO number",
    "IDENTIFIER_SCHEME_MMSI": "MMSI",
    "REFERENCE_SCHEME_INTERPOL": "INTERPOL",
    "REFERENCE_SCHEME_SIENA": "SIENA",
    "REFERENCE_SCHEME_UN_SECURITY_COUNCIL": "UN Security Council",
    "TLP_RED": "RED",
    "TLP_AMBER_STRICT": "AMBER+STRICT",
    "TLP_AMBER": "AMBER",
    "TLP_GREEN": "GREEN",
    "TLP_CLEAR": "CLEAR",
    "PAP_RED": "RED",
    "PAP_AMBER": "AMBER",
    "PAP_GREEN": "GREEN",
    "PAP_CLEAR": "CLEAR",
    "TRAFFICKING_MEANS_PAYMENTS_TO_WHO_CONTROLS": "payments to a person who has control",
}


def code_words(descriptor: EnumDescriptor, number: int) -> str:
    """A code as words: ACTION_CODE_LOCATE_AND_ARREST, "locate and arrest"."""
    value = descriptor.values_by_number.get(number)
    if value is None:
        return f"code {number}"
    if value.name in _WORDS:
        return _WORDS[value.name]
    prefix = descriptor.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return value.name.removeprefix(prefix).replace("_", " ").lower()
