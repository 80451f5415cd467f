"""Whose certificates count when the portal is called."""

import os
import ssl

from daypass.cli.errors import Misused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CA_VARIABLES = ("DAYPASS_CA_FILE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
"""Where the trusted certificates may be named; the first that is set counts, and a flag before all."""


def trust(origin: str, flags: "Mapping[str, str]", environment: "Mapping[str, str]") -> ssl.SSLContext | None:
    """Whose certificates count: the ones named, else the system's; None where there is no TLS."""
    if origin.startswith("http://"):
        return None
    named = {"--ca-file": flags.get("ca_file")} | {name: environment.get(name) for name in CA_VARIABLES}
    for name, path in named.items():
        if path:
            return _trusting(path, name)
    return ssl.create_default_context()


def _trusting(path: str, named_by: str) -> ssl.SSLContext:
    certificates = os.path.expanduser(path)
    try:
        if os.path.isdir(certificates):
            return ssl.create_default_context(capath=certificates)
        return ssl.create_default_context(cafile=certificates)
    except OSError as error:
        why = error.strerror or "it holds no certificate"
        raise Misused(f"The certificates in {path}, named by {named_by}, cannot be read: {why}.") from error
