"""A strict parser of the XML responses of AWS's query protocol."""

from typing import NoReturn
from xml.parsers import expat


def text_by_path(document: bytes) -> dict[str, str]:
    """Return the texts of a document by their path without namespaces, such as `ErrorResponse/Error/Code`.

    The first of several texts at one path counts. The result is empty for malformed XML, and for XML with a
    document type: its entities could expand without bound (“billion laughs”), and AWS sends none.
    """
    path: list[str] = []
    result: dict[str, str] = {}
    texts: list[str] = []

    def start(name: str, _attributes: dict[str, str]) -> None:
        path.append(name.rpartition(" ")[2])
        texts.clear()

    def end(_name: str) -> None:
        text = "".join(texts).strip()
        if text:
            result.setdefault("/".join(path), text)
        texts.clear()
        path.pop()

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
