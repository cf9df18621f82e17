"""The machine, as reports describe it."""

import os
import subprocess
import sys

CHILD = "from jaxpaint import runtime; print(runtime.peak_memory())"
PARENT = f"""
import subprocess, sys
held = bytearray(b"x") * 1_500_000_000
print(subprocess.run([sys.executable, "-c", {CHILD!r}], check=True, stdout=subprocess.PIPE, text=True).stdout)
"""


def test_peak_memory_is_that_of_the_program_not_of_who_started_it():
    done = subprocess.run([sys.executable, "-c", PARENT], check=True, stdout=subprocess.PIPE, text=True)
    assert 50_000_000 < int(done.stdout) < 1_000_000_000


def test_each_core_becomes_a_device_and_a_second_call_is_of_no_harm():
    child = (
        "import jax; from jaxpaint import runtime; runtime.use_all_cores(); "
        "print(len(jax.local_devices()), runtime.report()['cpus']); runtime.use_all_cores()"
    )
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", child], check=True, stdout=subprocess.PIPE, text=True, env=environment)
    devices, cores = done.stdout.split()
    assert devices == cores
