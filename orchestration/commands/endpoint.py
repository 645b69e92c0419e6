"""Asks a language model through OpenAI's protocol: what goes over the wire is the request and nothing else."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx2
import openai
from pydantic import BaseModel, Field, ValidationError

from orchestration.resources import Endpoint, UserError

PATIENCE = 60.0  # seconds for an answer
RETRIES = 2
LARGEST = 256 * 1024  # bytes of an answer; ten proposals are some 5 KB
MOST_MODELS = 8  # that an error names

# The client would add the machine, its operating system and Python, and an organisation from the environment. By the last of these
# headers it knows again how it wanted to read the answer.
SENT = frozenset(
    {"host", "content-type", "content-length", "accept", "authorization", "connection", "x-stainless-raw-response"}
)

HINTS = {
    400: "does it know the model, and response_format json_schema?",
    401: "check HOLDFAST_LLM_KEY",
    403: "check HOLDFAST_LLM_KEY",
    404: "check HOLDFAST_LLM_URL and HOLDFAST_LLM_MODEL",
    429: "its limit is reached, try again later",
}


class EndpointFailed(Exception):
    """An endpoint gave no answer; the message is one line and holds nothing that the endpoint wrote."""


class Answer(NamedTuple):
    """What a model said, and how many tokens that took (None: the endpoint does not say)."""

    text: str
    tokens: int | None


class _Said(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Said
    finish_reason: str | None = None


class _Usage(BaseModel):
    total_tokens: int | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


def ask(endpoint: Endpoint, request: Mapping[str, Any], *, patience: float = PATIENCE) -> Answer:
    """Post a chat completion; a busy or failing endpoint is asked again, twice.

    Args:
        endpoint: Whom to ask.
        request: Body of the request.
        patience: Seconds for one try.

    Raises:
        EndpointFailed: There is no answer, or none that is one.
    """
    deadline = time.monotonic() + patience * (RETRIES + 1)
    with _client(endpoint, patience) as client:
        try:
            with client.chat.completions.with_streaming_response.create(**request) as response:
                body = bytearray()
                for part in response.iter_bytes():
                    body += part
                    if len(body) > LARGEST or time.monotonic() > deadline:
                        raise EndpointFailed(f"{endpoint.host} answers without end: {len(body):,} bytes were read")
        except openai.OpenAIError as fault:
            raise _failure(endpoint, fault, patience) from None
        except httpx2.HTTPError as fault:
            raise EndpointFailed(f"{endpoint.host} broke off its answer: {type(fault).__name__}") from None
    return _read(endpoint, bytes(body))


def model_of(endpoint: Endpoint, *, patience: float = PATIENCE) -> str:
    """The model that is set, or the only one that an endpoint has.

    Raises:
        UserError: It has several.
        EndpointFailed: It does not say which it has.
    """
    if endpoint.model:
        return endpoint.model
    with _client(endpoint, patience) as client:
        try:
            names = [found.id for found in client.models.list().data]
        except openai.OpenAIError as fault:
            raise _failure(endpoint, fault, patience) from None
        except (AttributeError, TypeError):
            raise EndpointFailed(f"{endpoint.host} does not say which models it has: set HOLDFAST_LLM_MODEL") from None
    if len(names) != 1:
        found = ", ".join(str(name)[:60] for name in names[:MOST_MODELS]) or "none"
        message = f"{endpoint.host} has {len(names)} models: set HOLDFAST_LLM_MODEL to one of them ({found})"
        raise UserError(message)
    return str(names[0])


def _client(endpoint: Endpoint, patience: float) -> openai.OpenAI:
    def strip(request: Any) -> None:
        """Leave of the headers what the protocol needs."""
        for name in list(request.headers):
            if name.lower() not in SENT or (name.lower() == "authorization" and not endpoint.key):
                del request.headers[name]
        request.headers["user-agent"] = "holdfast"
        request.headers["accept-encoding"] = "identity"

    # A redirect would carry the request to a host that nobody named.
    http = openai.DefaultHttpxClient(timeout=patience, follow_redirects=False, event_hooks={"request": [strip]})
    # A blank key would let the client take OPENAI_API_KEY, which is meant for somebody else.
    return openai.OpenAI(base_url=endpoint.url, api_key=endpoint.key or "none", max_retries=RETRIES, http_client=http)


def _failure(endpoint: Endpoint, fault: openai.OpenAIError, patience: float) -> EndpointFailed:
    """What happened, without the endpoint's own words: they may repeat the key."""
    if isinstance(fault, openai.APIStatusError):
        hint = HINTS.get(fault.status_code)
        return EndpointFailed(f"{endpoint.host} answered {fault.status_code}" + (f": {hint}" if hint else ""))
    if isinstance(fault, openai.APITimeoutError):
        return EndpointFailed(f"{endpoint.host} did not answer within {patience:g} s, {RETRIES + 1} times")
    if isinstance(fault, openai.APIConnectionError):
        return EndpointFailed(f"{endpoint.host} cannot be reached: check HOLDFAST_LLM_URL")
    return EndpointFailed(f"{endpoint.host} gave no answer: {type(fault).__name__}")


def _read(endpoint: Endpoint, body: bytes) -> Answer:
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError as fault:
        places = ", ".join(str(detail["msg"]) for detail in fault.errors(include_input=False, include_url=False)[:2])
        raise EndpointFailed(f"{endpoint.host} answered with no chat completion: {places}") from None
    choice = completion.choices[0]
    if choice.finish_reason == "length":
        raise EndpointFailed(f"{endpoint.host} cut its answer off: ask for fewer with --count")
    if not choice.message.content:
        raise EndpointFailed(f"{endpoint.host} answered without a word: its model may have declined")
    return Answer(choice.message.content, completion.usage.total_tokens if completion.usage else None)
