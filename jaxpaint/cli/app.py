"""Shared by all commands: running a command, and reporting its errors."""

from __future__ import annotations

import codecs
import contextlib
import gc
import io
import logging
import os
import pathlib
import re
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
from absl import flags

from jaxpaint import runtime
from jaxpaint.cli.launch import INTERRUPTED, SIGNALS
from jaxpaint.errors import JaxpaintError

_log = logging.getLogger(__name__)
# New objects between two garbage collections. Imports and JAX's tracing make objects that stay alive; scanning them
# again and again takes up to a third of the tracing.
_GARBAGE = 50_000
# Seconds after which a lost Ctrl-C is repeated.
_REPEATED = 0.05
# Characters of a message; some quote what was given.
_LONGEST_LINE = 2000


class Refused(JaxpaintError):
    """The user's request cannot be carried out."""


class Interrupted(Exception):
    """Ctrl-C, or a signal to end, after the results so far were saved; one line says how to resume."""


def run(command: Callable[[list[str]], int], argv: Sequence[str] | None, *, usage: str = "") -> int:
    """Runs a command, and turns errors into one line and an exit status.

    Args:
      command: function `argv -> status`.
      argv: the program's name and its arguments; None for those of the process.
      usage: text of `--help`. Without arguments, the command prints the second and third paragraphs: a summary and
        examples. Empty for a command that needs no arguments.

    Returns:
      The exit status: the command's own, 1 for bad input, 130 for Ctrl-C and for a signal to end.
    """
    for stream in (sys.stdout, sys.stderr):
        # Names of files need not be text, and terminals need not know every character.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape" if _takes_names(stream) else "backslashreplace")
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    try:
        with _interruptible(), _logged(), warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: _warn(str(message))
            words = list(sys.argv if argv is None else argv)
            if usage and len(words) == 1:
                program = program_of(words)
                short = "\n\n".join(usage.split("\n\n")[1:3]).format(program=program)
                print(f"{short}\n\n{program} --help lists all options.", file=sys.stderr)
                return 1
            status = command(words)
            sys.stdout.flush()
            return status
    except (KeyboardInterrupt, Interrupted) as error:
        complain(str(error) or "interrupted")
        return INTERRUPTED
    except JaxpaintError as error:
        complain(error)
    except BrokenPipeError:
        # The reader has closed the pipe, as `head` does. Python flushes once more at exit, and would complain.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        complain(f"{error.filename}: {error.strerror}" if error.filename else error)
    return 1


def program_of(argv: Sequence[str]) -> str:
    """The program's name, as the user can type it."""
    return pathlib.Path(argv[0]).name if os.path.isabs(argv[0]) else argv[0]


def _takes_names(stream: io.TextIOWrapper) -> bool:
    """Whether a program reads the stream, so that file names are written as raw bytes."""
    same = codecs.lookup(stream.encoding) == codecs.lookup(sys.getfilesystemencoding())
    return stream is sys.stdout and same and not stream.isatty()


def _warn(message: str) -> None:
    """Prints a warning.

    JAX warns of each compiled program on disk that is damaged. They are removed instead, which is reported once. It
    also warns if it can't write one, or if another process has the folder locked: then the program is compiled.
    """
    if "persistent compilation cache entry" not in message:
        complain(message)
    elif "Error reading" in message and "Timeout" not in message and runtime.forget_compilations():
        complain("compiled programs on disk were damaged; they are compiled again")


@contextlib.contextmanager
def interrupted_by(handler: Callable[..., Any]) -> Iterator[None]:
    """Has a function hear `SIGNALS`.

    A signal that the process was told to ignore, as by nohup, stays ignored.

    Args:
      handler: a signal handler.
    """
    usual = {}
    # Only the main thread may set handlers.
    if threading.current_thread() is threading.main_thread():
        usual = {number: signal.getsignal(number) for number in SIGNALS}
        usual = {number: earlier for number, earlier in usual.items() if earlier not in (signal.SIG_IGN, None)}
    for number in usual:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, earlier in usual.items():
            signal.signal(number, earlier)


@contextlib.contextmanager
def until_interrupted(what: str) -> Iterator[Callable[[], bool]]:
    """Delays Ctrl-C, and signals to end, until the end of some work; a second one acts at once.

    Args:
      what: the work that is finished first, such as "this frame".

    Yields:
      A function that tells whether Ctrl-C was pressed.
    """
    heard = False

    def hear(*_: Any) -> None:
        nonlocal heard
        if heard:
            raise KeyboardInterrupt
        heard = True
        complain(f"stopping after {what}; Ctrl-C again stops at once")

    with interrupted_by(hear):
        yield lambda: heard


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Has `SIGNALS` raise KeyboardInterrupt.

    Python drops an exception that is raised in a callback at garbage collection, of which JAX has one. The signal is
    then repeated.
    """
    usual, heard = sys.unraisablehook, [signal.SIGINT]
    timers: list[threading.Timer] = []

    def hear(number: int, _: Any) -> None:
        heard.append(signal.Signals(number))
        raise KeyboardInterrupt

    def repeat() -> None:
        # To the main thread, which it wakes if it waits.
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(threading.main_thread().ident or 0, heard[-1])
        else:
            signal.raise_signal(heard[-1])

    def hook(lost: Any) -> None:
        if isinstance(lost.exc_value, KeyboardInterrupt):
            timers.append(threading.Timer(_REPEATED, repeat))
            timers[-1].start()
        # When one of orbax's reads fails, others are still under way, and have nobody to tell.
        elif "Event loop is closed" not in str(lost.exc_value):
            usual(lost)

    sys.unraisablehook = hook
    try:
        with interrupted_by(hear):
            yield
    finally:
        sys.unraisablehook = usual
        for timer in timers:
            timer.cancel()


class _Lines(logging.Handler):
    """Prints records as lines on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        complain(record.getMessage())


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    """Has what the package logs printed, from `say_more` on."""
    log, lines = logging.getLogger("jaxpaint"), _Lines()
    log.addHandler(lines)
    try:
        yield
    finally:
        log.removeHandler(lines)
        log.setLevel(logging.NOTSET)


def say_more() -> None:
    """Has a command print what the package logs about its work, not only warnings."""
    logging.getLogger("jaxpaint").setLevel(logging.INFO)


def complain(message: object) -> None:
    """Prints one line on standard error, shortened if it is endless."""
    line = " ".join(str(message).split())
    if len(line) > _LONGEST_LINE:
        line = f"{line[: _LONGEST_LINE // 2]} … {line[-_LONGEST_LINE // 2 :]}"
    # The terminal may be gone, which must not stop what is being saved.
    with contextlib.suppress(OSError, RuntimeError):
        print("jaxpaint:", line, file=sys.stderr, flush=True)


def start(values: flags.FlagValues, *, divided: bool = True) -> None:
    """Prepares JAX for a command. Call this function before JAX computes anything.

    Args:
      values: the flags, including those for several processes, if the command has them.
      divided: whether each core of a CPU is a device of its own.

    Raises:
      Refused: flags are missing, the processes cannot reach each other, or there is no device of the wanted kind.
    """
    # Everything here is made for floats of 32 bits, whatever a profile or notebook asks for.
    jax.config.update("jax_enable_x64", False)
    if divided:
        runtime.use_all_cores()
    runtime.keep_compilations()
    if values.quiet:
        _silence()
    if "coordinator" in values:
        _join(values.coordinator, values.num_processes, values.process_id)
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0] or "there is no such device here"
        raise Refused(f"JAX_PLATFORMS={os.environ.get('JAX_PLATFORMS', '')}: {reason}") from None
    _log.info("%s", runtime.described())


def _join(coordinator: str | None, processes: int | None, number: int | None) -> None:
    """Joins several processes; only the first one prints."""
    if coordinator is None:
        if (processes, number) != (None, None):
            raise Refused("--num_processes and --process_id: expected only with a --coordinator")
        return
    if coordinator != "auto" and (processes is None or number is None or number >= processes):
        raise Refused("--coordinator: expected --num_processes, and a --process_id below it; or --coordinator=auto")
    # JAX ends the process without a word if a port is no number.
    if not re.fullmatch(r"auto|.+:\d{1,5}", coordinator):
        raise Refused(f"--coordinator={coordinator}: expected HOST:PORT, or auto")
    try:
        runtime.join(coordinator, processes, number)
    except (ValueError, RuntimeError) as error:
        raise Refused(f"--coordinator={coordinator}: {error}") from None
    if not runtime.is_first():
        _silence()


def _silence() -> None:
    """Discards later output on standard output."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
