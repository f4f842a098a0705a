"""The legal minimum."""
