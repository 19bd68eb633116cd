"""A place where rendered speech goes, for tests of the speaker."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from scheduler.pcm import Pcm, SpeechChunk


@dataclass
class Sink:
    """Keeps what it is given; ``stopped`` utterances are refused, ``held`` ones wait for ever."""

    log: list[tuple[str, str, int]] = field(default_factory=list)
    stopped: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    text: dict[str, str] = field(default_factory=dict)
    kept_back: set[str] = field(default_factory=set)
    mixed: list[Pcm] = field(default_factory=list)
    tell_end: Callable[[str], None] = lambda _: None

    async def enqueue(self, utterance_id: str, index: int, chunk: SpeechChunk) -> bool:
        if utterance_id in self.held:
            await asyncio.Event().wait()
        if utterance_id in self.stopped:
            return False
        if ("audio", utterance_id, index) not in self.log:
            self.log.append(("audio", utterance_id, index))
        self.text[utterance_id] = self.text.get(utterance_id, "") + "".join(word.text for word in chunk.words)
        return True

    def end_sentence(self, utterance_id: str, index: int) -> None:
        self.log.append(("end", utterance_id, index))

    def finish(self, utterance_id: str) -> None:
        self.log.append(("finish", utterance_id, -1))

    def place_of(self, utterance_id: str) -> float:
        return math.inf if utterance_id in self.kept_back else 0.0

    def mix(self, pcm: Pcm) -> bool:
        self.mixed.append(pcm)
        return True

    def on_end(self, told: Callable[[str], None]) -> None:
        self.tell_end = told
