"""Lines for people: what a terminal or a text file may show of texts from outside, and where long ones go on."""

from __future__ import annotations

import json
import re
import unicodedata
from textwrap import wrap

from rich.console import Console
from rich.text import Text

# What may turn the order of what stands around it.
FROM_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
# Letters and marks that show nothing. Source: Unicode Character Database, Default_Ignorable_Code_Point, and of what is
# no letter or mark there, Python already says that it cannot be printed; U+2800 is a pattern of Braille without dots.
BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")

DEEPER = 4


def print_line(console: Console, beginning: Text, text: str) -> None:
    """Print a text after its beginning, which is never broken; both are plain already.

    On a terminal it goes on in the next line, a little deeper, where a word ends. What is longer than a line is left to
    the terminal, so that it can still be copied. In a file or a pipe it stays on one line.
    """
    if console.is_terminal:
        first = beginning.plain + text
        lines = wrap(
            text,
            console.width,
            initial_indent=beginning.plain,
            subsequent_indent=" " * (len(first) - len(first.lstrip()) + DEEPER),
            break_long_words=False,
            break_on_hyphens=False,
        )
        text = "\n".join(lines).removeprefix(beginning.plain)
    console.print(beginning.append(text), soft_wrap=True)


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
