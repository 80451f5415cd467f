"""Whose certificates count when the portal is called."""

import os
import ssl

from daypass.cli.cache.request import read_file
from daypass.cli.runtime.errors import UsageError
from daypass.cli.runtime.home import expanded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CA_VARIABLES = ("DAYPASS_CA_FILE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
"""Where the trusted certificates may be named; the first that is set counts, and a flag before all."""


_LARGEST = 4 * 1024 * 1024
"""Bytes of certificates that are read from a pipe; a system's bundle has a quarter of a megabyte."""


class Trust:
    """The certificates that count. The system's may be read in two steps, since all of them take long."""

    __slots__ = ("_is_whole", "context")

    def __init__(self, context: ssl.SSLContext, *, is_whole: bool) -> None:
        self.context = context
        self._is_whole = is_whole

    def read_all(self) -> bool:
        """Have all of them count; says whether that is more than before."""
        if self._is_whole:
            return False
        self.context.load_default_certs()
        self._is_whole = True
        return True


def trust(origin: str, flags: "Mapping[str, str]", environment: "Mapping[str, str]") -> Trust | None:
    """Whose certificates count: the ones named, else the system's; None where there is no TLS."""
    if origin.startswith("http://"):
        return None
    named = {"--ca-file": flags.get("ca_file")} | {name: environment.get(name) for name in CA_VARIABLES}
    for name, given in named.items():
        path = (given or "").strip("\r\n")
        if path:
            return Trust(_trusting(path, expanded(path, environment), name), is_whole=True)
    return _trusting_the_system()


def _trusting_the_system() -> Trust:
    folder = ssl.get_default_verify_paths().capath
    # In a folder of hashed names OpenSSL finds the one authority that it needs. Reading the bundle, with all
    # authorities of the world, takes longer than the portal does.
    if folder and _has_hashed_names(folder):
        return Trust(ssl.create_default_context(capath=folder), is_whole=False)
    return Trust(ssl.create_default_context(), is_whole=True)


def _has_hashed_names(folder: str) -> bool:
    try:
        return any(name.endswith(".0") for name in os.listdir(folder))
    except OSError:
        return False


def _trusting(path: str, certificates: str, named_by: str) -> ssl.SSLContext:
    try:
        if os.path.isdir(certificates):
            return ssl.create_default_context(capath=certificates)
        if os.path.exists(certificates) and not os.path.isfile(certificates):
            # A pipe can be read only once, and is named again for each renewal.
            return ssl.create_default_context(
                cadata=read_file(certificates, "CA file", _LARGEST).decode("ascii")
            )
        return ssl.create_default_context(cafile=certificates)
    except UnicodeDecodeError as error:
        raise UsageError(f"The certificates in {path}, named by {named_by}, are not in PEM form.") from error
    except OSError as error:
        why = error.strerror or "it holds no certificate"
        raise UsageError(
            f"The certificates in {path}, named by {named_by}, cannot be read: {why}."
        ) from error
