"""Starts the commands: Ctrl-C is heard at once, while all that a command needs is still being imported."""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.metadata
import itertools
import os
import signal
import sys
from typing import Any

from jaxpaint import __version__

INTERRUPTED = 130
# Ctrl-C, and the signals by which systems, schedulers and closed terminals end a process; not all systems have all.
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def _launch(command: str) -> int:
    """Imports a command, which takes the better part of a second, and runs it.

    Args:
      command: name of its module.

    Returns:
      The exit status.
    """
    for number in SIGNALS:
        # A signal that the process was told to ignore, as by nohup, stays ignored.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _end)
    if "--version" in itertools.takewhile(lambda word: word != "--", sys.argv[1:]):
        print(f"jaxpaint {__version__} (JAX {importlib.metadata.version('jax')})")
        return 0
    main = importlib.import_module(f"jaxpaint.cli.{command}").main
    status = int(main())
    if status == INTERRUPTED:
        # XLA's threads may still be compiling, and crash while Python is taken down. All is saved, so it need not be.
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(status)
    for number in SIGNALS:
        if signal.getsignal(number) == _end:
            signal.signal(number, signal.SIG_DFL)
    return status


def _end(*_: Any) -> None:
    """Ends the process without a traceback, before anything has been begun."""
    os.write(2, b"jaxpaint: interrupted\n")
    os._exit(INTERRUPTED)


convert = functools.partial(_launch, "convert_weights")
draw = functools.partial(_launch, "draw")
export = functools.partial(_launch, "export")
paint = functools.partial(_launch, "paint")
stylize = functools.partial(_launch, "stylize")
train = functools.partial(_launch, "train_renderer")
video = functools.partial(_launch, "paint_video")
