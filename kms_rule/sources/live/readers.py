"""Threads that read keys, and that never hold up the end of the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

type Job = tuple[Future[Any], Callable[[], object]]


class Readers(Executor):
    """Runs jobs in as many threads as it is told to.

    Python waits for the threads of a `ThreadPoolExecutor` before it ends, so that one call which hangs would keep
    people for minutes after they interrupted; it does not wait for these.
    """

    def __init__(self, threads: int) -> None:
        """Start the threads."""
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads = threads
        for _ in range(threads):
            threading.Thread(target=self._work, name="reader", daemon=True).start()

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a thread call `fn`."""
        future: Future[T] = Future()
        self._jobs.put((future, partial(fn, *args, **kwargs)))
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Let each thread end with the job that it is at, or with `cancel_futures` unset, when there is none left.

        It is never waited for, whatever `wait` says.
        """
        if cancel_futures:
            self._cancel()
        for _ in range(self._threads):
            self._jobs.put(None)

    def _cancel(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return
            if job:
                job[0].cancel()

    def _work(self) -> None:
        while job := self._jobs.get():
            future, call = job
            if future.set_running_or_notify_cancel():
                _settle(future, call)


def _settle(future: Future[Any], call: Callable[[], object]) -> None:
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - raised where the result is taken
        future.set_exception(error)
    else:
        future.set_result(result)
