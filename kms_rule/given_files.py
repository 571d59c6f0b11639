"""Reads the files of settings that people give the command: in JSON, or in YAML where the file's name says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kms_rule.errors import CommandError

YAML_SUFFIXES = frozenset({".yaml", ".yml"})

type Pairs = list[tuple[str, Any]]


def content_of(file: Path, called: str) -> Any:
    """Parse a file in JSON, or in YAML by its suffix; `called` is what is in it, such as "The parameters".

    Raises `CommandError` where it cannot be read or parsed.
    """
    if file.suffix.lower() not in YAML_SUFFIXES:
        return json_in(file, called)
    # What reads YAML takes its time to load, and JSON does without it.
    from kms_rule.sources.cloudformation.text import parsed_yaml  # noqa: PLC0415
    from kms_rule.sources.contents import InputError  # noqa: PLC0415

    try:
        return parsed_yaml(_text_in(file, called))
    except InputError as error:
        raise CommandError(f"{called} in {file} cannot be read: {error}") from error


def json_in(file: Path, called: str, object_of: Callable[[Pairs], Any] = dict) -> Any:
    """Parse a file in JSON, whose objects `object_of` makes of their names and values; else like `content_of`."""
    try:
        return json.loads(_text_in(file, called), object_pairs_hook=object_of)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{called} in {file} are not JSON ({error}): correct the file.") from error


def _text_in(file: Path, called: str) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CommandError(f"{called} in {file} cannot be read ({error.strerror}): give another file.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{called} in {file} are not UTF-8 ({error}): save the file as UTF-8.") from error
