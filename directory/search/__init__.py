"""Finding authorities in memory: by what is known of a name, in any script, spelling, order."""
