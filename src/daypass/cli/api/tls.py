"""The certificate authorities that are trusted when the portal is called."""

import os
import ssl

from daypass.cli.cache.request import read_file
from daypass.cli.runtime.errors import UsageError
from daypass.cli.runtime.home import expanded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CA_VARIABLES = ("DAYPASS_CA_FILE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
"""Variables that name a CA file, in order of precedence; the flag --ca-file wins over all."""


_MAX_SIZE = 4 * 1024 * 1024
"""Maximum size in bytes of certificates read from a pipe; a system's bundle has about 250 KB."""


class Trust:
    """A TLS context with the trusted certificates; the system's bundle is loaded only if it is needed."""

    __slots__ = ("_is_whole", "context")

    def __init__(self, context: ssl.SSLContext, *, is_whole: bool) -> None:
        self.context = context
        self._is_whole = is_whole

    def read_all(self) -> bool:
        """Load the system's whole bundle; return False if it was loaded already."""
        if self._is_whole:
            return False
        self.context.load_default_certs()
        self._is_whole = True
        return True


def trust(origin: str, flags: "Mapping[str, str]", environment: "Mapping[str, str]") -> Trust | None:
    """Return the named certificates, else the system's; None if *origin* does not use TLS.

    Raises `UsageError` if a named file or folder cannot be read.
    """
    if origin.startswith("http://"):
        return None
    return _named(flags, environment) or _load_system()


def trust_with_system(
    origin: str, flags: "Mapping[str, str]", environment: "Mapping[str, str]"
) -> Trust | None:
    """Return the named certificates together with the system's; None if *origin* does not use TLS.

    For servers other than the portal, whose authority may be the only one in the named file.
    """
    if origin.startswith("http://"):
        return None
    named = _named(flags, environment)
    if named is None:
        return _load_system()
    named.context.load_default_certs()
    return named


def _named(flags: "Mapping[str, str]", environment: "Mapping[str, str]") -> Trust | None:
    names = {"--ca-file": flags.get("ca_file")} | {name: environment.get(name) for name in CA_VARIABLES}
    for name, value in names.items():
        path = (value or "").strip("\r\n")
        if path:
            return Trust(_load_named(path, expanded(path, environment), name), is_whole=True)
    return None


def _load_system() -> Trust:
    folder = ssl.get_default_verify_paths().capath
    # In a folder of hashed names OpenSSL looks up the one authority that it needs. Reading the whole bundle
    # takes longer than the call to the portal.
    if folder and _has_hashed_names(folder):
        return Trust(ssl.create_default_context(capath=folder), is_whole=False)
    return Trust(ssl.create_default_context(), is_whole=True)


def _has_hashed_names(folder: str) -> bool:
    try:
        return any(name.endswith(".0") for name in os.listdir(folder))
    except OSError:
        return False


def _load_named(path: str, certificates: str, named_by: str) -> ssl.SSLContext:
    try:
        if os.path.isdir(certificates):
            return ssl.create_default_context(capath=certificates)
        if os.path.exists(certificates) and not os.path.isfile(certificates):
            # A pipe can be read only once, but each renewal of credentials needs its content again.
            return ssl.create_default_context(
                cadata=read_file(certificates, "CA file", _MAX_SIZE).decode("ascii")
            )
        return ssl.create_default_context(cafile=certificates)
    except UnicodeDecodeError as error:
        raise UsageError(f"The certificates in {path}, named by {named_by}, are not in PEM form.") from error
    except OSError as error:
        reason = error.strerror or "it holds no certificate"
        raise UsageError(
            f"The certificates in {path}, named by {named_by}, cannot be read: {reason}."
        ) from error
