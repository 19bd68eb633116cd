"""A real playout on a line that knows its position, and what the wire says of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from audio.loopback import RecordingTransport
from audio.playout import Playout
from scheduler.commands import OpenTurn, Purpose, Speak, StopSpeaking, StopThinking, Think
from scheduler.events import ThinkEnded, ThinkEnding
from scheduler.pcm import Pcm, WordTime
from scheduler.virtual_time import run
from tests.audio.stage import RATE, sentence
from tests.realtime.wire.test_wire_mapper import CLOSE_AUDIO, ITEM
from tests.realtime.wire.wire_help import Wire, types

TEXT = "one two three four five."
DELTA = "response.output_audio_transcript.delta"


class TellingLine(RecordingTransport):
    """Tells the wire of what leaves, as a media line does."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(RATE, position="exact")
        self._wire = wire

    async def send(self, utterance_id: str, pcm: Pcm, words: tuple[WordTime, ...]) -> None:
        await super().send(utterance_id, pcm, words)
        self._wire.log += self._wire.mapper.audio_left(utterance_id, pcm.duration_seconds, words)


def call(*, barge_in_seconds: float | None = None) -> Wire:
    """One answer of 1.5 s, perhaps interrupted."""

    async def main() -> Wire:
        wire = Wire(media=True, extensions=True)
        playout = Playout(lambda event: wire.happens(event) and None, TellingLine(wire))
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(playout.run())
            wire.happens(Think("k1", Purpose.ANSWER), Speak("u1", 0, TEXT, "k1"))
            for chunk in sentence(TEXT):
                await playout.enqueue("u1", 0, chunk)
            playout.end_sentence("u1", 0)
            playout.finish("u1")
            wire.happens(ThinkEnded("k1", ThinkEnding.DONE))
            if barge_in_seconds is not None:
                await asyncio.sleep(barge_in_seconds)  # virtual
                stop = StopSpeaking("u1", 0.2, "barge_in")
                wire.happens(OpenTurn("t2", barge_in_seconds), StopThinking("k1"), stop)
                playout.handle(stop)
            await asyncio.sleep(3)  # virtual
            running.cancel()
        return wire

    return run(main)


def standard(wire: Wire) -> list[str]:
    return [kind for kind in types(wire.log) if not kind.startswith("stretto.")]


def said(wire: Wire) -> list[dict[str, Any]]:
    return [event for event in wire.log if event["type"] == "stretto.said"]


def test_an_answer_sounds_word_by_word_to_its_end() -> None:
    wire = call()
    told = standard(wire)
    assert told[:4] == ["response.created", *ITEM]
    assert sorted(told[4:10]) == sorted([DELTA] * 5 + ["output_audio_buffer.started"])
    assert told[10:] == [*CLOSE_AUDIO, "response.done", "output_audio_buffer.stopped"]
    assert [event["text"] for event in said(wire)][-1] == TEXT
    assert said(wire)[-1]["seconds"] == pytest.approx(1.5, abs=0.05)


def test_an_interrupted_answer_is_truncated_at_what_was_heard() -> None:
    wire = call(barge_in_seconds=0.75)
    told = standard(wire)
    assert told[told.index("input_audio_buffer.speech_started") :] == [
        "input_audio_buffer.speech_started",
        *CLOSE_AUDIO,
        "response.done",
        "conversation.item.truncated",
        "output_audio_buffer.cleared",
    ]
    truncated = next(event for event in wire.log if event["type"] == "conversation.item.truncated")
    assert 750 <= truncated["audio_end_ms"] <= 960
    assert truncated["audio_end_ms"] / 1000 == pytest.approx(said(wire)[-1]["seconds"], abs=0.001)
    item = wire.receives(type="conversation.item.retrieve", item_id=truncated["item_id"]).events[0]["item"]
    assert item["content"][0]["transcript"] == said(wire)[-1]["text"]
    assert TEXT.startswith(said(wire)[-1]["text"])
    assert said(wire)[-1]["text"] != TEXT
