"""What Keycloak is started with, so that it asks for the agencies' certificates.

Text and bytes; the command line writes them. Never holds a secret: the password of the trust store
guards public certificates.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from hub.identity.keycloak.realm import Realm

CONFIGURATION = "keycloak.conf"
TRUST_STORE = "agencies.p12"
CERTIFICATE = "tls.pem"
KEY = "tls-key.pem"
TRUST_STORE_PASSWORD = b"comity"  # Java opens none without; what it holds is public


def configuration_text(realm: Realm, *, folder: str) -> str:
    """The options of a `keycloak.conf` whose other files lie in a folder."""
    return f"""\
# Written by `comity-hub keycloak setup`. Add the database's options, and build before the start:
# whether certificates are asked for is settled when Keycloak is built.
#   kc.sh -cf {folder}/{CONFIGURATION} build
#   kc.sh -cf {folder}/{CONFIGURATION} start --optimized

# Every agency's certificate is asked for, and a browser without one is let in all the same: what is
# handed out to an agency's program is bound to the certificate (RFC 8705).
https-client-auth=request
https-trust-store-file={folder}/{TRUST_STORE}
https-trust-store-password={TRUST_STORE_PASSWORD.decode()}

https-protocols=TLSv1.3
https-certificate-file={folder}/{CERTIFICATE}
https-certificate-key-file={folder}/{KEY}
http-enabled=false

hostname={realm.server_url}
"""


def trust_store(authority_pem: bytes) -> bytes:
    """The hub's authorities as a PKCS #12 that Java takes for trusted ones."""
    entries = [
        pkcs12.PKCS12Certificate(certificate, f"comity-{number}".encode())
        for number, certificate in enumerate(x509.load_pem_x509_certificates(authority_pem))
    ]
    return pkcs12.serialize_java_truststore(entries, BestAvailableEncryption(TRUST_STORE_PASSWORD))
