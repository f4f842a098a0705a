"""Keycloak as the provider of officers' identities.

It supplies who logged in and for which agency; officers, roles and locks stay in the hub's table.
Imported only where the configuration has a `[keycloak]` table.
"""
