"""The portal's TLS certificate and private key, read once and kept in memory."""

import os
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

_SETTINGS = "See DAYPASS_TLS_CERTIFICATE and DAYPASS_TLS_KEY."


class CertificateError(Exception):
    """The two files are no certificate with its private key; the message says what to change."""


def not_after(certificate: Path) -> datetime:
    """Return the end of the certificate's validity; of a chain, that of its first certificate.

    Raises `OSError` or `ValueError` for a file that is not readable or has no certificate.
    """
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key. The paths stay readable after the configured files changed."""

    certificate: Path
    private_key: Path
    not_after: datetime
    _descriptors: tuple[int, ...] = ()

    def close(self) -> None:
        """Release the memory; processes that were forked before keep their own reference."""
        for descriptor in self._descriptors:
            os.close(descriptor)

    def has_same_content(self, other: "KeyPair") -> bool:
        """Return whether both have the same bytes."""
        return (
            self.certificate.read_bytes() == other.certificate.read_bytes()
            and self.private_key.read_bytes() == other.private_key.read_bytes()
        )


def read_key_pair(certificate: Path, private_key: Path) -> KeyPair:
    """Read both files and return them; raises `CertificateError` unless they match."""
    descriptors: list[int] = []
    try:
        served = _in_memory(certificate, descriptors), _in_memory(private_key, descriptors)
        # Without a passphrase callback, the library would prompt on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*served, lambda: "")
        return KeyPair(*served, not_after(served[0]), tuple(descriptors))
    except (ssl.SSLError, ValueError, OSError) as error:
        for descriptor in descriptors:
            os.close(descriptor)
        raise CertificateError(_sentence(certificate, private_key, error)) from error


def _in_memory(path: Path, descriptors: list[int]) -> Path:
    """Return the path of a copy in memory, whose descriptor is added; where there is none, *path* itself."""
    content = path.read_bytes()
    if not hasattr(os, "memfd_create"):
        return path
    descriptor = os.memfd_create("daypass-tls")
    descriptors.append(descriptor)
    with os.fdopen(descriptor, "wb", closefd=False) as copy:
        copy.write(content)
    return Path(f"/proc/self/fd/{descriptor}")


def _sentence(certificate: Path, private_key: Path, error: Exception) -> str:
    # SSL errors are OSErrors too, and their text is the library's own.
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return f"{error.filename} cannot be read ({error.strerror}). {_SETTINGS}"
    return (
        f"{certificate} and {private_key} are no certificate with its private key. Both must be PEM "
        f"files, the key without a passphrase. {_SETTINGS}"
    )
