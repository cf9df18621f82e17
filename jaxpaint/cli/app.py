"""Shared by all commands: running a command, and reporting its errors."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Callable, Sequence

from absl import flags

from jaxpaint import runtime
from jaxpaint.errors import JaxpaintError

INTERRUPTED = 130
# New objects between two garbage collections. Imports and JAX's tracing make objects that stay alive; scanning them
# again and again takes up to a third of the tracing.
_GARBAGE = 50_000


class Refused(JaxpaintError):
    """The user's request cannot be carried out."""


class Interrupted(Exception):
    """Ctrl-C, after the results so far were saved; the message is one line that says how to resume."""


def run(command: Callable[[list[str]], int], argv: Sequence[str] | None) -> int:
    """Runs a command, and turns errors into one line and an exit status.

    Args:
      command: function `argv -> status`.
      argv: the program's name and its arguments; None for those of the process.

    Returns:
      The exit status: the command's own, 1 for bad input, 130 for Ctrl-C.
    """
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: complain(message)
            return command(list(sys.argv if argv is None else argv))
    except (KeyboardInterrupt, Interrupted) as error:
        complain(str(error) or "interrupted")
        return INTERRUPTED
    except JaxpaintError as error:
        complain(error)
    except OSError as error:
        complain(f"{error.filename}: {error.strerror}" if error.filename else error)
    return 1


def complain(message: object) -> None:
    """Prints one line on standard error."""
    print("jaxpaint:", " ".join(str(message).split()), file=sys.stderr, flush=True)


def start(values: flags.FlagValues, *, divided: bool = True) -> None:
    """Prepares JAX for a command. Call this function before JAX computes anything.

    Args:
      values: the flags, including those for several processes.
      divided: whether each core of a CPU is a device of its own.

    Raises:
      Refused: flags are missing, or the processes cannot reach each other.
    """
    if divided:
        runtime.use_all_cores()
    runtime.keep_compilations()
    numbers = values.num_processes, values.process_id
    if values.coordinator is None:
        if numbers != (None, None):
            raise Refused("--num_processes and --process_id: expected only with a --coordinator")
        return
    if values.coordinator != "auto" and (None in numbers or numbers[1] >= numbers[0]):
        raise Refused("--coordinator: expected --num_processes, and a --process_id below it; or --coordinator=auto")
    try:
        runtime.join(values.coordinator, *numbers)
    except (ValueError, RuntimeError) as error:
        raise Refused(f"--coordinator={values.coordinator}: {error}") from None
    if not runtime.is_first():
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
