"""`python -m directory.sample`: writes the sample directory anew, beside this file."""

from __future__ import annotations

from directory.sample.file import SAMPLE_FILE, text_from
from directory.sample.generator import sample_authorities

if __name__ == "__main__":
    SAMPLE_FILE.write_text(text_from(sample_authorities()), encoding="utf-8")
