"""The connections of a client, which close when they are told to and carry nothing that comes too late.

boto3 has settings for neither. A closed client of botocore drops its connections, and leaves their sockets to the
garbage collector; and a request that is checked before it is sent may still have to wait for its connection. Where a
later botocore makes its connections in another way, it does as it is, without this.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial, reduce
from typing import Any

# The way from a client to what makes its pools of connections, by scheme; those by way of a proxy too.
POOL_CLASSES = ("_endpoint", "http_session", "_pool_classes_by_scheme")


class Connections:
    """The connections of a client; no request goes out on a new one for which `before_send` raises."""

    def __init__(self, client: Any, before_send: Callable[[], object]) -> None:
        """Watch what is made from now on; with the watch of an earlier use, no more."""
        self._client = client
        self._before_send = before_send
        self._pools: list[Any] = []
        makers: Any = reduce(lambda found, name: getattr(found, name, {}), POOL_CLASSES, client)
        for scheme, maker in makers.items():
            makers[scheme] = partial(self._pool, maker.args[0] if isinstance(maker, partial) else maker)

    def close(self) -> None:
        """Close the connections that no call is using now, and each other once its call has ended."""
        for pool in self._pools:
            pool.close()
        self._client.close()

    def _pool(self, pool_class: Any, *arguments: Any, **settings: Any) -> Any:
        pool = pool_class(*arguments, **settings)
        pool.ConnectionCls = partial(_checked(pool.ConnectionCls), self._before_send)
        self._pools.append(pool)
        return pool


@cache
def _checked(connection_class: Any) -> Any:
    """Return the class of connections that ask whether to send once they are made, which may take seconds."""

    class Checked(connection_class):  # type: ignore[misc]  # which it is, is botocore's matter
        def __init__(self, before_send: Callable[[], object], *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            self.before_send = before_send

        def connect(self) -> None:
            super().connect()
            self.before_send()

    return Checked
