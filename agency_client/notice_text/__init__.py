"""A notice in words: what is asked and what not to do first, then who, why, and the rest.

Lines of safe text, one module per noun; writes nothing and leaves nothing out. What has no words
of its own is shown under its field's name (`fields.py`).
"""

from agency_client.notice_text.asked import headline, subject_title
from agency_client.notice_text.notice import (
    DISCLAIMER,
    SUSPENDED_WARNING,
    notice_lines,
    withdrawal_line,
)
from agency_client.notice_text.states import IN_FORCE, state_line, state_words

__all__ = [
    "DISCLAIMER",
    "IN_FORCE",
    "SUSPENDED_WARNING",
    "headline",
    "notice_lines",
    "state_line",
    "state_words",
    "subject_title",
    "withdrawal_line",
]
