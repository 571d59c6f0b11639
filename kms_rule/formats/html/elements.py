"""Elements of an HTML page, built so that text from outside stays text.

The standard library's serialiser escapes what must be escaped; nothing is parsed here. What remains is text that is not
seen, or that makes other text seem to stand elsewhere: it is spelt out.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

# Within these elements line breaks and tabs are seen, or are the code's own.
LAID_OUT = frozenset({"mark", "pre", "script", "style"})
NOT_PLAIN = re.compile(r"[^ -~]")
NOT_PLAIN_OR_LAYOUT = re.compile(r"[^ -~\n\t]")

type Element = ET.Element[str]
type Content = str | Element


def element(tag: str, /, *content: Content, **attributes: str) -> Element:
    """Make an element with this text and these elements in it, in their order.

    In the names of attributes `_` stands for `-`, and one at the end is left out: `class_`, `aria_sort`.
    """
    made = ET.Element(tag)
    for attribute, value in attributes.items():
        made.set(attribute.rstrip("_").replace("_", "-"), visible(value))
    for part in content:
        _append(made, part)
    return made


def _append(parent: Element, part: Content) -> None:
    if not isinstance(part, str):
        parent.append(part)
        return
    text = visible(part, laid_out=parent.tag in LAID_OUT)
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def visible(text: str, *, laid_out: bool = False) -> str:
    r"""Return `text` with each character that cannot be seen, or that only arranges others, written as in JSON.

    Such are control characters, marks of direction, lone surrogates and every space but the usual one: `\u202e`. Line
    breaks and tabs stay if the text is `laid_out`.
    """
    return (NOT_PLAIN_OR_LAYOUT if laid_out else NOT_PLAIN).sub(_spelt_out, text)


def _spelt_out(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def document(root: Element) -> str:
    """Return the page whose `html` element this is."""
    return f"<!doctype html>\n{ET.tostring(root, encoding='unicode', method='html')}\n"
