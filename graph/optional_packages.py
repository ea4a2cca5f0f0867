"""Names the extra that installs a missing package: ``bankable audit`` works without any of them."""

from __future__ import annotations

from bankable.tools.errors import UserError

EXTRAS = {
    "attest": ("cryptography", "securesystemslib"),
    "run": ("httpx", "langgraph", "langsmith", "msgspec", "numpy", "optuna", "psutil", "safetensors", "scipy"),
    "llm": ("httpx2", "langchain_openai", "openai", "yaml"),
    "ray": ("ray",),
    "trace": ("opentelemetry",),
    "inspect": ("inspect_ai",),
}
"""Top-level modules that each extra of ``pyproject.toml`` brings."""


def explain_missing(problem: ModuleNotFoundError) -> UserError | None:
    """What to install for a failed import; None when the module belongs to no extra."""
    module = (problem.name or "").split(".")[0]
    for extra, modules in EXTRAS.items():
        if module in modules:
            return UserError(
                f"Cannot run this command: package {module} is not installed",
                "",
                f"install it with: pip install 'bankable[{extra}]'",
            )
    return None
