"""Entries as files: CSV and JSON in and out, vCard, calendar and print out.

Pure functions over entries: no network, no disk, no clock. The services decide who gets what.
"""
