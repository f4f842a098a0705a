"""The hub's gRPC edge: the guard and one servicer per noun. Calls `hub.services`.

Decides nothing about notices: it identifies, admits, parses, and turns errors into statuses.
"""
