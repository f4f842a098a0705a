"""Use cases: one method each. Called by `hub.rpc`; calls `hub.store`. Knows nothing of gRPC."""
