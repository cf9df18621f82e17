"""Checkpoints of a training run, saved atomically by orbax."""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
import warnings
from collections.abc import Iterator

import jax
import numpy as np
import orbax.checkpoint as ocp

from jaxpaint import runtime
from jaxpaint.errors import WeightsError, reason
from jaxpaint.training import State


@contextlib.contextmanager
def manager(folder: str | os.PathLike[str], *, keep: int = 2) -> Iterator[ocp.CheckpointManager]:
    """Opens the checkpoints in a folder.

    Args:
      folder: folder of the checkpoints, created if missing.
      keep: number of the latest checkpoints that are kept.

    Yields:
      The manager of the checkpoints.
    """
    # Orbax reports every save and restore, which would clutter the terminal.
    logging.getLogger("absl").setLevel(logging.ERROR)
    options = ocp.CheckpointManagerOptions(max_to_keep=keep, enable_async_checkpointing=False)
    with ocp.CheckpointManager(pathlib.Path(folder).absolute(), options=options) as checkpoints:
        yield checkpoints


def save(checkpoints: ocp.CheckpointManager, state: State) -> None:
    """Saves a run's state under its step."""
    step = int(state.step)
    if step not in checkpoints.all_steps():
        checkpoints.save(step, args=ocp.args.StandardSave(state._asdict()))


def restore(checkpoints: ocp.CheckpointManager, like: State) -> State | None:
    """Restores the latest state that can be read, if there is any checkpoint; later ones are renamed to damaged-STEP.

    Args:
      checkpoints: manager of the checkpoints.
      like: a state of the same shapes, or the shapes alone (`training.shapes`).

    Raises:
      WeightsError: none of the checkpoints can be read.

    Warns:
      UserWarning: a later checkpoint is damaged.
    """
    # Restored as NumPy arrays: orbax commits JAX arrays to their device, for which programs would be compiled again.
    arrays = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), like._asdict())
    steps = sorted(checkpoints.all_steps(), reverse=True)
    damaged = []
    for step in steps:
        try:
            found = checkpoints.restore(step, args=ocp.args.StandardRestore(arrays))
        except MemoryError:
            raise
        except Exception as error:  # Orbax and its formats raise many kinds of exceptions for damaged files.
            damaged.append(folder := pathlib.Path(checkpoints.directory) / str(step))
            warnings.warn(f"{folder}: a damaged checkpoint: {reason(error)}", stacklevel=2)
            continue
        if damaged and runtime.is_first():
            for folder in damaged:
                folder.rename(folder.with_name(f"damaged-{folder.name}"))
            checkpoints.reload()
        return State(**jax.device_put(found))
    if steps:
        raise WeightsError(f"{checkpoints.directory}: no checkpoint can be read; move the folder away to start over")
    return None
