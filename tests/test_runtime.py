"""The machine, as reports describe it."""

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
