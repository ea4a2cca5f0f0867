"""A tiny run and its bundle, judged and signed by the real parts with a key that never changes."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bankable.graph.signing import sign_bundle, sign_verdict
from bankable.nodes.auditor.engine import evaluate
from bankable.tools.attest.signing_key import SigningKey, read_key
from bankable.tools.bundle import write_bundle
from bankable.tools.evidence.folder import RunFolder
from bankable.tools.evidence.records import ServerConfig
from bankable.tools.evidence.seal import seal
from bankable.tools.evidence.store import write_once
from tests.nodes.auditor.builders import RUN_ID, RunRecipe, run_folder

AUDIT = "baseline-control-1"
ATTESTATION = f"evidence/audits/{AUDIT}/attestation.json"
VERDICT = f"evidence/audits/{AUDIT}/verdict.json"


def fixed_key(folder: Path, number: int) -> SigningKey:
    """Key number so-and-so, always the same."""
    path = folder / f"key-{number}.pem"
    private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    path.touch(mode=0o600)
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return read_key(path)


def small_run(root: Path, key: SigningKey | None, seed: int = 1) -> Path:
    """A control of two blocks, its verdict and its bundle, in a run folder; signed unless ``key`` is ``None``."""
    run_folder(root, RunRecipe(blocks=2, looks=(2,), seed=seed))
    with RunFolder.open(root) as folder:
        sealed = seal(root, "baseline", "control", 1, root.with_name(f"{root.name}-sealed"))
        write_once(root / "audits" / AUDIT / "verdict.json", evaluate(sealed.folder).to_bytes())
        sealed.discard()
        folder.ledger.enter(root / "audits" / AUDIT / "verdict.json")
        if key is not None:
            sign_verdict(folder, AUDIT, key)
        write_bundle(
            folder,
            run_id=RUN_ID,
            model="tiny",
            base=ServerConfig(flags={"stream_interval": 1}),
            accepted=[],
            comparisons=["control"],
            claim=None,
            headline="no verified gain",
            device="cuda",
            engine=None,
        )
        if key is not None:
            sign_bundle(folder, key)
    return root
