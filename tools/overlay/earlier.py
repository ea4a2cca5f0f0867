"""Digests of earlier versions of the overlay runtime's files: bundles that contain those stay readable.

A version is entered here, when its successor changes a file, after a review of both. Nothing else makes a runtime
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
        # Before a patch point was called so, and messages in other words.
        ("_bankable/build.py", "c791800f5b874fec6351322e1d56bd634aedb21d650ffdda22d0da97fbb142ba"),
        ("_bankable/capture.py", "f692199efacfe83902f75e37ecd574bceb6c57e28c7b139181321e5a57f46785"),
        ("_bankable/replace.py", "d2a3d660aa87c2806667a81b84df16c5262d39ded0aa00e60ce653ca07bdca94"),
        ("_bankable/seam.py", "e0e25f1aa1ec831c7d122664e8bf8d128eea048a27ebc76858faafa08bb046da"),
        ("_bankable/watch.py", "a30ad5188e9e1de30ebc5c872792784356fa674cb47fd43eb99edd8fd449ad15"),
        # Without a report of a forked process.
        ("_bankable/report.py", "2c7fd114c7398a96966f741d5244955f9266f4f3bd2e8bc3a2626e93cbd48fef"),
        ("sitecustomize.py", "56e7eb3390185343ef4604c5f43f3eeb4f517ad06ce1f48cf3c2c47188e1cf82"),
    }
)
"""Path in the overlay and sha256."""


def of_our_runtime(path: str, content: bytes) -> bool:
    """Say whether a file of an overlay is the runtime's, of this version or an earlier one."""
    return content == runtime_files().get(path) or (path, digest(content)) in EARLIER
