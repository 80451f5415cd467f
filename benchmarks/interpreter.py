"""The Python interpreter of a measurement, and whether its build is optimised."""

import platform
import sys
import sysconfig
from collections.abc import Mapping

_FLAGS = ("CONFIG_ARGS", "CFLAGS", "PY_CFLAGS", "PY_CORE_CFLAGS", "PY_CFLAGS_NODIST", "LDFLAGS", "PY_LDFLAGS")
_DISTRIBUTION_PREFIX = "/usr"


def is_optimised(variables: Mapping[str, object], prefix: str = "/opt") -> bool | None:
    """Return whether a build used profile-guided optimisation (PGO), from its `sysconfig` variables.

    None stands for an interpreter of a Linux distribution that does not say so: Debian's build uses PGO
    without `--enable-optimizations`.
    """
    flags = _flags_of(variables)
    if "--enable-optimizations" in flags or "-fprofile-use" in flags:
        return True
    return None if prefix == _DISTRIBUTION_PREFIX else False


def describe(variables: Mapping[str, object], prefix: str = "/opt") -> str:
    """Return the name and the kind of build of an interpreter with these `sysconfig` variables."""
    name = f"{platform.python_implementation()} {platform.python_version()}"
    optimised = is_optimised(variables, prefix)
    if optimised is None:
        return f"{name} of the distribution, which does not say whether its build is optimised (PGO)"
    flags = _flags_of(variables)
    lto = "LTO" if "--with-lto" in flags or "-flto" in flags else "no LTO"
    return f"{name}, {'an optimised build: PGO' if optimised else 'a build without PGO'}, {lto}"


def describe_this() -> str:
    """Return the name and the kind of build of this interpreter."""
    return describe(sysconfig.get_config_vars(), sys.base_prefix)


def is_this_optimised() -> bool | None:
    """Return whether the build of this interpreter used PGO; None if that is unknown."""
    return is_optimised(sysconfig.get_config_vars(), sys.base_prefix)


def _flags_of(variables: Mapping[str, object]) -> str:
    return " ".join(str(variables.get(name) or "") for name in _FLAGS)
