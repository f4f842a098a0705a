"""The hub: takes signed acts into a tamper-evident ledger and delivers notices to their addressees.

`app.py` wires it; a request walks rpc → services → store and back.
"""

import os

# gRPC offers no setting for the lowest TLS version. Without a usable suite of TLS 1.2 only 1.3 is
# left, whose suites are fixed. Read once, when grpc is first imported: hence here.
os.environ["GRPC_SSL_CIPHER_SUITES"] = "ECDHE-PSK-CHACHA20-POLY1305"

# Its traces show what is sent in clear; they are for a debugger, never for a hub's log. What it
# says of errors is said by the hub, in the log's own form.
os.environ.pop("GRPC_TRACE", None)
os.environ["GRPC_VERBOSITY"] = "NONE"
