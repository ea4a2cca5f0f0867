"""One request to a model: a strict JSON schema, validation of the raw text, and a typed outcome in every case."""

from __future__ import annotations

import asyncio
import time
import warnings
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import openai
import orjson
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI
from langsmith import tracing_context
from pydantic import BaseModel, SecretStr, ValidationError

from bankable.tools.llm.classify import classify
from bankable.tools.llm.outcome import Kind, Usage
from bankable.tools.llm.settings import CallLimits, Endpoint
from bankable.tools.llm.tokens import estimate
from bankable.tools.llm.toolbox import Call, Called, Toolbox
from bankable.tools.llm.wire import PartialAnswer, bounded_client

M = TypeVar("M", bound=BaseModel)
LOST = frozenset({Kind.TIMED_OUT, Kind.CUT, Kind.TOO_LONG})
"""The server may have generated, and charged for, an answer that was not received."""

# The library would print what a server sent in place of a number, and a server may send anything.
warnings.filterwarnings("ignore", message="Pydantic serializer warnings", category=UserWarning)


@dataclass(frozen=True)
class Prompt:
    """The text of the prompt."""

    system: str
    user: str
    tools: Toolbox = ()
    rounds: tuple[tuple[Called, ...], ...] = ()
    """Calls of tools so far, with their answers."""

    @property
    def tokens(self) -> int:
        """Estimated."""
        answered = [f"{call.name} {call.arguments} {call.told}" for called in self.rounds for call in called]
        return estimate(self.system, self.user, *answered, *(str(_spec(tool.name, self.tools)) for tool in self.tools))

    def after(self, called: tuple[Called, ...], most_rounds: int) -> Prompt:
        """The next turn; without tools when there were as many rounds as there may be."""
        rounds = (*self.rounds, called)
        return replace(self, rounds=rounds, tools=() if len(rounds) >= most_rounds else self.tools)

    def messages(self) -> list[BaseMessage]:
        """As they are sent. Names of calls are numbered by us: a server's own may be anything."""
        messages: list[BaseMessage] = [SystemMessage(self.system), HumanMessage(self.user)]
        for number, called in enumerate(self.rounds):
            ids = [f"call_{number}_{place}" for place in range(len(called))]
            calls = [
                {"name": call.name, "args": call.arguments, "id": name, "type": "tool_call"}
                for call, name in zip(called, ids, strict=True)
            ]
            messages.append(AIMessage("", tool_calls=calls))
            messages += [ToolMessage(call.told, tool_call_id=name) for call, name in zip(called, ids, strict=True)]
        return messages


@dataclass(frozen=True)
class Attempt(Generic[M]):
    """How one request ended."""

    kind: Kind
    detail: str
    usage: Usage
    seconds: float
    answer: M | None = None
    status: int | None = None
    retry_after: str | None = None
    calls: tuple[Call, ...] = ()
    """Of tools; set when ``kind`` is ``called_tools``, and only then."""


async def attempt(
    prompt: Prompt, shape: type[M], endpoint: Endpoint, key: SecretStr, limits: CallLimits, seconds: float
) -> Attempt[M]:
    """Ask once, within ``seconds`` of wall time however slowly bytes arrive. Only cancellation passes through."""
    seen, begun = PartialAnswer(), time.perf_counter()
    answer: M | None = None
    calls: tuple[Call, ...] = ()
    text = ""
    try:
        async with asyncio.timeout(seconds):
            async with bounded_client(seen, limits.answer_bytes, seconds, endpoint.base_url) as http:
                # Everything that the library would otherwise take from the environment or do by default is set here.
                model = ChatOpenAI(
                    model=endpoint.model,
                    base_url=endpoint.base_url,
                    api_key=key,
                    temperature=endpoint.temperature,
                    max_completion_tokens=limits.answer_tokens,
                    timeout=seconds,
                    max_retries=0,
                    http_async_client=http,
                    http_socket_options=(),
                    use_responses_api=False,
                    cache=False,
                )
                offered = {"tools": [_spec(tool.name, prompt.tools) for tool in prompt.tools]} if prompt.tools else {}
                bound = model.bind(response_format=_response_format(shape), **offered)
                with tracing_context(enabled=False):
                    message = await bound.ainvoke(prompt.messages())
        text = message.text
        calls = _calls(message) if prompt.tools else ()
        kind, detail, answer = (Kind.CALLED_TOOLS, "", None) if calls else _read(message, shape)
    except Exception as problem:  # what libraries raise over a hostile answer is not listed anywhere
        kind, detail = classify(problem, seen)
    usage = seen.usage() or _guess(prompt, text, kind, seen, limits)
    return Attempt(kind, detail, usage, time.perf_counter() - begun, answer, seen.status, seen.retry_after, calls)


def _response_format(shape: type[BaseModel]) -> dict[str, object]:
    """Strict: every field required, no other allowed, so that a server can hold the model to it."""
    schema = openai.pydantic_function_tool(shape)["function"]["parameters"]
    return {"type": "json_schema", "json_schema": {"name": shape.__name__, "strict": True, "schema": schema}}


def _spec(name: str, tools: Toolbox) -> dict[str, Any]:
    tool = next(tool for tool in tools if tool.name == name)
    spec = openai.pydantic_function_tool(tool.arguments, name=tool.name, description=tool.about)
    # Plain data: the library would check arguments against its own object, and call a wrong one a broken answer.
    return dict(orjson.loads(orjson.dumps(dict(spec), option=orjson.OPT_PASSTHROUGH_SUBCLASS, default=dict)))


def _calls(message: AIMessage) -> tuple[Call, ...]:
    """All calls, those with arguments that are no JSON too; a refusal is no call."""
    if message.additional_kwargs.get("refusal"):
        return ()
    right = [Call(tool_call["name"], tool_call["args"]) for tool_call in message.tool_calls]
    return (
        *right,
        *(
            Call(invalid_tool_call["name"] or "", invalid_tool_call["args"])
            for invalid_tool_call in message.invalid_tool_calls
        ),
    )


def _read(message: AIMessage, shape: type[M]) -> tuple[Kind, str, M | None]:
    if message.additional_kwargs.get("refusal"):
        return Kind.REFUSED, "the model refused", None
    if message.tool_calls or message.invalid_tool_calls:
        return Kind.MALFORMED, "a call of a tool that it was not given", None
    if not message.text.strip():
        return Kind.EMPTY, "no text", None
    try:
        return Kind.ANSWERED, "", shape.model_validate_json(message.text)
    except ValidationError as problem:
        return Kind.MALFORMED, _fault(problem), None


def _fault(problem: ValidationError) -> str:
    """The first validation error, without any text of the answer: field names are ours, except for surplus fields."""
    first = problem.errors(include_url=False, include_input=False, include_context=False)[0]
    place = first["loc"][:-1] if first["type"] == "extra_forbidden" else first["loc"]
    where = ".".join(str(step) for step in place)[:100]
    return f"does not match the schema: {where or 'the whole'}: {first['type'].replace('_', ' ')}"


def _guess(prompt: Prompt, text: str, kind: Kind, seen: PartialAnswer, limits: CallLimits) -> Usage:
    """Tokens where the server gave no counts: nothing for an error, the longest answer for one that was lost."""
    if kind is Kind.UNREACHABLE or (seen.status is not None and seen.status >= 300):
        return Usage()
    return Usage(prompt.tokens, limits.answer_tokens if kind in LOST else estimate(text), estimated=True)
