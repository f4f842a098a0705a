"""Machine-readable zones of travel documents: read, checked and compared. Source: ICAO Doc 9303.

`zones.py` reads one, `agreement.py` compares it with what a notice says, `transliteration.py`
writes a name as a zone does. Nothing here corrects what it reads: what may have been misread is
proposed, and people decide.
"""
