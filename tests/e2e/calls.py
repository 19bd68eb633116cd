"""A caller at the official ``openai`` client: a microphone in real time, a loudspeaker, and a log of what was told."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from openai import AsyncOpenAI

from realtime.talk import FRAME_SAMPLES, FRAME_SECONDS, RATE_HZ
from realtime.talk_measure import Loudspeaker
from scheduler.tasks import cancel_and_wait
from tests.e2e.serving import Served
from tests.e2e.sounds import Samples, silence

WAIT_SECONDS = 40.0
"""Generous: how fast answers are is judged by the benches."""
PCM = {"type": "audio/pcm", "rate": RATE_HZ}


@dataclass(frozen=True, slots=True)
class Told:
    """An event of the server. ``at``: seconds since the call began."""

    at: float
    event: Any

    @property
    def kind(self) -> str:
        return str(self.event.type)


class Call:
    """``next`` goes through the server's events in their order; ``said`` and ``speaker`` hold what came of answers.

    As browsers do, it flushes its loudspeaker on ``speech_started`` and says how much it had played.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.told: list[Told] = []
        self.speaker = Loudspeaker(RATE_HZ)
        self.truncated: list[tuple[str, int]] = []
        """Items and the milliseconds of them that had been played."""
        self.session_id = ""
        self._cursor = 0
        self._news = asyncio.Event()
        self._began_at = time.monotonic()
        self._unspoken: Samples = silence(0)
        self._spoken = asyncio.Event()

    def now(self) -> float:
        return time.monotonic() - self._began_at

    # --- hearing --------------------------------------------------------------------------------------

    async def listen(self) -> None:
        async for event in self.connection:
            self.told.append(Told(self.now(), event))
            await self._take(event)
            self._news.set()

    async def _take(self, event: Any) -> None:
        match event.type:
            case "session.created":
                self.session_id = event.session.id if hasattr(event.session, "id") else ""
            case "response.output_audio.delta" if all(item != event.item_id for item, _ in self.truncated):
                samples = np.frombuffer(base64.b64decode(event.delta), "<i2").astype(np.int16)
                self.speaker.play(self.now(), event.response_id, event.item_id, samples)
            case "input_audio_buffer.speech_started":
                await self._flush()
            case _:
                pass

    async def _flush(self) -> None:
        if stopped := self.speaker.flush(self.now()):
            item_id, played_ms = stopped[0], int(stopped[1] * 1000)
            self.truncated.append((item_id, played_ms))
            await self.connection.conversation.item.truncate(item_id=item_id, content_index=0, audio_end_ms=played_ms)

    async def next(self, kind: str, seconds: float = WAIT_SECONDS) -> Any:
        """The next event of this kind; those before it are passed over, but for errors."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    while self._cursor < len(self.told):
                        self._cursor += 1
                        told = self.told[self._cursor - 1]
                        if told.kind == kind:
                            return told.event
                        assert told.kind != "error", told.event
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {kind} in {seconds} s; told: {self.kinds()}") from None

    async def next_error(self) -> Any:
        """The server's complaint that is expected next."""
        await self.until(lambda: any(told.kind == "error" for told in self.told[self._cursor :]))
        while self.told[self._cursor].kind != "error":
            self._cursor += 1
        self._cursor += 1
        return self.told[self._cursor - 1].event.error

    def kinds(self) -> list[str]:
        """The kinds of all events, without repetitions in a row."""
        kinds = [told.kind for told in self.told]
        return [kind for kind, before in zip(kinds, ["", *kinds], strict=False) if kind != before]

    def story(self, served: Served) -> str:
        """For a test that failed: what was told when, and where the journal is."""
        told = [f"{told.at:7.3f} {told.kind}" for told in self.told]
        seldom = [line for line, before in zip(told, ["", *told], strict=False) if line[8:] != before[8:]]
        return "\n".join([*seldom, f"journal: {served.journal(self.session_id)}"])

    def all_told(self, kind: str) -> list[Told]:
        return [told for told in self.told if told.kind == kind]

    async def until(self, condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - time passing makes it true
                await asyncio.sleep(0.01)

    async def until_heard(self) -> None:
        """The loudspeaker has played all it was given."""
        await self.until(lambda: self.now() >= self.speaker.busy_until)

    async def answer(self, seconds: float = WAIT_SECONDS) -> Any:
        """The next response that ends, once it has been heard to its end."""
        done = await self.next("response.done", seconds)
        await self.until_heard()
        return done.response

    def sound_of(self, response: Any) -> Samples:
        """What of a response was played."""
        blocks = [block.samples for block in self.speaker.blocks if block.response_id == response.id]
        return np.concatenate([silence(0), *blocks])

    # --- speaking -------------------------------------------------------------------------------------

    async def speak_line(self) -> None:
        """The microphone: 20 ms every 20 ms, silence while there is nothing to say."""
        due = self.now()
        while True:
            due += FRAME_SECONDS
            await asyncio.sleep(max(due - self.now(), 0))  # the pace of a microphone
            frame, self._unspoken = self._unspoken[:FRAME_SAMPLES], self._unspoken[FRAME_SAMPLES:]
            await self.append(np.concatenate([frame, np.zeros(FRAME_SAMPLES - len(frame), np.int16)]))
            if not len(self._unspoken):
                self._spoken.set()

    async def append(self, samples: Samples) -> None:
        await self.connection.input_audio_buffer.append(audio=encoded(samples))

    async def say(self, *sounds: Samples) -> float:
        """Returns when the last sample has left; gives that time."""
        self._unspoken = np.concatenate(sounds)
        self._spoken.clear()
        await self._spoken.wait()
        return self.now()

    async def ask(self, text: str) -> None:
        """Typed, and answered at once."""
        await self.write(text)
        await self.connection.response.create()

    async def write(self, text: str) -> None:
        item: Any = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        await self.connection.conversation.item.create(item=item)

    async def configure(self, turn_detection: Any = "semantic_vad", **session: Any) -> None:
        mode = {"type": turn_detection} if isinstance(turn_detection, str) else turn_detection
        hearing = {"format": PCM, "transcription": {"model": "default"}, "turn_detection": mode}
        audio = {"input": hearing, "output": {"format": PCM}}
        await self.connection.session.update(session={"type": "realtime", "audio": audio, **session})
        await self.next("session.updated")

    async def retrieved(self, item_id: str) -> str:
        """The words of an item as the server's history has them."""
        await self.connection.conversation.item.retrieve(item_id=item_id)
        item = (await self.next("conversation.item.retrieved")).item
        return " ".join(filter(None, (part.transcript or part.text for part in item.content)))


def transcript(response: Any) -> str:
    return " ".join(part.transcript or part.text for item in response.output for part in item.content or ())


def encoded(samples: Samples) -> str:
    return base64.b64encode(samples.astype("<i2").tobytes()).decode()


@asynccontextmanager
async def calling(
    served: Served, turn_detection: Any = "semantic_vad", *, microphone: bool = True, **session: Any
) -> AsyncIterator[Call]:
    """A call with its microphone on. Once it is over, its journal replays without a difference."""
    client = AsyncOpenAI(api_key="none", base_url=f"http://{served.address}/v1")
    async with client.realtime.connect(model="any") as connection:
        call = Call(connection)
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(call.listen())
            await call.next("session.created")
            await call.configure(turn_detection, **session)
            tasks_of_call = [listening]
            if microphone:
                tasks_of_call.append(tasks.create_task(call.speak_line()))
            try:
                yield call
            except Exception as failure:
                failure.add_note(call.story(served))
                raise
            await cancel_and_wait(*tasks_of_call)
    await asyncio.to_thread(served.wait_until_idle)
    served.check_replay(call.session_id)
