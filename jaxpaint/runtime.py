"""The machine: devices, a persistent compilation cache, time spent compiling, and reports of a run."""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import os
import pathlib
import platform
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_Tree = TypeVar("_Tree")
_log = logging.getLogger(__name__)

# For programs that are loops over pixels. By default, XLA's CPU backend uses half the width of AVX-512, and its minimum
# and maximum handle NaNs. A picture has no NaNs. (Training does not use these options: it has to notice NaNs.)
COMPILER_OPTIONS = {"xla_cpu_prefer_vector_width": 512, "xla_cpu_enable_fast_min_max": True}
# For programs that run once: LLVM's full optimisation takes eight times as long, and gives the same numbers.
RUN_ONCE = {"xla_backend_optimization_level": 1}
# Seconds in which a compiled program is written.
_JUST_NOW = 5.0
# Bytes of all compiled programs on disk; those used longest ago go first. JAX looks at all of them for each new one.
_LARGEST_CACHE = 2**28
_COMPILE_EVENTS = "/jax/core/compile/"


def cache_folder() -> pathlib.Path | None:
    """Folder of compiled programs: `$JAXPAINT_CACHE` (none if empty), or a folder in the user's cache, if any."""
    chosen = os.environ.get("JAXPAINT_CACHE")
    if chosen is None:
        chosen = os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "jaxpaint")
    try:
        return pathlib.Path(chosen).expanduser() if chosen else None
    except RuntimeError:  # There is no home.
        return None


def keep_compilations() -> None:
    """Makes JAX cache compiled programs on disk; several processes may share the cache.

    If JAX already has a cache folder, that folder is used.

    Warns:
      UserWarning: the folder can't be written; JAX then keeps no programs.
    """
    already = _jax_cache()
    # JAX's own folder may be a cloud URL.
    if "://" in already:
        return
    folder = pathlib.Path(already) if already else cache_folder()
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        variable = "JAX_COMPILATION_CACHE_DIR" if already else "JAXPAINT_CACHE"
        why = f"{error.strerror}; programs are compiled anew each time, unless {variable} names another folder"
        warnings.warn(f"{folder}: can't be written: {why}", stacklevel=2)
        jax.config.update("jax_compilation_cache_dir", None)
        return
    if already:
        return
    with contextlib.suppress(OSError):
        for program in folder.glob("*-cache"):
            # Without the time of its last use, as a killed process leaves a program, JAX would keep no more programs.
            used = program.with_name(program.name.removesuffix("cache") + "atime")
            if not used.exists():
                used.write_bytes(bytes(8))
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    # With a maximum size, JAX locks the folder while it writes; otherwise, another process may read half a program.
    jax.config.update("jax_compilation_cache_max_size", _LARGEST_CACHE)


def _jax_cache() -> str:
    return jax.config.jax_compilation_cache_dir or ""  # type: ignore[attr-defined]


def forget_compilations() -> bool:
    """Removes compiled programs from jaxpaint's own folder, since JAX never replaces a damaged program.

    Programs of the last seconds stay, because another process may be writing them. If JAX has another folder, all
    programs stay.

    Returns:
      Whether there were any.
    """
    folder, removed = cache_folder(), False
    for path in folder.glob("*-cache") if folder and str(folder) == _jax_cache() else ():
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _JUST_NOW:
                path.unlink()
                removed = True
    return removed


def use_all_cores() -> None:
    """Makes each core of the CPU a JAX device, so that a fit is sharded over the cores.

    XLA would divide each loop instead, and lose most of the gain from a second core. Call this function before JAX
    computes anything; a later call does nothing.
    """
    with contextlib.suppress(RuntimeError):
        jax.config.update("jax_num_cpu_devices", _cores())


def check_precision() -> None:
    """Refuses JAX's floats of 64 bits, for which the programs are not made.

    Raises:
      ValueError: `jax_enable_x64` is set.
    """
    if jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        raise ValueError("expected JAX's floats of 32 bits, got jax_enable_x64; paint within jax.enable_x64(False)")


def on_cpu() -> bool:
    """Whether JAX runs on a CPU. A CPU is fastest with batches that fit its caches, a GPU with one large batch."""
    return jax.default_backend() == "cpu"


def _cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def join(coordinator: str, processes: int | None = None, number: int | None = None) -> None:
    """Joins this process to others on one host or many (`jax.distributed`).

    Every process calls this function before JAX computes anything.

    Args:
      coordinator: address and port of the first process, or "auto" on a cluster that knows its processes (TPU, SLURM).
      processes: number of processes.
      number: number of this process, from 0.

    Raises:
      ValueError, RuntimeError: the processes cannot reach each other.
    """
    if coordinator == "auto":
        jax.distributed.initialize()
    else:
        jax.distributed.initialize(coordinator, processes, number)


def wait(name: str) -> None:
    """Waits until all processes reach the point in the program with this name."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(name)


def is_first() -> bool:
    """Whether this process is the one that writes: the first of several, or the only one."""
    return not jax.distributed.is_initialized() or jax.process_index() == 0


def mesh() -> Mesh:
    """The mesh that `jax.set_mesh` chose, or else a mesh of all devices of all processes."""
    chosen = jax.sharding.get_mesh()
    return Mesh(np.array(jax.devices()), ("devices",)) if chosen.empty else chosen


def own_mesh() -> Mesh:
    """A mesh of this process's own devices."""
    return Mesh(np.array(jax.local_devices()), ("devices",))


def shard(mesh: Mesh, function: Callable[..., _Tree]) -> Callable[..., _Tree]:
    """Shards `function` over its first argument's leading axis.

    Args:
      mesh: the devices; the length of the axis has to be a multiple of their number.
      function: function of arrays to shard, and of further arrays that are replicated; its results have the same axis.

    Returns:
      The sharded function, with the same arguments and results.
    """
    if mesh.size == 1:
        return function
    rows, all_of_it = PartitionSpec(mesh.axis_names), PartitionSpec()

    def shared(each: Any, *others: Any) -> Any:
        specs = (rows, *[all_of_it] * len(others))
        return jax.shard_map(function, mesh=mesh, in_specs=specs, out_specs=rows, check_vma=False)(each, *others)

    return shared


def sharded(mesh: Mesh, values: _Tree) -> _Tree:
    """Shards arrays over their leading axis; results computed from the arrays are sharded likewise."""
    return _placed(values, mesh, PartitionSpec(mesh.axis_names))


def replicated(mesh: Mesh, values: _Tree) -> _Tree:
    """Replicates arrays on every device."""
    return _placed(values, mesh, PartitionSpec())


def _placed(values: _Tree, mesh: Mesh, spec: PartitionSpec) -> _Tree:
    # One device needs no constraint, and programs would be compiled again for arrays that are committed to the device.
    return values if mesh.size == 1 else jax.lax.with_sharding_constraint(values, NamedSharding(mesh, spec))


class Stopwatch:
    """Wall-clock seconds of named parts; JAX's time for tracing and compiling is counted apart.

    Usage: `with Stopwatch() as watch:`, and inside that block, `with watch("fitting"):`.
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
        """Counts the time of the block under `name`."""
        start, compiled = time.perf_counter(), self._seconds["compiling"]
        yield
        spent = time.perf_counter() - start - (self._seconds["compiling"] - compiled)
        self._seconds[name] = self._seconds.get(name, 0.0) + max(spent, 0.0)
        _log.info("%s: %.1f s, compiling %.1f s", name, spent, self._seconds["compiling"] - compiled)

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by name, rounded to a millisecond, and `total` since the watch was made."""
        seconds = self._seconds | {"total": time.perf_counter() - self._start}
        return {name: round(value, 3) for name, value in seconds.items()}


def peak_memory() -> int | None:
    """Peak memory of this program, in bytes; None on Windows.

    Linux's `ru_maxrss` is never below the parent process's peak at the start of this process, so /proc is preferred.
    """
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if resource is None:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def report() -> dict[str, object]:
    """Facts about this run: peak memory in bytes (also an accelerator's), devices and versions."""
    device = jax.local_devices()[0]
    memory: dict[str, object] = {"peak_memory_bytes": peak_memory()}
    on_device = device.memory_stats() or {}
    if "peak_bytes_in_use" in on_device:
        memory["peak_device_memory_bytes"] = on_device["peak_bytes_in_use"]
    names = ("jaxpaint", "jax", "jaxlib", "numpy", "optax", "dm-pix")
    versions = {name: _version(name) for name in names}
    return {
        **memory,
        "device": _kind(device),
        "platform": device.platform,
        "devices": jax.device_count(),
        "processes": jax.process_count(),
        "cpus": _cores(),
        "versions": {"python": platform.python_version(), **versions},
    }


def described() -> str:
    """The devices and versions of this run, in one line."""
    device = jax.local_devices()[0]
    versions = f"jaxpaint {_version('jaxpaint')}, JAX {_version('jax')}"
    return f"{jax.device_count()} × {device.platform} ({_kind(device)}), {versions}"


def _kind(device: jax.Device) -> str:
    return platform.machine() if device.platform == "cpu" else device.device_kind


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
