"""A directory to try things on: every authority in it is invented."""
