"""Parts of the wiring that are lists of their own. `hub.app` puts them together."""
