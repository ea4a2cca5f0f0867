"""Whatever is changed in a signed bundle is noticed, and named; whoever else signs it is noticed too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankable.graph.signatures import Signatures
from bankable.graph.signing import sign_bundle, sign_verdict
from bankable.graph.statements import bundle_statement, verdict_statement
from bankable.graph.verification import verify_folder
from bankable.tools.attest.envelope import open_envelope, sign
from bankable.tools.attest.signing_key import SigningKey
from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import digest
from bankable.tools.evidence.folder import RunFolder
from bankable.tools.evidence.ledger import read_ledger
from tests.graph.signed import ATTESTATION, AUDIT, VERDICT, fixed_key, small_run

KEYID = "fd110d301d2f077de1414b8f99f441b1403fab207b2052fbd2c065e4ee8e7dc2"
LEG = "evidence/comparisons/control/legs"
SEALED = (
    *(
        f"{LEG}/{leg}/{file}"
        for leg in ("b00-candidate", "b00-reference", "b01-candidate", "b01-reference")
        for file in ("bench_runs.jsonl", "host.jsonl", "leg.json", "server.log", "server_info.json")
    ),
    *(f"{LEG}/{leg}/outputs.jsonl" for leg in ("b00-candidate", "b00-reference")),
    f"{LEG}/b00-reference/accuracy.jsonl",
    "evidence/comparisons/control/claim.json",
    "evidence/comparisons/control/plan.json",
)
FILES = (
    *SEALED,
    ATTESTATION,
    VERDICT,
    f"evidence/keys/{KEYID}.pem",
    "evidence/ledger.jsonl",
    "evidence/run.json",
    "attestation.json",
    f"keys/{KEYID}.pem",
    "launch.sh",
    "manifest.json",
)
BITS = st.tuples(st.integers(min_value=0), st.integers(min_value=0, max_value=7))


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return fixed_key(tmp_path_factory.mktemp("keys"), 1)


@pytest.fixture(scope="module")
def other_key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return fixed_key(tmp_path_factory.mktemp("keys"), 2)


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Path:
    path = tmp_path_factory.mktemp("public") / "key.pem"
    path.write_bytes(key.public.pem)
    return path


@pytest.fixture(scope="module")
def signed_run(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Path:
    return small_run(tmp_path_factory.mktemp("signed") / "run", key)


@pytest.fixture(scope="module")
def signed_bundle(signed_run: Path) -> Path:
    return signed_run / "bundle"


@pytest.fixture
def run(signed_run: Path, tmp_path: Path) -> Path:
    """A signed run to spoil."""
    return Path(shutil.copytree(signed_run, tmp_path / "run"))


@pytest.fixture
def bundle(run: Path) -> Path:
    """A signed bundle to spoil."""
    return run / "bundle"


def test_an_untouched_bundle_names_its_signer_and_says_what_that_is_worth(signed_bundle: Path, public: Path) -> None:
    found = verify_folder(signed_bundle)
    assert found.ok
    assert found.signed == {f"sha256:{KEYID}": ("bundle", AUDIT)}
    assert found.notes[0].startswith("trusted on first use")
    trusted = verify_folder(signed_bundle, public)
    assert (trusted.ok, trusted.notes) == (True, ())


def test_an_untouched_run_is_verified_with_its_bundle(signed_run: Path, public: Path) -> None:
    assert verify_folder(signed_run, public).signed == {f"sha256:{KEYID}": (AUDIT, "bundle")}


def test_the_tests_below_spoil_every_file_of_the_bundle(signed_bundle: Path) -> None:
    there = {path.relative_to(signed_bundle).as_posix() for path in signed_bundle.rglob("*") if path.is_file()}
    assert there == set(FILES)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=3, deadline=None)
@given(spot=BITS)
def test_one_flipped_bit_anywhere_is_found_and_its_file_is_named_first(
    signed_bundle: Path, public: Path, name: str, spot: tuple[int, int]
) -> None:
    with flipped(signed_bundle / name, *spot):
        for found in (verify_folder(signed_bundle), verify_folder(signed_bundle, public)):
            assert not found.ok
            assert name in found.problems[0]


@pytest.mark.parametrize("name", [*SEALED, VERDICT, ATTESTATION])
@settings(max_examples=2, deadline=None)
@given(spot=BITS)
def test_a_manifest_that_was_made_to_fit_hides_nothing(signed_bundle: Path, name: str, spot: tuple[int, int]) -> None:
    with flipped(signed_bundle / name, *spot), fitting_manifest(signed_bundle):
        found = verify_folder(signed_bundle)
        assert not found.ok
        what = AUDIT if name == VERDICT else Path(name).name
        assert what in found.problems[0]


def test_a_flip_in_the_script_needs_the_signature_to_be_found(signed_bundle: Path, public: Path) -> None:
    with flipped(signed_bundle / "launch.sh", 40, 1), fitting_manifest(signed_bundle):
        assert "not signed: bundle" in verify_folder(signed_bundle).notes
        assert verify_folder(signed_bundle, public).problems == ("bundle: not signed",)


def test_a_verdict_that_was_forged_with_care_is_refused_by_the_signature(signed_bundle: Path, run: Path) -> None:
    """Evidence changed, judged again by the real auditor, ledger and manifest rebuilt: only the signature is left."""
    forged = small_run(run.parent / "forged", None, seed=2)
    assert verify_folder(forged / "bundle").ok
    target = forged / "bundle/evidence"
    (target / "audits" / AUDIT / "attestation.json").write_bytes((signed_bundle / ATTESTATION).read_bytes())
    shutil.copytree(signed_bundle / "evidence/keys", target / "keys")
    refit(forged / "bundle")
    (problem,) = verify_folder(forged / "bundle").problems
    assert problem.startswith(f"{ATTESTATION}: comparison/")
    assert problem.endswith("is not what was signed")


def test_another_key_is_not_the_trusted_one(run: Path, other_key: SigningKey, tmp_path: Path) -> None:
    path = tmp_path / "other.pem"
    path.write_bytes(other_key.public.pem)
    problems = verify_folder(run / "bundle", path).problems
    assert [problem.split(":")[0] for problem in problems] == ["attestation.json", ATTESTATION]
    assert all("signed by key sha256:fd110d30" in problem for problem in problems)


def test_whoever_signs_everything_anew_is_shown_by_the_fingerprint(
    run: Path, public: Path, other_key: SigningKey
) -> None:
    renamed = sign_anew(run, other_key)
    assert verify_folder(renamed).signed == {other_key.public.fingerprint: ("bundle", AUDIT)}
    assert not verify_folder(renamed, public).ok


def test_a_countersigned_verdict_counts_by_the_known_key(bundle: Path, key: SigningKey, other_key: SigningKey) -> None:
    path = bundle / ATTESTATION
    both = orjson.loads(path.read_bytes())
    statement = verdict_statement(bundle / "evidence", AUDIT).to_bytes()
    both["signatures"] += orjson.loads(sign(statement, other_key))["signatures"]
    path.write_bytes(orjson.dumps(both, option=orjson.OPT_SORT_KEYS) + b"\n")
    signatures = Signatures(key.public)
    signatures.check_verdicts(bundle / "evidence")
    assert (signatures.problems, signatures.signed) == ([], {key.public.fingerprint: [AUDIT]})
    assert signatures.strangers == {other_key.public.fingerprint}
    both["signatures"][0]["sig"] = both["signatures"][1]["sig"]
    path.write_bytes(orjson.dumps(both, option=orjson.OPT_SORT_KEYS) + b"\n")
    spoilt = Signatures(key.public)
    spoilt.check_verdicts(bundle / "evidence")
    assert "does not match the payload" in spoilt.problems[0]


def test_a_bundle_from_before_verifies_with_a_note(tmp_path: Path, public: Path) -> None:
    old = small_run(tmp_path / "old", None)
    for folder in (old, old / "bundle"):
        found = verify_folder(folder)
        assert (found.ok, found.signed, found.notes) == (True, {}, ("not signed",))
    assert verify_folder(old / "bundle", public).problems == ("bundle: not signed", f"{AUDIT}: not signed")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"proven": True}, "manifest.json: proven: stated, but no bundle verdict supports it"),
        ({"verdicts": []}, "manifest.json: verdicts.0: manifest nothing, evidence an object of 3"),
        ({"verdicts": [{"audit": AUDIT, "verdict": "PASS", "sha256": "0" * 64}]}, "manifest.json: verdicts.0.sha256"),
    ],
)
def test_a_manifest_that_says_more_than_its_verdicts_is_told(
    tmp_path: Path, change: dict[str, object], says: str
) -> None:
    bundle = small_run(tmp_path / "unsigned", None) / "bundle"
    manifest = orjson.loads((bundle / "manifest.json").read_bytes())
    (bundle / "manifest.json").write_bytes(orjson.dumps({**manifest, **change}))
    (problem,) = verify_folder(bundle).problems
    assert problem.startswith(says)


def test_a_stripped_verdict_is_missed(bundle: Path) -> None:
    (bundle / ATTESTATION).unlink()
    found = verify_folder(bundle)
    assert found.problems[0] == f"{ATTESTATION}: gone"
    assert f"not signed: {AUDIT}" in found.notes
    refit(bundle)
    assert verify_folder(bundle).problems == (f"{ATTESTATION}: missing, although the ledger lists it",)


def test_a_stray_key_is_not_in_the_manifest(bundle: Path, other_key: SigningKey) -> None:
    name = f"keys/{other_key.public.keyid}.pem"
    (bundle / name).write_bytes(other_key.public.pem)
    assert f"{name}: not in the manifest" in verify_folder(bundle).problems


def test_a_key_under_anothers_name_is_told(bundle: Path, other_key: SigningKey) -> None:
    (bundle / f"keys/{KEYID}.pem").write_bytes(other_key.public.pem)
    assert verify_folder(bundle).problems[0] == f"keys/{KEYID}.pem: not the key that its name says"


def test_signing_twice_changes_nothing_and_another_key_takes_nothing_over(
    run: Path, key: SigningKey, other_key: SigningKey
) -> None:
    before = everything(run)
    with RunFolder.open(run) as folder:
        for again in (key, other_key):
            sign_verdict(folder, AUDIT, again)
            sign_bundle(folder, again)
    assert everything(run) == before


def test_the_same_run_and_key_give_the_same_signature(bundle: Path, key: SigningKey) -> None:
    assert sign(verdict_statement(bundle / "evidence", AUDIT).to_bytes(), key) == (bundle / ATTESTATION).read_bytes()
    assert sign(bundle_statement(bundle).to_bytes(), key) == (bundle / "attestation.json").read_bytes()


def test_the_statement_holds_the_ledgers_link_and_every_sealed_file(signed_run: Path, key: SigningKey) -> None:
    opened = open_envelope((signed_run / "audits" / AUDIT / "attestation.json").read_bytes(), [key.public])
    statement = orjson.loads(opened.payload)
    stored = (signed_run / "audits" / AUDIT / "verdict.json").read_bytes()
    entry = next(element for element in read_ledger(signed_run) if element.path == f"audits/{AUDIT}/verdict.json")
    assert statement["predicate"]["ledgerHead"] == entry.link
    assert statement["predicate"]["verdictSha256"] == digest(stored)
    signed = {item["name"]: item["digest"]["sha256"] for item in statement["subject"]}
    assert signed == {load["file"]: load["sha256"] for load in orjson.loads(stored)["evidence"]}
    names = [entry.path for entry in read_ledger(signed_run)]
    assert f"audits/{AUDIT}/attestation.json" in names
    assert {"bundle/attestation.json", f"bundle/keys/{KEYID}.pem", f"keys/{KEYID}.pem"} <= set(names)


def test_a_folder_of_something_else_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Cannot verify: neither a bundle nor a run"):
        verify_folder(tmp_path)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


@contextmanager
def flipped(path: Path, where: int, bit: int) -> Iterator[None]:
    """The file with one bit changed, put right again afterwards."""
    before = path.read_bytes()
    content = bytearray(before)
    content[where % len(content)] ^= 1 << bit
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


@contextmanager
def fitting_manifest(bundle: Path) -> Iterator[None]:
    """The manifest rewritten to fit what is there, without its signature, which does not fit any more."""
    parts = [bundle / "manifest.json", bundle / "attestation.json", bundle / f"keys/{KEYID}.pem"]
    before = [part.read_bytes() for part in parts]
    refit(bundle)
    try:
        yield
    finally:
        for part, content in zip(parts, before, strict=True):
            part.write_bytes(content)


def refit(bundle: Path) -> None:
    """Rewrite a manifest to fit what is there."""
    for part in (bundle / "attestation.json", *(bundle / "keys").glob("*.pem")):
        part.unlink(missing_ok=True)
    manifest = orjson.loads((bundle / "manifest.json").read_bytes())
    there = [path for path in bundle.rglob("*") if path.is_file() and path.name != "manifest.json"]
    manifest["files"] = {path.relative_to(bundle).as_posix(): digest(path.read_bytes()) for path in there}
    (bundle / "manifest.json").write_bytes(orjson.dumps(manifest))


def sign_anew(run: Path, key: SigningKey) -> Path:
    """What somebody with another key makes of a bundle; returns it."""
    bundle = run / "bundle"
    (bundle / ATTESTATION).write_bytes(sign(verdict_statement(bundle / "evidence", AUDIT).to_bytes(), key))
    shutil.rmtree(bundle / "evidence" / "keys")
    (bundle / "evidence" / "keys").mkdir()
    (bundle / "evidence" / "keys" / f"{key.public.keyid}.pem").write_bytes(key.public.pem)
    refit(bundle)
    (bundle / "attestation.json").write_bytes(sign(bundle_statement(bundle).to_bytes(), key))
    (bundle / "keys" / f"{key.public.keyid}.pem").write_bytes(key.public.pem)
    return bundle
