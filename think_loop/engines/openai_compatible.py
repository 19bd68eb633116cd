"""Any server that speaks OpenAI's chat completions: vLLM, llama.cpp, Ollama, SGLang, OpenAI and many more.

Spec: ``openai:URL#MODEL``, such as ``openai:http://127.0.0.1:8000/v1#Qwen/Qwen3-8B``, or ``openai#MODEL`` for
``OPENAI_BASE_URL`` (OpenAI itself, if that is not set). The key comes from ``STRETTO_LLM_API_KEY``, else
``OPENAI_API_KEY``; servers of one's own mostly need none.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeGuard
from urllib.parse import urlsplit

import openai
import pydantic

from scheduler.commands import Effort
from scheduler.errors import LanguageModelError, SettingsError
from scheduler.tasks import clean_up
from think_loop.engines.openai_ahead import CONTINUES, Ability, Ahead, AheadSettings, is_too_long, short_request
from think_loop.engines.openai_foresight import MOST_TOKENS
from think_loop.engines.openai_wire import (
    DeltaReader,
    EffortStyle,
    wire_effort,
    wire_limit,
    wire_messages,
    wire_priority,
    wire_tools,
)
from think_loop.language_model import Foreseen, Piece, Prompt, Thought, Words
from think_loop.openings import OpeningRefusedError
from think_loop.think_tags import ThinkTags

log = logging.getLogger(__name__)

DEFAULT_BASE_URL = "https://api.openai.com/v1"
_NO_KEY = "none-needed"


@dataclass(frozen=True, slots=True)
class OpenAICompatibleSettings:
    connect_timeout_seconds: float = 5.0
    first_token_timeout_seconds: float = 30.0
    """From the request to the first token. A cold server that loads its model may need more."""
    token_timeout_seconds: float = 15.0
    """Between two tokens."""
    retries: int = 2
    """How often a request is tried again before its first token (unreachable, 408, 409, 429, 5xx)."""
    retry_delay_seconds: float = 0.25
    """Before the first retry; doubles each time. A server's ``Retry-After`` counts if it asks for less than 5 s."""
    effort_style: EffortStyle = "auto"
    late_system: Literal["user", "system"] = "user"
    """How notes and hints behind the first message are sent, see ``openai_wire.wire_messages``."""
    starts_in_thought: bool | None = None
    """Whether answers begin inside a thought (only ``</think>`` comes). ``None``: learned from the first answer."""
    sends_priority: bool = False
    """Whether requests carry ``Prompt.priority``: for vLLM with ``--scheduling-policy priority``, and SGLang with
    ``--enable-priority-scheduling --schedule-low-priority-values-first``. Others refuse the field or misread it."""
    extra_body: dict[str, Any] = field(default_factory=dict)
    """Sent with every request, for a server's own parameters."""
    ahead: AheadSettings = field(default_factory=AheadSettings)
    """What is used of servers that can do more than answer."""


class OpenAICompatible:
    """One client (and its connection pool) for all sessions."""

    simulated = False

    def __init__(self, base_url: str | None, model: str, settings: OpenAICompatibleSettings | None = None) -> None:
        """Raises ``SettingsError`` for a URL that is none."""
        self._settings = settings or OpenAICompatibleSettings()
        self._base_url = base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL
        parts = urlsplit(self._base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            shown = _without_login(self._base_url)
            raise SettingsError(f"{shown!r} is no URL of a language model server; it looks like http://HOST:PORT/v1.")
        self._model = model
        self._where = _without_login(self._base_url)
        self._name = f"openai:{_without_login(base_url)}#{model}" if base_url else f"openai#{model}"
        self._sends_priority = self._settings.sends_priority
        self._starts_in_thought = bool(self._settings.starts_in_thought)
        self._key = os.environ.get("STRETTO_LLM_API_KEY") or os.environ.get("OPENAI_API_KEY") or _NO_KEY
        self._client = openai.AsyncOpenAI(
            base_url=self._base_url,
            api_key=self._key,
            max_retries=0,  # our own retries know about first tokens
            timeout=openai.Timeout(None, connect=self._settings.connect_timeout_seconds),
        )
        self._ahead = Ahead(self._settings.ahead, self._where, model, self._client.chat.completions.create)

    @property
    def name(self) -> str:
        """The spec, without a login in its URL: clients and journals are told it."""
        return self._name

    async def warm_up(self) -> None:
        """See whether the server is there, takes our key and has the model (where it can tell)."""
        try:
            async with asyncio.timeout(2 * self._settings.connect_timeout_seconds):
                page = await self._client.models.list()
        except openai.NotFoundError:
            return  # a server without a list of models
        except (openai.OpenAIError, TimeoutError, ValueError) as error:
            raise LanguageModelError(self._explain(error)) from error
        for model in page.data or ():
            if model.id == self._model:
                self._ahead.is_owned_by(getattr(model, "owned_by", None))
        served = [model.id for model in page.data or ()]
        if served and self._model not in served:
            raise LanguageModelError(
                f"The server at {self._where} has no model {self._model!r}; it has {', '.join(served[:5])}."
            )

    async def generate(self, prompt: Prompt) -> AsyncIterator[Piece]:
        """See ``LanguageModel.generate``. Closing the iterator closes the HTTP stream.

        Raises ``OpeningRefusedError`` when the server can't go on behind the prompt's opening, or is to think first: its
        thoughts would have to stand before the opening."""
        if prompt.opening and self._thinks(prompt):
            raise OpeningRefusedError("What is thought about first can't be gone on with in its middle.")
        reader = DeltaReader(tags=ThinkTags(thinking=self._starts_in_thought and not prompt.opening))
        stream = None
        may_be_misread = bool(prompt.opening)
        try:
            stream, chunk = await self._begin(self._request(prompt), prompt)
            timeout_seconds = self._settings.first_token_timeout_seconds
            while chunk is not None:
                for piece in reader.read(_decoded(chunk)):
                    timeout_seconds = self._settings.token_timeout_seconds
                    if may_be_misread and isinstance(piece, Thought):
                        raise self._refused("it takes what goes on with an answer for a thought")
                    may_be_misread = may_be_misread and not isinstance(piece, Words)
                    yield piece
                async with asyncio.timeout(timeout_seconds):
                    chunk = await anext(stream, None)
            for piece in self._finish(reader, learns=not prompt.opening):
                yield piece
        except (openai.OpenAIError, TimeoutError, ValueError) as error:
            for piece in reader.rest():
                yield piece
            raise LanguageModelError(self._explain(error, begun=stream is not None)) from error
        finally:
            if stream is not None:
                await clean_up(stream.close())

    @property
    def continues_openings(self) -> bool:
        return self._ahead.continues

    @property
    def can_verify(self) -> bool:
        return self._ahead.verifies

    @property
    def can_foresee(self) -> bool:
        return self._ahead.foresees

    async def agreement(self, prompt: Prompt, opening: str) -> str | None:
        """See ``openings.VerifyingModel`` and ``Ahead.agreement``. Raises nothing."""
        if self._thinks(prompt):
            return None
        request = self._request(replace(prompt, opening=opening))
        return await self._ahead.agreement(short_request(request, self._max_tokens_field(), 1), prompt, opening)

    async def foresee(self, prompt: Prompt) -> Foreseen | None:
        """See ``ForeseeingModel`` and ``Ahead.foresee``. Raises nothing."""
        request = short_request(self._request(prompt), self._max_tokens_field(), MOST_TOKENS)
        return await self._ahead.foresee(request, prompt)

    async def close(self) -> None:
        await self._client.close()

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        settings = self._settings
        request: dict[str, Any] = {
            "model": self._model,
            "messages": wire_messages(prompt, settings.late_system),
            "stream": True,
            "stream_options": {"include_usage": True},
            **wire_tools(prompt),
        }
        if prompt.temperature is not None:
            request["temperature"] = prompt.temperature
        limit = wire_limit(prompt, settings.effort_style, self._base_url, self._model)
        if limit is not None:
            request[self._max_tokens_field()] = limit
        effort = wire_effort(prompt.effort, settings.effort_style, self._base_url, self._model)
        priority = wire_priority(prompt, self._sends_priority)
        continues = CONTINUES if prompt.opening else {}
        extra_body = {**effort.pop("extra_body", {}), **priority, **continues, **settings.extra_body}
        return {**request, **effort, **({"extra_body": extra_body} if extra_body else {})}

    def _thinks(self, prompt: Prompt) -> bool:
        """Whether the server is told to think before it answers, if its model can."""
        told = wire_effort(prompt.effort, self._settings.effort_style, self._base_url, self._model)
        return bool(told) and prompt.effort is not Effort.REFLEX

    def _max_tokens_field(self) -> str:
        """OpenAI's own newer models refuse ``max_tokens``; most other servers know only that."""
        host = urlsplit(self._base_url).hostname or ""
        return "max_completion_tokens" if host.endswith("openai.com") else "max_tokens"

    async def _begin(self, request: dict[str, Any], prompt: Prompt) -> tuple[Any, Any]:
        """Send the request and wait for the first chunk, with retries. Returns the stream and that chunk.

        Of the request's limit the prompt's own is left where the server has no room for ours."""
        settings = self._settings
        for attempt in range(settings.retries + 1):
            stream = None
            try:
                async with asyncio.timeout(settings.first_token_timeout_seconds):
                    stream = await self._client.chat.completions.create(**request)
                    chunk = await anext(stream, None)
                if chunk is None:
                    raise LanguageModelError(
                        f"The server at {self._where} sent no chat completion, but an empty answer or a page; "
                        "is the URL right (…/v1)?"
                    )
                return stream, chunk
            except openai.OpenAIError as error:
                if _refuses_stream_options(error) and request.pop("stream_options", None):
                    continue
                if _refuses_limit(error) and _lower_limit(request, self._max_tokens_field(), prompt.max_output_tokens):
                    continue
                if settings.sends_priority and _refuses_priority(error) and _without_priority(request):
                    log.warning("the server at %s refuses priorities; it is sent none from now on", self._where)
                    self._sends_priority = False
                    continue
                if prompt.opening and _refuses_request(error) and not is_too_long(error):
                    raise self._refused(_said(error)) from error
                if attempt == settings.retries or not _may_pass(error):
                    raise
                log.info("the language model server failed (%s); trying again", type(error).__name__)
                await asyncio.sleep(_retry_delay(error, settings.retry_delay_seconds * 2**attempt))
            except BaseException:
                if stream is not None:
                    await clean_up(stream.close())
                raise
        raise LanguageModelError(f"The language model server at {self._where} gave no answer.")

    def _refused(self, why: str) -> OpeningRefusedError:
        self._ahead.lacks(Ability.CONTINUING, why)
        return OpeningRefusedError(f"The language model server at {self._where} can't go on behind an opening: {why}")

    def _finish(self, reader: DeltaReader, learns: bool) -> list[Piece]:
        if reader.error is not None:
            raise LanguageModelError(f"The language model server at {self._where} failed: {reader.error}")
        if reader.finish_reason is None:
            raise LanguageModelError(
                f"The language model server at {self._where} ended its answer in the middle; see its log."
            )
        pieces = reader.finish()
        if learns:
            self._learn(reader.tags)
        return pieces

    def _learn(self, tags: ThinkTags) -> None:
        if self._settings.starts_in_thought is None:
            self._starts_in_thought = (self._starts_in_thought or tags.lone_close_seen) and not tags.assumption_failed

    def _explain(self, error: BaseException, begun: bool = False) -> str:
        """One sentence on what went wrong and what to do."""
        where = self._where
        match error:
            case openai.APITimeoutError() | TimeoutError() if not begun:
                return f"The language model server at {where} did not answer in time; it may be loading or overloaded."
            case openai.APITimeoutError() | TimeoutError():
                return f"The language model server at {where} went silent in the middle of its answer."
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                return (
                    f"The language model server at {where} refuses the key; set STRETTO_LLM_API_KEY or OPENAI_API_KEY."
                )
            case openai.NotFoundError():
                return f"The server at {where} does not know the model {self._model!r} or the path; {_said(error)}"
            case openai.RateLimitError():
                what = "is at its rate limit, or no quota is left; try again later"
                return f"The language model server at {where} {what}{_said_more(error)}."
            case openai.BadRequestError():
                return f"The language model server at {where} refuses the request; {_said(error)}"
            case openai.APIStatusError():
                return f"The language model server at {where} failed with status {error.status_code}; see its log."
            case openai.APIConnectionError() if not begun:
                return f"Can't reach {where}: is the language model server running, and is the URL right?"
            case openai.APIConnectionError():
                return f"The connection to {where} broke in the middle of the answer; is the server still running?"
            case openai.APIError():
                return f"The language model server at {where} failed: {error.message[:300]}"
            case _:
                return f"The server at {where} sent something that is no chat completion; is the URL right (…/v1)?"


def _without_login(url: str) -> str:
    """``http://user:password@host/v1`` as ``http://host/v1``."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else url


def _decoded(chunk: object) -> object:
    return chunk.model_dump(warnings="none") if isinstance(chunk, pydantic.BaseModel) else chunk


def _said(error: openai.APIStatusError) -> str:
    return f"it said: {' '.join(error.message.split())[:300]}"


def _said_more(error: openai.APIStatusError) -> str:
    """``_said`` in brackets, unless the server gave no words of its own."""
    return "" if error.message == f"Error code: {error.status_code}" else f" ({_said(error)})"


def _refuses_request(error: Exception) -> TypeGuard[openai.APIStatusError]:
    return isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError)


def _refuses_stream_options(error: Exception) -> bool:
    return _refuses_request(error) and "stream_options" in str(error)


def _refuses_limit(error: Exception) -> bool:
    """vLLM: "'max_tokens' ... is too large: 12000. This model's maximum context length is 8192 tokens"."""
    said = str(error)
    return _refuses_request(error) and (
        "max_tokens" in said or "max_completion_tokens" in said or "context length" in said
    )


def _lower_limit(request: dict[str, Any], field: str, asked: int | None) -> bool:
    """Take our own room for thoughts out of the limit. Whether there was any."""
    had = request.pop(field, None)
    if asked is not None:
        request[field] = asked
    return bool(had != asked)


def _refuses_priority(error: Exception) -> bool:
    """vLLM without ``--scheduling-policy priority`` says "Priority scheduling is not enabled"."""
    return _refuses_request(error) and "priority" in str(error).lower()


def _without_priority(request: dict[str, Any]) -> bool:
    """Take it out. Whether it was in there."""
    return request.get("extra_body", {}).pop("priority", None) is not None


def _may_pass(error: Exception) -> bool:
    """Whether the same request may succeed in a moment."""
    if isinstance(error, openai.APIStatusError):
        return error.status_code in (408, 409, 429) or error.status_code >= 500
    return isinstance(error, openai.APIConnectionError)


def _retry_delay(error: Exception, delay_seconds: float) -> float:
    if isinstance(error, openai.APIStatusError):
        try:
            asked = float(error.response.headers.get("retry-after", ""))
        except ValueError:
            return delay_seconds
        if 0 <= asked < 5.0:
            return max(asked, delay_seconds)
    return delay_seconds
