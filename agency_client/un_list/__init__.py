"""The United Nations Security Council's Consolidated List as case notices.

The import command reads an edition (`load_list`), refuses one that is older than the last
(`require_not_older`), plans what to publish and to withdraw (`plan_import`), and hands the plan's
notices to the client to be signed and sent. Nothing in this package touches the network or a key.
"""

from agency_client.un_list.edition import (
    ImportPlan,
    PublishedListing,
    plan_import,
    plan_mass_delisting,
    require_not_older,
)
from agency_client.un_list.mapping import IssueTerms, first_version
from agency_client.un_list.reader import (
    ListEdition,
    ListedSubject,
    SubjectKind,
    load_list,
    parse_list,
)

__all__ = [
    "ImportPlan",
    "IssueTerms",
    "ListEdition",
    "ListedSubject",
    "PublishedListing",
    "SubjectKind",
    "first_version",
    "load_list",
    "parse_list",
    "plan_import",
    "plan_mass_delisting",
    "require_not_older",
]
