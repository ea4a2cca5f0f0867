"""Prints the folder for temporary files of the tests: in memory where there is room, which halves their time.

The usual folder (``TMPDIR``, ``/tmp``) where the user chose one, or memory is scarce, or kernels could not be loaded
from there.
"""

from __future__ import annotations

import os
import shutil
import tempfile

MEMORY = "/dev/shm"
LEAST_BYTES = 6 << 30
"""Free there: several times what the tests hold at once."""


def find_scratch() -> str:
    """``/dev/shm``, or the usual folder."""
    usual = tempfile.gettempdir()
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK | os.X_OK):
        return usual
    forbidden = os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    return usual if forbidden or shutil.disk_usage(MEMORY).free < LEAST_BYTES else MEMORY


if __name__ == "__main__":
    print(find_scratch())
