"""What all tests share: types checked, broadcasting between ranks refused, compilations kept."""

import gc
import os
import pathlib
import pkgutil
import sys
from collections.abc import Iterator

import jax
import jaxtyping
import pytest

# Before anything imports jaxpaint, and for good: the commands import most of it late.
# Settings check themselves, and take an integer where a float is asked for.
_PACKAGE = pathlib.Path(__file__).resolve().parents[1] / "jaxpaint"
_MODULES = [module.name for module in pkgutil.iter_modules([str(_PACKAGE)])]
jaxtyping.install_import_hook([f"jaxpaint.{name}" for name in _MODULES if name != "settings"], "beartype.beartype")


def pytest_configure(config: pytest.Config) -> None:
    """Sets JAX up, here and for the commands that tests start."""
    folder = str(config.cache.mkdir("jax"))
    os.environ["JAXPAINT_CACHE"] = folder
    # Pytest's processes share their programs. With a greatest size, JAX locks the folder while it reads and writes;
    # without, one process reads what another has not yet written to its end.
    os.environ["JAX_COMPILATION_CACHE_MAX_SIZE"] = str(2**34)
    jax.config.update("jax_compilation_cache_max_size", 2**34)
    # Most of a test's time goes to compiling, which a lower level halves; the programs are half as fast, too.
    flags = ["--xla_backend_optimization_level=1"]
    if jax.__version_info__ < (0, 11):
        # Later, there is no choice; and a program compiled in one part, not in 32, since each core has its process.
        flags += ["--xla_cpu_use_fusion_emitters=false", "--xla_cpu_parallel_codegen_split_count=1"]
    given = os.environ.get("XLA_FLAGS", "")
    # The lowest level halves that time again. Fits and drawings, which are loops over pixels, keep their level.
    os.environ["XLA_FLAGS"] = " ".join([given, *flags, "--xla_backend_optimization_level=0"])
    from jaxpaint import runtime

    runtime.COMPILER_OPTIONS["xla_backend_optimization_level"] = 1
    # Fits are divided between devices, as the commands have it.
    jax.config.update("jax_num_cpu_devices", 2)
    jax.config.update("jax_compilation_cache_dir", folder)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    jax.config.update("jax_numpy_rank_promotion", "raise")
    # Programs without line numbers are lowered and compiled faster.
    jax.config.update("jax_include_full_tracebacks_in_locations", False)
    jax.config.update("jax_traceback_in_locations_limit", 0)
    # Tracing makes many objects: by default, Python looks for cycles after every 700.
    gc.set_threshold(20_000, 20, 20)
    # XLA reads its flags once, here. The commands that tests start have one level for all programs.
    jax.devices()
    os.environ["XLA_FLAGS"] = " ".join([given, *flags])


@pytest.fixture
def unchecked() -> Iterator[None]:
    """No types are checked, as for users: for tests of how jaxpaint itself refuses bad input."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def full() -> Iterator[None]:
    """As on a full disk: no file can grow."""
    resource = pytest.importorskip("resource")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, usual[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A working folder with nothing but a photograph."""
    from commands import photo

    monkeypatch.chdir(tmp_path)
    photo("photo.png")
    return tmp_path


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch):
    """Stands in for the real painter, and keeps its calls."""
    from commands import stand_in

    return stand_in(monkeypatch)


@pytest.fixture
def stairs(tmp_path: pathlib.Path):
    """A video of forty frames (see `clips`)."""
    from clips import make_stairs

    return make_stairs(tmp_path / "stairs.mp4")


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The benchmarks can be imported, each test anew."""
    folder = _PACKAGE.parent / "benchmarks"
    monkeypatch.syspath_prepend(str(folder))
    yield
    for file in folder.glob("*.py"):
        sys.modules.pop(file.stem, None)
