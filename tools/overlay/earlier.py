"""Files of this project's overlay runtime as earlier versions had them: bundles that carry those are still readable.

A version is entered here, when its successor changes a file, by whoever has read both. Nothing else makes a runtime
known: an edited copy has other bytes.
"""

from __future__ import annotations

from bankable.tools.evidence.canonical import digest
from bankable.tools.overlay.folder import runtime_files

EARLIER = frozenset(
    {
        # Without protection from torch.compile's tracing.
        ("_bankable/replace.py", "fef5127708d0111a97fe861f715ac769fbeadec42ef68e10a5838f0662b8d72d"),
        ("_bankable/capture.py", "a2f69a57377942cc2c57be8771eb01e321e83fd531d9427fa7f418773079cb06"),
        ("_bankable/seam.py", "9f2b607b30b74d9849b04b52458d797d9db1226a0356fb4d523a01c13cc68100"),
        # The same code, with one call's arguments on fewer lines.
        ("_bankable/build.py", "b525cb43919dab30550818943dd68a21551c94c6680df2da3d9dc8e6a37a7d4c"),
    }
)
"""Path in the overlay and sha256."""


def of_our_runtime(path: str, content: bytes) -> bool:
    """Say whether a file of an overlay is the runtime's, of this version or an earlier one."""
    return content == runtime_files().get(path) or (path, digest(content)) in EARLIER
