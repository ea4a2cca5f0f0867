"""Maps exceptions of the client libraries to an outcome and a sentence of ours. No text of the server is passed on."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import openai

from bankable.tools.llm.outcome import Kind
from bankable.tools.llm.wire import EncodedError, OversizedError, PartialAnswer

NO_MONEY = "insufficient_quota"
_BY_STATUS = {
    401: (Kind.DENIED, "the key is not accepted"),
    403: (Kind.DENIED, "the key lacks permission"),
    404: (Kind.REJECTED, "no such model, or no such address"),
    408: (Kind.SERVER_ERROR, "the server timed out"),
    409: (Kind.SERVER_ERROR, "a conflict within the server"),
    413: (Kind.TOO_LONG, "the prompt is larger than the server reads"),
    429: (Kind.RATE_LIMITED, "too many requests"),
}
_BY_TYPE: tuple[tuple[tuple[type[BaseException], ...], Kind, str], ...] = (
    ((OversizedError,), Kind.TOO_LONG, "the answer is larger than the limit"),
    ((EncodedError,), Kind.MALFORMED, "a compressed answer, though none was allowed"),
    ((openai.LengthFinishReasonError,), Kind.TOO_LONG, "the answer was cut at the token limit"),
    ((openai.ContentFilterFinishReasonError,), Kind.REFUSED, "a content filter"),
    (
        (TimeoutError, openai.APITimeoutError, httpx2.TimeoutException),
        Kind.TIMED_OUT,
        "no complete answer within the time limit",
    ),
    (
        (httpx2.ConnectError, httpx2.UnsupportedProtocol, httpx2.ProxyError),
        Kind.UNREACHABLE,
        "no answer from the address",
    ),
)


def classify(problem: BaseException, seen: PartialAnswer) -> tuple[Kind, str]:
    """Kind and detail of a failed attempt."""
    causes = list(_causes(problem))
    for cause in causes:
        result = _of_cause(cause)
        if result is not None:
            return result
    if seen.status is not None and seen.status >= 300:
        return _of_status(seen.status, seen)
    if any(isinstance(cause, httpx2.NetworkError | httpx2.ProtocolError | httpx2.StreamError) for cause in causes):
        return Kind.CUT, "the connection ended during the answer"
    if any(isinstance(cause, openai.APIConnectionError) for cause in causes):
        return Kind.UNREACHABLE, "communication with the server failed"
    return Kind.MALFORMED, "not an answer of chat completions"


def _of_cause(cause: BaseException) -> tuple[Kind, str] | None:
    return next(((kind, why) for types, kind, why in _BY_TYPE if isinstance(cause, types)), None)


def _of_status(status: int, seen: PartialAnswer) -> tuple[Kind, str]:
    if status == 429 and seen.error_code() == NO_MONEY:
        return Kind.DENIED, "HTTP 429: the account has no credit left"
    if status in (400, 413, 422) and seen.about_length():
        return Kind.TOO_LONG, f"HTTP {status}: the prompt does not fit the model"
    kind, why = _BY_STATUS.get(status, (Kind.REJECTED, "the request is not accepted"))
    if status >= 500:
        kind, why = Kind.SERVER_ERROR, "an error of the server"
    elif status < 400:
        why = "a redirect, which is not followed"
    return kind, f"HTTP {status}: {why}"


def _causes(problem: BaseException) -> Iterator[BaseException]:
    """The exception, and what it was raised from, outermost first."""
    causes: list[BaseException] = []
    current: BaseException | None = problem
    while current is not None and current not in causes and len(causes) < 20:
        causes.append(current)
        current = current.__cause__ or current.__context__
    return iter(causes)
