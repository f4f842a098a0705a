"""A notice that fills nearly every field of its kind; everybody in it is invented."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from comity.times import timestamp_from
from comity.v1 import notices_pb2 as pb

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NOTICE_ID = "01a206f0-0000-7000-8000-000000000001"


def text(words: str, language: str = "en") -> pb.LocalizedText:
    return pb.LocalizedText(language=language, text=words)


def day(year: int, month: int = 0, of_month: int = 0) -> pb.CalendarDate:
    return pb.CalendarDate(year=year, month=month, day=of_month)


def known(*parts: int) -> pb.PartialDate:
    return pb.PartialDate(qualifier=pb.DATE_QUALIFIER_EXACT, date=day(*parts))


def name(full: str, kind: pb.NameType.ValueType = pb.NAME_TYPE_PRIMARY) -> pb.Name:
    return pb.Name(type=kind, full=full)


def bare_notice(kind: pb.NoticeKind.ValueType) -> pb.Notice:
    """A well-formed notice of a kind, with nobody in it."""
    return pb.Notice(
        notice_id=NOTICE_ID,
        version=1,
        kind=kind,
        traffic=pb.TRAFFIC_LIVE,
        urgency=pb.URGENCY_ROUTINE,
        requested_actions=[pb.RequestedAction(code=pb.ACTION_CODE_INFORM_ORIGINATOR)],
        case_reference="CASE 1",
        issued_at=timestamp_from(NOW),
        expires_at=timestamp_from(NOW + timedelta(days=30)),
        handling=pb.Handling(
            codes=[pb.HANDLING_CODE_H0],
            purpose="The case",
            legal_basis="A treaty",
            retain_until=day(2027, 1, 1),
        ),
    )


def full_red() -> pb.Notice:
    """A RED notice with nearly everything that one can carry."""
    notice = bare_notice(pb.NOTICE_KIND_RED)
    notice.subjects.add(person=full_person())
    notice.offences.append(full_offence())
    notice.warrants.add(
        number="W 1/2025",
        issued_on=day(2025, 1, 2),
        issuing_authority="District Court",
        copy_language="fr",
        valid_until=day(2030, 1, 2),
    )
    notice.sentences.add(judged_on=day(2024, 5, 6), imposed=pb.Penalty(years=4))
    notice.assurances.extradition_will_be_sought = True
    notice.assurances.provisional_arrest_countries.append("FR")
    notice.contacts.add(
        use=pb.NOTICE_CONTACT_USE_DUTY,
        telephone="+12025550123",
        email="duty@ncb.example",
        languages=["en", "fr"],
    )
    notice.warnings.add(code=pb.WARNING_CODE_ARMED)
    notice.narratives.extend([text("What is known."), text("ما هو معروف", "ar")])
    notice.grading.CopyFrom(pb.Grading(scheme=pb.GRADING_SCHEME_4X4, source="A", information="1"))
    notice.sources.add(originator="FR-NCB", notice_id=OTHER_ID, version_digest=bytes(32))
    notice.misused_identities.add(
        names=[name("Boris Muster")], holder_consents=True, consented_on=day(2025, 3, 4)
    )
    notice.protection_widening.reason.append(text("The family asks for it."))
    return notice


OTHER_ID = "01a206f0-0000-7000-8000-000000000002"


def full_person() -> pb.Person:
    return pb.Person(
        names=[
            pb.Name(
                type=pb.NAME_TYPE_PRIMARY,
                full="Anna Muster",
                script="Latn",
                parts=[pb.NamePart(type=pb.NAME_PART_TYPE_FAMILY, value="Muster")],
            ),
            name("Анна Мустер", pb.NAME_TYPE_ORIGINAL_SCRIPT),
        ],
        sex=pb.SEX_FEMALE,
        dates_of_birth=[known(1980, 2)],
        nationalities=[pb.Nationality(country="FR", confirmed=True)],
        documents=[
            pb.IdentityDocument(
                type=pb.DOCUMENT_TYPE_PASSPORT, number="12AB34567", issuing_country="FR"
            )
        ],
        description=pb.PhysicalDescription(
            height_min_cm=170,
            height_max_cm=175,
            weight_min_kg=60,
            weight_max_kg=70,
            apparent_age_min=40,
            apparent_age_max=50,
            marks=[pb.DistinguishingMark(kind=pb.MARK_KIND_SCAR, location="left hand")],
        ),
        biometrics=[
            pb.BiometricReference(
                type=pb.BIOMETRIC_TYPE_PORTRAIT,
                held_by="FR-NCB",
                digest=bytes(32),
                quality=pb.PORTRAIT_QUALITY_GOOD,
            )
        ],
        relatives=[pb.Relative(kind=pb.RELATIVE_KIND_FATHER, names=[name("Otto Muster")])],
        languages=["fr", "kab"],
        countries_likely_visited=["ES", "XK"],
        vehicles=[
            pb.Object(
                type=pb.OBJECT_TYPE_VEHICLE,
                identifiers=[
                    pb.ObjectIdentifier(scheme=pb.IDENTIFIER_SCHEME_VIN, value="WVWZZZ1JZXW000001")
                ],
                year=1999,
            )
        ],
        identifiers=[
            pb.ContactIdentifier(scheme=pb.CONTACT_SCHEME_TELEPHONE, value="+12025550101"),
            pb.ContactIdentifier(scheme=pb.CONTACT_SCHEME_EMAIL, value="anna@mail.example"),
            pb.ContactIdentifier(scheme=pb.CONTACT_SCHEME_ACCOUNT, value="chat.example:anna"),
        ],
    )


def full_offence() -> pb.Offence:
    return pb.Offence(
        code=pb.OFFENCE_CODE_TRAFFICKING_IN_PERSONS,
        charge=[text("Trafficking in persons")],
        laws=[pb.LawReference(country="FR", law="Criminal Code", article="1")],
        maximum_penalty=pb.Penalty(years=10),
        time_limit=day(2040, 1, 1),
        facts=[text("In May in Lyon.")],
        trafficking=pb.Trafficking(
            acts=[pb.TRAFFICKING_ACT_RECRUITMENT],
            route=[pb.Place(country="FR"), pb.Place(country="ES")],
            victims=pb.PersonGroup(count=5, minors=2, female=3, male=2, nationalities=["RO"]),
        ),
    )
