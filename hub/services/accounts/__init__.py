"""Built-in accounts: officers who log in at the hub itself, with password and second factor."""
