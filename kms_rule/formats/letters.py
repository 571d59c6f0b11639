"""Texts from outside as a terminal or a text file may show them."""

from __future__ import annotations

import json
import re
import unicodedata

# What may turn the order of what stands around it.
FROM_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
# Letters and marks that show nothing. Source: Unicode Character Database, Default_Ignorable_Code_Point, and of what is
# no letter or mark there, Python already says that it cannot be printed; U+2800 is a pattern of Braille without dots.
BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


def visible(text: str, encoding: str) -> str:
    r"""Return a text on one line that shows all that is in it, in the letters that the encoding has.

    Control characters, marks and letters that turn the order of others, what is blank and what the encoding lacks are
    written as in JSON, such as `\u202e`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if _is_plain(each, encoding) else json.dumps(each)[1:-1] for each in text)


def _is_plain(character: str, encoding: str) -> bool:
    if not character.isprintable() or BLANK.match(character):
        return False
    if unicodedata.bidirectional(character) in FROM_RIGHT_TO_LEFT:
        return False
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
