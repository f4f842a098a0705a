"""What an agency installs: the client library, the inbox and the `comity` command.

Talks to a hub over mutual TLS. Never imports the hub.
"""

import os

# gRPC offers no setting for the lowest TLS version. Without a usable suite of TLS 1.2 only 1.3 is
# left, whose suites are fixed. Read once, when grpc is first imported: hence here.
os.environ["GRPC_SSL_CIPHER_SUITES"] = "ECDHE-PSK-CHACHA20-POLY1305"

# What gRPC would print of a failed handshake, `diagnosis.py` says in words.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
