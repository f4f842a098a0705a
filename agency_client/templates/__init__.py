"""Templates of notices: every field that a kind carries, explained, ready to be filled in.

One data file per kind, shipped with the package. Nothing here touches a disk but to read those.
"""

from agency_client.templates.kinds import KINDS, SENTENCE, Plan, plan_for, variants
from agency_client.templates.writing import template_text

__all__ = ["KINDS", "SENTENCE", "Plan", "plan_for", "template_text", "variants"]
