"""The Python interface of ``import bankable``: audit benchmark files, verify a run, run an optimization."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bankable.nodes.auditor.importers.view import PairScope
from bankable.nodes.auditor.pair import audit_pair
from bankable.nodes.auditor.verdict import Verdict
from bankable.tools.errors import UserError

if TYPE_CHECKING:
    from bankable.nodes.reporter import RunOutcome

__all__ = ["audit", "run", "verify"]


def audit(
    reference: Path | str,
    candidate: Path | str | None = None,
    *,
    claim: Path | str | None = None,
    scope: PairScope = "patch",
) -> Verdict:
    """Judge benchmark files that any of the known tools wrote.

    ``reference`` and ``candidate`` are result files or folders of launches; ``claim`` is a ``claim.json`` to hold
    against the raw records; ``scope`` is ``patch`` (one change), ``bundle`` (several) or ``baseline`` (the reference
    alone). Raises ``UserError`` when a file cannot be read or has no known format.
    """
    return audit_pair(
        Path(reference),
        None if candidate is None else Path(candidate),
        None if claim is None else Path(claim),
        scope,
    )


def verify(folder: Path | str, public_key: Path | str | None = None) -> bool:
    """Re-derive every verdict of a run or bundle; true when all bytes and signatures agree.

    ``bankable.graph.verification.verify_folder`` lists the differences. Raises ``UserError`` where nothing can be
    checked.
    """
    from bankable.graph.verification import verify_folder

    return verify_folder(Path(folder), None if public_key is None else Path(public_key)).ok


def run(model: Path | str, out: Path | str, **options: Any) -> RunOutcome:
    """Run the whole optimization of ``model`` into the folder ``out`` and return its outcome.

    ``options`` are those of the command ``run``, with underscores: ``budget=19, quick=True, flag=["name=value"]``.
    Raises ``UserError`` for an option that does not exist or a value that cannot be used.
    """
    from bankable.graph.request import RunOptions, build_config
    from bankable.graph.run import execute

    unknown = options.keys() - RunOptions.__dataclass_fields__.keys()
    if unknown:
        raise UserError(
            f"Cannot run: unknown option {sorted(unknown)[0]!r}", "bankable.run", "see `bankable run --help`"
        )
    return execute(build_config(RunOptions(model=Path(model), **options)), Path(out))
