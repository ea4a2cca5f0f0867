"""The front matter of a skill: roles and tasks that it is for. It is untrusted and validated strictly."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import AfterValidator, Field, ValidationError

from bankable.tools.errors import UserError
from bankable.tools.evidence.records import Record
from bankable.tools.operators import operator_folders

FENCE = "---"
MAX_HEAD_BYTES = 4096
Role = Literal[
    "config_tuner", "kernel_extractor", "op_benchmarker", "kernel_author", "integrator", "strategist", "judge"
]
ROLES: tuple[Role, ...] = get_args(Role)
Device = Literal["cpu", "cuda", "rocm"]
Dtype = Literal["float32", "bfloat16", "float16"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")]


def _existing(name: str) -> str:
    if name not in operator_folders():
        raise ValueError(f"no operator {name}")
    return name


Operator = Annotated[str, AfterValidator(_existing)]
"""Name of a folder in ``kernels/operators``."""


class FrontMatter(Record):
    """The front matter of a skill. An empty list means any."""

    name: Name
    """Name of the skill, the same as in the index."""
    description: str = Field(min_length=10, max_length=300)
    """One sentence."""
    roles: tuple[Role, ...] = Field(min_length=1)
    """Roles that may read it."""
    operators: tuple[Operator, ...] = ()
    """Operators that it is for."""
    devices: tuple[Device, ...] = ()
    """Kinds of device that it is for."""
    dtypes: tuple[Dtype, ...] = ()
    """Data types that it is for."""

    def fits(self, role: str, operator: str | None, device: str | None, dtype: str | None) -> bool:
        """Whether a role gets this for its task. What is for one operator is not for a task without any."""
        wanted = ((self.operators, operator), (self.devices, device), (self.dtypes, dtype))
        return role in self.roles and all(not allowed or value in allowed for allowed, value in wanted)


def split(text: str, where: str) -> tuple[FrontMatter, str]:
    """Front matter and body. Raises ``UserError`` naming the file and what is wrong, on one line."""
    head, fence, body = text.removeprefix(f"{FENCE}\n").partition(f"\n{FENCE}\n")
    if not text.startswith(f"{FENCE}\n") or not fence:
        raise UserError(
            "Cannot read the skill: it has no front matter", where, "begin with ---, name: …, and another ---"
        )
    if not body.strip():
        raise UserError("Cannot read the skill: it has no text", where, "write what it says below the second ---")
    fields = mapping(head, where)
    try:
        return FrontMatter.model_validate(fields), body.strip() + "\n"
    except ValidationError as problem:
        raise UserError(f"Cannot read the front matter: {first_fault(problem)}", where, "correct it") from None


def mapping(text: str, where: str) -> dict[str, Any]:
    """A YAML mapping from text keys, without aliases, tags or repeated keys. Raises ``UserError``."""
    if len(text.encode("utf-8", "replace")) > MAX_HEAD_BYTES:
        raise UserError(f"Cannot read the front matter: larger than {MAX_HEAD_BYTES} bytes", where, "shorten it")
    try:
        fields = yaml.load(text, _Plain)
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date that does not exist
        raise UserError(
            "Cannot read the YAML: not plain YAML", where, "use lists and texts only: no alias, tag or repeated key"
        ) from None
    if not isinstance(fields, dict) or not all(isinstance(key, str) for key in fields):
        raise UserError("Cannot read the YAML: not a mapping", where, "write name: value, one a line")
    return fields


def first_fault(problem: ValidationError) -> str:
    """What is wrong first, and where, in words of ours."""
    first = problem.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc']))[:60]!a}: {first['type'].replace('_', ' ')}"


class _Plain(yaml.SafeLoader):
    """Safe YAML less what lets a small text become a large or an ambiguous value."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(keys) != len({str(key) for key in keys}):
            raise yaml.YAMLError("a key twice")
        return super().construct_mapping(node, deep)
