"""Commands to install Daypass, and the name of its package."""

PUBLIC_NAME: str | None = None
"""Name of the package on the Python Package Index; None until a release has been published there.

Until then no text may tell a user to install this name from the index: the command would fail, or install a
package that a stranger registered under it. Setting this constant switches every instruction.
"""


def release_file(version: str) -> str:
    """Return the file name of the version's wheel in a release."""
    return f"daypass-{version}-py3-none-any.whl"


def install_target(version: str, extra: str = "", public_name: str | None = PUBLIC_NAME) -> str:
    """Return the argument of `pip install`, quoted for a shell: the public name or the wheel."""
    return _with_extra(public_name or f"./{release_file(version)}", extra)


def install_advice(version: str, extra: str = "", public_name: str | None = PUBLIC_NAME) -> str:
    """Return the `pip install` commands that work today, as one sentence."""
    target = install_target(version, extra, public_name)
    if public_name is not None:
        return f"pip install {target}"
    return f"in a clone, pip install {_with_extra('.', extra)}; from a release file, pip install {target}"


def _with_extra(target: str, extra: str) -> str:
    return f"'{target}[{extra}]'" if extra else target
