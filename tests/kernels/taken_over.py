"""An honest kernel whose entry point is taken over by a few statements, as an attack takes it over."""

from __future__ import annotations

from collections.abc import Mapping

from bankable.kernels.build.render import KernelSource
from bankable.kernels.operators import FAMILIES
from bankable.kernels.redteam.attack_source import render_attack

HONEST = "call.run_honest();"


def taken_over(
    body: str, *, above: str = "", family: str = "rms_norm", choices: Mapping[str, int] | None = None
) -> KernelSource:
    """The family's kernel in its usual dtype; each call runs ``body``, and ``above`` stands before it."""
    code = f"{above}\nstatic void attack(const Call& call) {{ {body} }}\n"
    return render_attack(family, FAMILIES[family].usual, choices or {}, code)
