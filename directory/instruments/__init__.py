"""The codes of the directory, each with its source, from files that a jurisdiction can correct.

Called by validation, resolving, search and rendering. Holds no names: those are the catalogue's.
"""
