"""The legal minimum: what a notice of each kind must have, as data that client and hub judge alike.

`policy` is the interface. The rules are in `kinds/*.toml` and `review.toml`; docs/legal-minimum.md
says how to read and how to replace them. Never touches the network or a clock.
"""
