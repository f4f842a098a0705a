"""The server's TLS credentials, read again when their files or the roster change."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import cast

import grpc
from cryptography import x509

from comity.errors import MalformedInput
from hub.certificates import parse_pair
from hub.settings import Settings

_log = logging.getLogger("hub.tls")


class TlsFiles:
    """Key, certificate and client authority as they lie on disk.

    A fresh configuration is returned whenever membership changes as well: session tickets die with
    the old one, so that a resumed session is looked at anew. What is not whole is not taken: while
    files are being replaced, one by one, the old ones stay in use.
    """

    def __init__(self, settings: Settings, *, membership_version: Callable[[], int | None]) -> None:
        self._paths = (settings.tls_key, settings.tls_certificate, settings.ca_certificate)
        self._membership_version = membership_version
        self._seen: object = None

    def credentials(self) -> grpc.ServerCredentials:
        """Credentials that require a client certificate and look at the files for every new one.

        Raises: MalformedInput, OSError.
        """
        return self._credentials(require_client_authentication=True)

    def credentials_for_anyone(self) -> grpc.ServerCredentials:
        """The same that ask for no client certificate: for the port that agencies enrol at.

        Not of the same instance as `credentials`: each looks for changes on its own account.

        Raises: MalformedInput, OSError.
        """
        return self._credentials(require_client_authentication=False)

    def _credentials(self, *, require_client_authentication: bool) -> grpc.ServerCredentials:
        self._seen = self._state()
        fetch = cast(Callable[[], grpc.ServerCertificateConfiguration], self._fetch)
        return grpc.dynamic_ssl_server_credentials(
            self._configuration(),
            fetch,
            require_client_authentication=require_client_authentication,
        )

    def _fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """Called on a thread of gRPC for every connection; must not raise."""
        try:
            state = self._state()
            if state == self._seen:
                return None
            configuration = self._configuration()
        except (OSError, MalformedInput) as error:
            _log.error("the TLS files cannot be used, the old ones stay in use: %s", error)
            return None
        self._seen = state
        return configuration

    def _state(self) -> object:
        stats = [path.stat() for path in self._paths]
        return (
            *((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats),
            self._membership_version(),
        )

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        key, certificate, authority = (path.read_bytes() for path in self._paths)
        parse_pair(key, certificate)
        try:
            x509.load_pem_x509_certificates(authority)
        except ValueError as error:
            raise MalformedInput(f"{self._paths[-1].name} holds no certificate.") from error
        return grpc.ssl_server_certificate_configuration(
            [(key, certificate)], root_certificates=authority
        )
