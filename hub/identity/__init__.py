"""Who supplies officers' identities to the hub, where it isn't the hub's own accounts."""
