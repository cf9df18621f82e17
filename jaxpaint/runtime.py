"""The machine: its devices, a lasting compilation cache, time spent compiling, and what ran where."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import pathlib
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

_Tree = TypeVar("_Tree")

# For programs that are loops over pixels. By default, XLA's CPU backend uses half the width of AVX-512, and its minimum
# and maximum see to NaNs, of which there are none in a picture. (Not for training, which has to notice them.)
COMPILER_OPTIONS = {"xla_cpu_prefer_vector_width": 512, "xla_cpu_enable_fast_min_max": True}
# For programs that run once: LLVM's full effort takes eight times as long, for the same numbers.
RUN_ONCE = {"xla_backend_optimization_level": 1}
_COMPILE_EVENTS = "/jax/core/compile/"


def cache_folder() -> pathlib.Path | None:
    """Where compiled programs are kept: `$JAXPAINT_CACHE` (none if empty), or the user's cache."""
    chosen = os.environ.get("JAXPAINT_CACHE")
    if chosen is not None:
        return pathlib.Path(chosen).expanduser() if chosen else None
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return pathlib.Path(base).expanduser() / "jaxpaint"


def keep_compilations() -> None:
    """Has JAX keep compiled programs on disk, so that the next run starts at once.

    Nothing happens where the folder cannot be written, or where JAX has been given one already.
    """
    folder = cache_folder()
    already = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    if folder is None or already:
        return
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            jax.config.update("jax_compilation_cache_dir", str(folder))
            jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def use_all_cores() -> None:
    """Makes each core of the CPU a device of JAX's, between which a fit is divided.

    XLA would divide each loop, and lose most of what a second core could give. To be called before JAX computes
    anything: later, nothing happens.
    """
    with contextlib.suppress(RuntimeError):
        jax.config.update("jax_num_cpu_devices", _cores())


def on_cpu() -> bool:
    """Whether a CPU does the work: it is fastest with as much at a time as its caches hold, a GPU with all there is."""
    return jax.default_backend() == "cpu"


def _cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def join(coordinator: str, processes: int | None = None, number: int | None = None) -> None:
    """Makes this process one of several that work together, on one host or on many (`jax.distributed`).

    To be called before JAX computes anything, by each of them.

    Args:
      coordinator: address and port of the first one, or "auto" where the cluster knows who is there (TPU, SLURM).
      processes: how many there are.
      number: of this one, from 0.

    Raises:
      ValueError, RuntimeError: they do not find each other.
    """
    if coordinator == "auto":
        jax.distributed.initialize()
    else:
        jax.distributed.initialize(coordinator, processes, number)


def wait(name: str) -> None:
    """Waits until all processes are here; the name is of this place."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(name)


def is_first() -> bool:
    """Whether this is the process that writes: the first of several, or the only one."""
    return not jax.distributed.is_initialized() or jax.process_index() == 0


def mesh() -> Mesh:
    """The devices that share the work: all there are, of other processes too, or those that `jax.set_mesh` chose."""
    chosen = jax.sharding.get_mesh()
    return Mesh(np.array(jax.devices()), ("devices",)) if chosen.empty else chosen


def own_mesh() -> Mesh:
    """The devices of this process alone."""
    return Mesh(np.array(jax.local_devices()), ("devices",))


def shard(mesh: Mesh, function: Callable[..., _Tree]) -> Callable[..., _Tree]:
    """A function of many alike, of which each device does its share.

    Args:
      mesh: the devices; the number of rows has to be a multiple of theirs.
      function: of arrays with a row for each, and of further ones that all devices see; gives such rows.

    Returns:
      The same function.
    """
    if mesh.size == 1:
        return function
    rows, all_of_it = PartitionSpec(mesh.axis_names), PartitionSpec()

    def shared(each, *others):
        specs = (rows, *[all_of_it] * len(others))
        return jax.shard_map(function, mesh=mesh, in_specs=specs, out_specs=rows, check_vma=False)(each, *others)

    return shared


def sharded(mesh: Mesh, values: _Tree) -> _Tree:
    """The same arrays, of whose rows each device holds its share; what is computed of them is shared out likewise."""
    return _placed(values, mesh, PartitionSpec(mesh.axis_names))


def replicated(mesh: Mesh, values: _Tree) -> _Tree:
    """The same arrays, each device holding all of them."""
    return _placed(values, mesh, PartitionSpec())


def _placed(values: _Tree, mesh: Mesh, spec: PartitionSpec) -> _Tree:
    # On one device there is nothing to say, and arrays that are bound to it would have programs compiled again.
    return values if mesh.size == 1 else jax.lax.with_sharding_constraint(values, NamedSharding(mesh, spec))


class Stopwatch:
    """Wall seconds by what was done, with the time JAX spent tracing and compiling counted apart.

    Used as `with Stopwatch() as watch:`, and within it, `with watch("fitting"):`.
    """

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._seconds: dict[str, float] = {"compiling": 0.0}

    def __enter__(self) -> Stopwatch:
        jax.monitoring.register_event_duration_secs_listener(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        jax.monitoring.unregister_event_duration_listener(self._listen)

    def _listen(self, event: str, duration_secs: float, **_: str | int) -> None:
        if event.startswith(_COMPILE_EVENTS):
            self._seconds["compiling"] += duration_secs

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Counts what is done within as `name`."""
        start, compiled = time.perf_counter(), self._seconds["compiling"]
        yield
        spent = time.perf_counter() - start - (self._seconds["compiling"] - compiled)
        self._seconds[name] = self._seconds.get(name, 0.0) + max(spent, 0.0)

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by name, to a millisecond, and `total` since the watch was made."""
        seconds = self._seconds | {"total": time.perf_counter() - self._start}
        return {name: round(value, 3) for name, value in seconds.items()}


def peak_memory() -> int:
    """The most memory that this program has held, in bytes.

    Linux's `ru_maxrss` is at least what the process that started this one had held by then; /proc knows better.
    """
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def report() -> dict[str, object]:
    """What ran where: peak memory in bytes (an accelerator's beside it), device and versions."""
    device = jax.local_devices()[0]
    memory = {"peak_memory_bytes": peak_memory()}
    on_device = device.memory_stats() or {}
    if "peak_bytes_in_use" in on_device:
        memory["peak_device_memory_bytes"] = on_device["peak_bytes_in_use"]
    names = ("jaxpaint", "jax", "jaxlib", "numpy", "optax", "dm-pix")
    versions = {name: _version(name) for name in names}
    return {
        **memory,
        "device": platform.machine() if device.platform == "cpu" else device.device_kind,
        "platform": device.platform,
        "devices": jax.device_count(),
        "processes": jax.process_count(),
        "cpus": _cores(),
        "versions": {"python": platform.python_version(), **versions},
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
