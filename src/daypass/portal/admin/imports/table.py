"""The parser of CSV tables as spreadsheets write them (any separator, Excel's `sep=`), and their batches."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from daypass.portal.admin.imports.limits import BatchLimit
from daypass.portal.errors import InvalidRequest
from daypass.portal.tenants.model import Access

COLUMNS = ("username", "role", "tenants", "read_only_tenants")

ACCESS_COLUMNS = (("tenants", Access.FULL), ("read_only_tenants", Access.READ_ONLY))
"""The columns with names of tenants, each with the access that it gives."""

BEYOND = ""
"""The key for the cells of a line that are beyond the columns of the header."""

Line = tuple[int, Mapping[str, str]]
"""A line of a table: its number, and its cells by column name."""

_SEPARATORS = ("\t", ";", ",", "|")
_SAYS_SEPARATOR = "sep="

_REASONS = {
    "unexpected end of data": "a cell begins with a quotation mark, and the closing one is missing",
    "expected after": "text follows the quotation mark that ends a cell; inside a cell, write the mark twice",
    "field larger than": "a cell is too long",
}
"""Messages of Python's csv module, with their meaning for the author of the table."""


def read_table(text: str, longest: int) -> Iterator[Line]:
    """Yield the lines of a table after its header; raises `InvalidRequest` if *text* is not a table."""
    # Excel begins a file with a byte order mark. Old spreadsheets of the Mac end lines with CR alone.
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    skipped, text, separator = _head(text)
    # Without `strict`, text after a closing quotation mark would silently become a part of the cell.
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    names: list[str] = []
    try:
        for cells in reader:
            # Lines of the file are counted and not rows, because a cell may contain line breaks, and editors
            # show the former.
            if reader.line_num > longest + 1:
                raise InvalidRequest(f"A table has at most {longest} lines after the first.")
            if not any(cell.strip() for cell in cells):
                continue
            if names:
                yield reader.line_num + skipped, _row(names, cells)
            else:
                names = _columns(cells)
    except csv.Error as error:
        raise InvalidRequest(f"Line {reader.line_num + skipped}: {_reason(error)}.") from error
    if not names:
        _columns(names)


def batches_of(table: Sequence[Line], limit: BatchLimit) -> Iterator[slice]:
    """Yield the slices of a table that are processed together.

    They depend on the table alone, so a job is cut at the same lines whenever it is resumed.
    """
    begin = changes = 0
    for end, line in enumerate(table):
        count = _change_count(line)
        if end > begin and (end - begin == limit.lines or changes + count > limit.changes):
            yield slice(begin, end)
            begin, changes = end, 0
        changes += count
    if table:
        yield slice(begin, len(table))


def _change_count(line: Line) -> int:
    """Return the largest number of changes that a line can need."""
    return 1 + sum(len(tenant_names(line[1], column)) for column, _ in ACCESS_COLUMNS)


def tenant_names(row: Mapping[str, str], column: str) -> Sequence[str]:
    """Return the names in a cell, which are separated by spaces, commas or semicolons."""
    return row.get(column, "").replace(",", " ").replace(";", " ").split()


def _head(text: str) -> tuple[int, str, str]:
    """Return the number of lines before the table, the table, and the separator of its cells."""
    table = text.lstrip("\n")
    skipped = len(text) - len(table)
    first_line, _, rest = table.partition("\n")
    if (
        first_line[: len(_SAYS_SEPARATOR)].lower() == _SAYS_SEPARATOR
        and first_line[len(_SAYS_SEPARATOR) :] in _SEPARATORS
    ):
        return skipped + 1, rest, first_line[-1]
    return skipped, table, next((sign for sign in _SEPARATORS[:2] if sign in first_line), ",")


def _columns(cells: Sequence[str]) -> list[str]:
    names = [cell.strip().lower().replace(" ", "_") for cell in cells]
    # A spreadsheet that once had more columns still writes their separators.
    while names and not names[-1]:
        names.pop()
    unknown = [name for name in names if name not in COLUMNS]
    if "username" in names and not unknown and len(set(names)) == len(names):
        return names
    hint = f" It has “{unknown[0][:40]}”." if unknown and unknown[0].isprintable() else ""
    raise InvalidRequest(
        f"The first line names the columns: {', '.join(COLUMNS)}; only the first is required.{hint}"
    )


def _row(names: Sequence[str], cells: Sequence[str]) -> Mapping[str, str]:
    row = dict(zip(names, (cell.strip() for cell in cells), strict=False))
    beyond = " ".join(cell.strip() for cell in cells[len(names) :] if cell.strip())
    return row | {BEYOND: beyond} if beyond else row


def _reason(error: csv.Error) -> str:
    message = str(error)
    return next(
        (meaning for words, meaning in _REASONS.items() if words in message), "this is not a line of a table"
    )
