"""Stands in until the branch with the legal minimum is merged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class ReviewTerms:
    """How a notice is reviewed."""

    reviewers: int
    due: timedelta
    is_before_publication: bool
    sample_percent: float
