"""``python -m bankable.nodes.auditor.judge SEALED_DIR``: orders (JSON) on stdin, the record (JSON) on stdout."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import ValidationError

from bankable.nodes.auditor.judge.ask import judge
from bankable.nodes.auditor.judge.orders import Orders
from bankable.tools.errors import UserError
from bankable.tools.llm.client import Client
from bankable.tools.llm.ledger import CallLedger

USAGE = "usage: python -m bankable.nodes.auditor.judge SEALED_DIR < ORDERS.json"


def main(arguments: list[str]) -> int:
    """Returns 0 when a record was written, whatever its findings; 2 when nothing could be judged."""
    if len(arguments) != 1:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        orders = Orders.model_validate_json(sys.stdin.buffer.read())
        ledger = CallLedger(Path(orders.ledger) if orders.ledger is not None else None)
        record = judge(Path(arguments[0]), Client(orders.settings, ledger), orders)
    except (UserError, ValidationError) as problem:
        print(problem if isinstance(problem, UserError) else USAGE, file=sys.stderr)
        return 2
    sys.stdout.buffer.write(record.to_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
