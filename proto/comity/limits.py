"""How long a text and how many the items of a list may be, field by field. Data, no rules."""

from __future__ import annotations

MAX_TEXT_CHARS = 20_000  # a narrative of some ten pages
MAX_FIELD_CHARS = 2_000  # the longest note in the Security Council's list is far below
MAX_NAME_CHARS = 512  # the longest name of an organisation in that list has about 200
MAX_REFERENCE_CHARS = 200  # fits a line of every form that quotes a case number
MAX_WORD_CHARS = 100  # a make, a colour, a calibre
MAX_ITEMS = 1_000  # of one repeated field; also the objects of a bulk notice
MAX_CONTENT_ITEMS = 100  # of one repeated field of a notice's content, where nothing else is said

_TEXT_LIMITS = {
    MAX_TEXT_CHARS: "LocalizedText.text SourceElement.text",
    MAX_NAME_CHARS: "Name.full NamePart.value Object.name LawReference.law",
    MAX_REFERENCE_CHARS: """
        Notice.case_reference ExternalReference.value ExternalReference.authority
        IdentityDocument.number ObjectIdentifier.value RegistrationNumber.value
        RegistrationNumber.register BiometricReference.reference BiometricReference.held_by
        Asset.identifiers Asset.institution ContactIdentifier.value NoticeContact.name
        LawReference.article Warrant.number Warrant.signatory Warrant.issuing_authority
        Sentence.judgment_reference Sentence.court SanctionsListing.list_type
        SanctionsListing.regime SanctionsListing.reference_number SanctionsListing.data_id
        SanctionsListing.version_number SanctionsListing.submitted_by DistinguishingMark.location
        Place.postal_code CustodyAct.reference RecallAnswerAct.provision
    """,
    MAX_WORD_CHARS: """
        Object.make Object.model Object.colour Object.calibre Amount.value
        IdentityDocument.machine_readable_zone
    """,
    254: "NoticeContact.email",  # RFC 5321 §4.5.3.1.3
    35: "LocalizedText.language",  # RFC 5646 §4.4.1
}

_ITEM_LIMITS = {
    MAX_ITEMS: "Notice.subjects SanctionsListing.other_elements",
    250: "Handling.onward_countries Handling.onward_agencies Person.names Organisation.names",
    5: "IdentityDocument.machine_readable_zone",
}

# Numbers and addresses that are compared letter by letter: nothing invisible may stand in them.
COMPARED_EXACTLY = frozenset(
    f"comity.v1.{name}"
    for name in """
        Notice.case_reference ExternalReference.value IdentityDocument.number
        IdentityDocument.machine_readable_zone ObjectIdentifier.value RegistrationNumber.value
        Asset.identifiers Amount.value ContactIdentifier.value NoticeContact.telephone
        NoticeContact.email Warrant.number Sentence.judgment_reference Grading.source
        Grading.information SanctionsListing.reference_number CustodyAct.reference
        ActHeader.officer
    """.split()
)


def _by_field(table: dict[int, str]) -> dict[str, int]:
    return {f"comity.v1.{name}": limit for limit, names in table.items() for name in names.split()}


TEXT_LIMITS = _by_field(_TEXT_LIMITS)  # by the field's full name; others: MAX_FIELD_CHARS
ITEM_LIMITS = _by_field(_ITEM_LIMITS)  # others: MAX_CONTENT_ITEMS, or MAX_ITEMS
