"""Listing and removal of all cached answers of this user."""

import os
from contextlib import suppress

from daypass.cli.cache import files
from daypass.cli.cache.credentials import Credentials, Metadata
from daypass.cli.cache.files import UnsafeCacheFile
from daypass.cli.cache.tenant_names import SetNames, TenantNames
from daypass.cli.cache.workload_token import WorkloadToken
from daypass.cli.runtime.deadline import print_message
from daypass.cli.runtime.errors import Misconfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_REMOVED_SUFFIXES = (
    Credentials.SUFFIX,
    TenantNames.SUFFIX,
    SetNames.SUFFIX,
    WorkloadToken.SUFFIX,
    files.UNFINISHED_SUFFIX,
)


def cached_credentials(environment: "Mapping[str, str]") -> list[Credentials]:
    """Return all cached credentials that may be used; none if the cache folder must not be used."""
    try:
        directory = files.open_private_folder(files.folder(environment))
    except (UnsafeCacheFile, OSError):
        return []
    cached = []
    with directory:
        for key in files.keys_in(directory, Credentials):
            with suppress(ValueError):
                cached.append(files.read(directory, key, Credentials))
    return [credentials for credentials in cached if credentials is not None]


def discard(environment: "Mapping[str, str]", is_unwanted: "Callable[[Metadata], bool]") -> list[str]:
    """Remove cached credentials whose metadata satisfies *is_unwanted*; return what they were for.

    Nothing is removed if the cache folder must not be used.
    """
    removed = []
    with (
        suppress(UnsafeCacheFile, OSError),
        files.open_private_folder(files.folder(environment)) as directory,
    ):
        for key in files.keys_in(directory, Credentials):
            # A file that another process removed, or that cannot be removed, must not stop the loop.
            with suppress(ValueError, OSError):
                credentials = files.read(directory, key, Credentials)
                if credentials is not None and is_unwanted(metadata := credentials.metadata()):
                    os.unlink(key + Credentials.SUFFIX, dir_fd=directory.descriptor)
                    removed.append(metadata.what)
    return removed


def discard_other_access(
    environment: "Mapping[str, str]", origin: str, sets: "Mapping[str, str]", user: str = ""
) -> None:
    """Remove cached credentials of the portal at *origin* whose permission set is out of date.

    *sets* maps the id of each tenant to the caller's current permission set, or to the access for a portal
    that does not name sets; the names of the built-in sets are the same. Credentials for a requested set stay
    while the caller has that set or full access, which includes every set. If *user* is given, only
    credentials of the user with this id are removed. Each removal is reported on stderr.
    """

    def is_outdated(cached: Metadata) -> bool:
        is_theirs = cached.portal == origin and (not user or cached.user == user)
        now = None if cached.tenant is None else sets.get(cached.tenant)
        if not is_theirs or now is None:
            return False
        if cached.requested_set:
            return now not in ("full", cached.requested_set)
        # Credentials cached by an earlier version have no permission set, or not even an access.
        return (cached.permission_set or cached.access) not in (None, now)

    for what in discard(environment, is_outdated):
        print_message(
            f"Your access to {what.removeprefix('tenant ')} has changed: its cached keys were removed."
        )


def clear(environment: "Mapping[str, str]", origin: str = "") -> int:
    """Remove all cached answers, or those of the portal at *origin*; return the number of credentials.

    Raises `Misconfigured` if the cache folder must not be used.
    """
    try:
        path = files.folder(environment)
    except UnsafeCacheFile:
        # Without a home directory there is no cache.
        return 0
    try:
        directory = files.open_private_folder(path)
    except FileNotFoundError:
        return 0
    except (UnsafeCacheFile, OSError) as error:
        raise Misconfigured(f"The cache {path} was not cleared: {error}.") from error
    with directory:
        # Lock files stay: after removing one, the next process would lock a new file while the old is held.
        cached = [name for name in os.listdir(directory.descriptor) if name.endswith(_REMOVED_SUFFIXES)]
        if origin:
            cached = [name for name in cached if _portal_of(directory, name) == origin]
        removed = 0
        for name in cached:
            # Another process may have removed it meanwhile.
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=directory.descriptor)
                removed += name.endswith(Credentials.SUFFIX)
        return removed


def _portal_of(directory: files.Directory, name: str) -> str:
    """Return the portal that a cached answer is from; "" if it cannot be determined."""
    try:
        file = files.read_file(directory, name)
        if file is None:
            return ""
        if name.endswith((TenantNames.SUFFIX, SetNames.SUFFIX)):
            return TenantNames.from_file(file).portal
        if name.endswith(WorkloadToken.SUFFIX):
            token = WorkloadToken.from_file(file)
            return "" if token is None else token.portal
        # An unfinished file of tenant names is no JSON here, so it stays until all files are removed.
        return Credentials.from_file(file).metadata().portal
    except ValueError:
        return ""
