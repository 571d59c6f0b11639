"""Lists that are handed out in pages: a token leads from each to the next."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from moto.core.exceptions import JsonRESTError

from dev.emulator.calls import Call

PAGE_PARAMETERS = frozenset({"Limit", "Marker", "NextToken"})


class PageSize(NamedTuple):
    """How many items a page has where the request does not say, and how many it may ask for."""

    default: int
    largest: int


@dataclass(frozen=True, slots=True)
class _Bookmark:
    listing: str
    items: Sequence[Mapping[str, Any]]
    start: int


class Page(NamedTuple):
    """Some items of a list, and the token of the next page, or `None` after the last."""

    items: Sequence[Mapping[str, Any]]
    token: str | None


@dataclass(eq=False, slots=True)
class Pages:
    """The pages that were handed out, each of which has a token to the next."""

    _bookmarks: dict[str, _Bookmark] = field(default_factory=dict, init=False)

    def clear(self) -> None:
        """Forget every token."""
        self._bookmarks.clear()

    def page(
        self,
        call: Call,
        *,
        token: str | None,
        size: int,
        listing: Callable[[], Sequence[Mapping[str, Any]]],
        refusal: JsonRESTError,
    ) -> Page:
        """Return the first `size` items of `listing`, or without asking it those that `token` leads to.

        A list stays as it was when its first page was asked for. A token leads on only in a request that asks for the
        same list; the size of the page may change.
        """
        name = _listing_name(call)
        bookmark = _Bookmark(name, listing(), 0) if token is None else self._bookmarks.get(token)
        if bookmark is None or bookmark.listing != name:
            raise refusal
        end = bookmark.start + size
        items = bookmark.items[bookmark.start : end]
        if end >= len(bookmark.items):
            return Page(items, None)
        next_token = secrets.token_urlsafe()
        self._bookmarks[next_token] = _Bookmark(name, bookmark.items, end)
        return Page(items, next_token)


def _listing_name(call: Call) -> str:
    question = {name: call.parameters[name] for name in call.parameters.keys() - PAGE_PARAMETERS}
    return f"{call.place} {call} {json.dumps(question, sort_keys=True)}"
