"""A strict parser of the XML responses of AWS's query protocol."""

from typing import NoReturn
from xml.parsers import expat


def text_by_path(document: bytes) -> dict[str, str]:
    """Return the texts of a document by their path without namespaces, such as `ErrorResponse/Error/Code`.

    The elements `member` of a list are numbered: `Tags/member.1/Key`. Of other texts at one path the first
    counts. The result is empty for malformed XML, and for XML with a document type: its entities could expand
    without bound (“billion laughs”), and AWS sends none.
    """
    path: list[str] = []
    members = [0]
    result: dict[str, str] = {}
    texts: list[str] = []

    def start(name: str, _attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if local == "member":
            members[-1] += 1
            local = f"member.{members[-1]}"
        path.append(local)
        members.append(0)
        texts.clear()

    def end(_name: str) -> None:
        text = "".join(texts).strip()
        if text:
            result.setdefault("/".join(path), text)
        texts.clear()
        path.pop()
        members.pop()

    # A separator makes expat resolve namespaces; a space occurs in no name.
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = texts.append
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(document, True)
    # expat raises LookupError for an unknown encoding, and ValueError for a multi-byte one.
    except (expat.ExpatError, ValueError, LookupError):
        return {}
    return result


def _refuse_doctype(*_declared: object) -> NoReturn:
    raise ValueError("an XML document that declares a type")
