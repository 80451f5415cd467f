"""The XML that AWS's query protocol answers with, read strictly."""

from typing import NoReturn
from xml.parsers import expat


def text_by_path(document: bytes) -> dict[str, str]:
    """The texts of a document by their path without namespaces, such as `ErrorResponse/Error/Code`.

    Of several texts with one path the first counts. There are none in what is no XML, nor in XML that
    declares a type: its entities could grow without bound, and AWS has no use for them.
    """
    path: list[str] = []
    found: dict[str, str] = {}
    texts: list[str] = []

    def start(name: str, _attributes: dict[str, str]) -> None:
        path.append(name.rpartition(" ")[2])
        texts.clear()

    def end(_name: str) -> None:
        text = "".join(texts).strip()
        if text:
            found.setdefault("/".join(path), text)
        texts.clear()
        path.pop()

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = texts.append
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, ValueError, LookupError):
        return {}
    return found


def _refuse_doctype(*_declared: object) -> NoReturn:
    raise ValueError("an XML document that declares a type")
