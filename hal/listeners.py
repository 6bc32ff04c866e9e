"""Who wants to be told of a key, a press or a change: the listening half of keypads, buttons and contacts."""

import logging
from collections.abc import Callable
from typing import Generic, ParamSpec

log = logging.getLogger(__name__)

P = ParamSpec("P")


class Listeners(Generic[P]):
    """Callbacks, told one after the other on the thread that noticed; forgotten by `close`."""

    def __init__(self) -> None:
        self._callbacks: tuple[Callable[P, object], ...] = ()
        self._closed = False

    def add(self, callback: Callable[P, object]) -> None:
        """Tell `callback` from now on; after `close` nobody is told any more."""
        if not self._closed:
            self._callbacks += (callback,)

    def tell(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call every listener. One that raises is logged: its mistake must not end the thread that watches."""
        for callback in self._callbacks:
            try:
                callback(*args, **kwargs)
            except Exception:
                log.exception("A listener of a device failed.")

    def close(self) -> None:
        """Forget all; twice does no harm."""
        self._closed = True
        self._callbacks = ()
