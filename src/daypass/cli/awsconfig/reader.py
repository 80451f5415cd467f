"""Parsing of AWS's configuration files as botocore does it, with errors that name the line.

botocore reads with `configparser.RawConfigParser` in the encoding of the locale, which is UTF-8 on the
supported systems. It parses indented values as nested settings, and headers with `shlex`.
"""

import configparser
import io
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from daypass.cli.awsconfig import file
from daypass.cli.awsconfig.paths import USUAL_CREDENTIALS, credentials_path
from daypass.cli.runtime.errors import Misconfigured

Settings = Mapping[str, str | Mapping[str, str]]

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_MANY_NULS = 3


class UnreadableFile(Misconfigured):
    """An error for a file that the AWS tools cannot read: the line (0 for the whole file) and the remedy."""

    def __init__(self, path: Path, line: int, reason: str, remedy: str) -> None:
        where = f"{path}, line {line}" if line else str(path)
        self.finding = f"{where}: {reason}. The AWS tools cannot read the file."
        super().__init__(f"{self.finding} {remedy}")
        self.remedy = remedy


@dataclass(frozen=True)
class AwsFile:
    """A parsed file: its sections in order, each with its settings."""

    path: Path
    sections: Mapping[str, Settings]

    @cached_property
    def profiles(self) -> Mapping[str, Settings]:
        """The profiles of a config file; if two sections name the same profile, the later one counts."""
        named = {profile_of(header): settings for header, settings in self.sections.items()}
        return {name: settings for name, settings in named.items() if name is not None}


def profile_of(header: str) -> str | None:
    """Return the name of the profile that AWS tools see in a section of the config file, or None."""
    if header == "default":
        return header
    # As in botocore, any header with this prefix counts: `[profiles x]` is the profile x too.
    if not header.startswith("profile"):
        return None
    try:
        words = shlex.split(header)
    except ValueError:
        return None
    return words[1] if len(words) == 2 else None


def load(path: Path) -> AwsFile:
    """Read and parse the file; a missing one is empty. Raises `UnreadableFile` or `Misconfigured`."""
    return parse(file.read(path), path)


def load_credentials(environment: Mapping[str, str]) -> AwsFile:
    """Read and parse the shared credentials file; without a home directory, it is empty."""
    try:
        path = credentials_path(environment)
    except Misconfigured:
        return AwsFile(Path(USUAL_CREDENTIALS), {})
    return load(path)


def parse(content: bytes, path: Path) -> AwsFile:
    """Parse the content of the file at *path*; raises `UnreadableFile`."""
    text = _decode(content, path)
    parser = configparser.RawConfigParser()
    try:
        parser.read_file(io.StringIO(text, newline=None))
    except configparser.Error as error:
        raise _parse_error(error, path) from error
    sections = {
        header: {option: _value(parser.get(header, option)) for option in parser.options(header)}
        for header in parser.sections()
    }
    for header, settings in sections.items():
        for option, value in settings.items():
            if value is None:
                line = _line_of(text, header, option)
                reason = f"the indented lines below {option} are not all of the form key = value"
                raise UnreadableFile(path, line, reason, "Correct or remove the line that is not.")
    return AwsFile(path, sections)  # type: ignore[arg-type]  # None was refused above


def _decode(content: bytes, path: Path) -> str:
    if content.startswith(_UTF16_MARKS):
        return _refuse_encoding(path, 0, "it is encoded in UTF-16", "UTF-16")
    nul = content.find(b"\0")
    if nul >= 0:
        line = content.count(b"\n", 0, nul) + 1
        if content.count(b"\0") > _MANY_NULS:
            return _refuse_encoding(path, line, "it holds NUL bytes, as text in UTF-16 does", "UTF-16LE")
        raise UnreadableFile(path, line, "it holds a NUL byte", "Remove it.")
    if content.startswith(_UTF8_MARK):
        remedy = f"Save it as UTF-8 without a mark: sed -i '1s/^\\xEF\\xBB\\xBF//' {shlex.quote(str(path))}"
        raise UnreadableFile(path, 1, "it begins with a byte order mark (BOM)", remedy)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _refuse_encoding(path, line, "it is not encoded in UTF-8", "LATIN1")


def _refuse_encoding(path: Path, line: int, reason: str, encoding: str) -> str:
    old, new = shlex.quote(str(path)), shlex.quote(f"{path}.new")
    command = f"iconv -f {encoding} -t UTF-8 {old} > {new} && mv {new} {old}"
    raise UnreadableFile(path, line, reason, f"Convert it: {command}")


def _parse_error(error: configparser.Error, path: Path) -> UnreadableFile:
    # MissingSectionHeaderError is a subclass of ParsingError, so it is tested first.
    if isinstance(error, configparser.MissingSectionHeaderError):
        remedy = "Put a header such as [default] or [profile NAME] before it."
        return UnreadableFile(path, error.lineno, "a setting comes before the first header", remedy)
    if isinstance(error, configparser.DuplicateSectionError):
        reason = f"the section [{error.section}] occurs twice"
        return UnreadableFile(path, error.lineno or 0, reason, "Join the two sections.")
    if isinstance(error, configparser.DuplicateOptionError):
        reason = f"{error.option} is set twice in [{error.section}]"
        return UnreadableFile(path, error.lineno or 0, reason, "Remove one of the two lines.")
    line = error.errors[0][0] if isinstance(error, configparser.ParsingError) else 0
    return UnreadableFile(path, line, "it is not of the form key = value", "Correct or remove the line.")


def _value(text: str) -> str | Mapping[str, str] | None:
    """Return a setting's value: a mapping for indented lines, or None if those are not key = value."""
    if not text.startswith("\n"):
        return text
    nested = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        key, equals, value = line.partition("=")
        if not equals:
            return None
        nested[key.strip()] = value.strip()
    return nested


def _line_of(text: str, header: str, option: str) -> int:
    """Return the number of the line that sets *option*, which is in that section or in [DEFAULT]."""
    is_inside, last = False, 0
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        match = re.match(r"\[(.+)\]", line.strip())
        if match:
            is_inside = match[1] in (header, configparser.DEFAULTSECT)
        elif is_inside and re.match(rf"{re.escape(option)}\s*[=:]", line.strip(), re.IGNORECASE):
            last = number
    return last
