"""One stream of thinking on its way: what it has told, what it may do, and what of it waits for a commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from scheduler.commands import Think
from scheduler.events import (
    Event,
    OpeningVerified,
    SentenceGrew,
    SentenceWritten,
    ThinkEnded,
    ThinkEnding,
    ThoughtGrown,
    WordsWritten,
)
from think_loop.admission import Ticket
from think_loop.sentences import SentenceSplitter


class Stream:
    """Publishes the events of one ``Think``; nothing after its ``ThinkEnded``.

    ``streams_text``: the voice takes text as it is written, so sentences are told while they grow, too.
    What a speculative stream thought and did is recorded only when it is promoted.
    """

    def __init__(self, think: Think, publish: Callable[[Event], None], *, streams_text: bool = False) -> None:
        self.think = think
        self.ended = False
        self.task: asyncio.Task[None] | None = None
        self.committed = asyncio.Event()
        """Side effects are allowed, and as many words as there are."""
        if not think.purpose.is_speculative:
            self.committed.set()
        self.ticket: Ticket | None = None
        self.silent = False
        self.wrote = False
        self.client_called = False
        self.finish_reason: Literal["stop", "length", "tools"] = "stop"
        self.thoughts = ""
        self.input_tokens = 0
        self.output_tokens = 0
        self.cached_tokens = 0
        self.estimated_output = 0
        """Tokens of the current round, for as long as the engine has not told its own count."""
        self._publish = publish
        self._splitter = SentenceSplitter(streamed=streams_text) if think.audible else None
        self._streams_text = streams_text
        self._sentence_count = 0
        self._grown = 0
        """Characters of the sentence that is being written which were told already."""
        self._deferred: list[Callable[[], None]] = []

    def publish(self, event: Event) -> None:
        if not self.ended:
            self._publish(event)

    def end(self, ending: ThinkEnding, message: str = "") -> None:
        if self.ended:
            return
        output_tokens = self.output_tokens + self.estimated_output
        self.publish(
            ThinkEnded(self.think.think_id, ending, message, self.input_tokens, output_tokens, self.cached_tokens)
        )
        self.ended = True

    @property
    def is_ahead_enough(self) -> bool:
        """A sentence is written: the rest of a draft can wait for the commit."""
        return self._sentence_count > 0

    # --- what is recorded -----------------------------------------------------------------------------

    def record(self, write_down: Callable[[], None]) -> None:
        """Into the history, or, before a commit, kept until then."""
        if self.committed.is_set():
            write_down()
        else:
            self._deferred.append(write_down)

    def promote(self) -> None:
        self.committed.set()
        if self.ticket is not None:
            self.ticket.promote()
        deferred, self._deferred = self._deferred, []
        for write_down in deferred:
            write_down()

    # --- what is told ---------------------------------------------------------------------------------

    def think_on(self, text: str) -> None:
        """More of a thought. A sentence that seems to be over is spoken meanwhile."""
        if self._splitter is not None and self._splitter.may_be_over:
            self.flush()
        self.thoughts += text
        self.publish(ThoughtGrown(self.think.think_id, text))

    def write(self, text: str) -> None:
        """More of the answer."""
        self.wrote = self.wrote or bool(text.strip())
        self.publish(WordsWritten(self.think.think_id, text))
        if self._splitter is None:
            return
        self._tell_sentences(self._splitter.feed(text))
        self._tell_growth()

    def flush(self) -> None:
        """Whatever was written and is no whole sentence yet, is one now."""
        if self._splitter is not None:
            self._tell_sentences(self._splitter.finish())

    def opening_is(self, text: str) -> None:
        """How much of the opening holds. What is written from here on goes on behind it."""
        self.publish(OpeningVerified(self.think.think_id, text))
        self.go_on_from(text)

    def go_on_from(self, opening: str) -> None:
        """This was told before, by another stream: what comes may end its last sentence."""
        if not opening:
            return
        self.wrote = True
        if self._splitter is None:
            return
        self._sentence_count += len(self._splitter.feed(opening))
        if self._splitter.may_be_over:
            self._sentence_count += len(self._splitter.finish())
        self._grown = len(self._splitter.certain)

    def _tell_sentences(self, texts: Sequence[str]) -> None:
        for text in texts:
            self._grow(text)
            self.publish(SentenceWritten(self.think.think_id, self._sentence_count, text))
            self._sentence_count += 1
            self._grown = 0

    def _tell_growth(self) -> None:
        if self._splitter is not None:
            self._grow(self._splitter.certain)

    def _grow(self, text: str) -> None:
        """``text``: the sentence so far."""
        if self._streams_text and len(text) > self._grown:
            self.publish(SentenceGrew(self.think.think_id, self._sentence_count, text[self._grown :]))
            self._grown = len(text)
