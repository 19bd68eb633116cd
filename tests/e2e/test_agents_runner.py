"""The realtime runner of ``openai-agents`` against a real server: its own event loop, tools and truncation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner

from realtime.journal import Entry
from realtime.talk import FRAME_SAMPLES, FRAME_SECONDS, RATE_HZ
from scheduler.commands import RecordHeard
from scheduler.tasks import cancel_and_wait
from tests.e2e.calls import WAIT_SECONDS
from tests.e2e.patience import play
from tests.e2e.recognising import missed_words, recognised_in
from tests.e2e.serving import Served
from tests.e2e.sounds import Samples, silence, speech

pytestmark = pytest.mark.slow


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


class Caller:
    """Speaks into a session of the runner, and keeps what it tells."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.events: list[Any] = []
        self._unspoken = silence(0)

    async def listen(self) -> None:
        async for event in self.session:
            assert event.type != "error", event
            self.events.append(event)

    async def speak_line(self) -> None:
        due = asyncio.get_running_loop().time()
        while True:
            due += FRAME_SECONDS
            await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0))  # the pace of a microphone
            frame, self._unspoken = self._unspoken[:FRAME_SAMPLES], self._unspoken[FRAME_SAMPLES:]
            frame = np.concatenate([frame, silence(FRAME_SECONDS)])[:FRAME_SAMPLES]
            await self.session.send_audio(frame.astype("<i2").tobytes())

    def say(self, text: str) -> None:
        self._unspoken = speech(text)

    def count(self, kind: str) -> int:
        return sum(event.type == kind for event in self.events)

    async def until(self, condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not condition():  # noqa: ASYNC110 - the runner's own tasks make it true
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError([event.type for event in self.events]) from None

    async def answer(self) -> Samples:
        """The sound of the next answer, once it has been played: the runner says earlier that it is over."""
        ended, heard = self.count("audio_end"), self.count("audio")
        await self.until(lambda: self.count("audio") > heard)
        began_at = asyncio.get_running_loop().time()
        await self.until(lambda: self.count("audio_end") > ended)
        audio = [event.audio.data for event in self.events if event.type == "audio"][heard:]
        sound = np.concatenate([silence(0), *(np.frombuffer(data, "<i2") for data in audio)])
        left = began_at + len(sound) / RATE_HZ - asyncio.get_running_loop().time()
        await asyncio.sleep(max(left, 0))  # plays
        return sound


@asynccontextmanager
async def running(served: Served, agent: RealtimeAgent[Any], mode: str = "semantic_vad") -> AsyncIterator[Caller]:
    settings: Any = {"turn_detection": {"type": mode}, "input_audio_transcription": {"model": "default"}}
    config: Any = {
        "url": f"{served.url}/v1/realtime?model=any",
        "api_key": "none",
        "initial_model_settings": settings,
    }
    async with await RealtimeRunner(agent).run(model_config=config) as session, asyncio.TaskGroup() as tasks:
        caller = Caller(session)
        work = [tasks.create_task(caller.listen()), tasks.create_task(caller.speak_line())]
        yield caller
        await cancel_and_wait(*work)


def journal_of_newest(served: Served) -> list[Entry]:
    """Of the call that was opened last, and is over; it replays without a difference."""
    served.wait_until_idle()
    newest = max(served.journals.glob("*"), key=lambda path: path.stat().st_mtime_ns)
    session_id = newest.stem.split("-", 1)[1]
    served.check_replay(session_id)
    return served.entries(session_id)


def test_a_text_turn_a_spoken_turn_and_a_function_tool(served: Served) -> None:
    async def main() -> None:
        agent = RealtimeAgent(name="a", instructions="Be brief.", tools=[get_weather])
        async with running(served, agent) as caller:
            caller.say("what is twelve times twelve")
            spoken = await caller.answer()
            await caller.until(lambda: caller.count("agent_end") == 1)
            await caller.session.send_message("now divide that by three")
            typed = await caller.answer()
            # typed: as a second spoken turn the recogniser hears "what is delivered in paris"
            await caller.session.send_message("what is the weather in paris")
            tool = await caller.answer()
        journal_of_newest(served)
        assert caller.count("tool_end") == 1
        product, third, weather = await recognised_in(spoken, typed, tool)
        assert missed_words("one hundred and forty four", product) <= 1
        assert missed_words("forty eight", third) <= 1
        assert missed_words("sunny in paris", weather) <= 1

    play(served, main)


@pytest.mark.parametrize("mode", ["semantic_vad", "server_vad"])
def test_a_barge_in_with_truncation(served: Served, mode: str) -> None:
    async def main() -> None:
        async with running(served, RealtimeAgent(name="a", instructions="Be brief."), mode) as caller:
            caller.say("count to thirty")
            await caller.until(lambda: caller.count("audio") > 0)
            await asyncio.sleep(2.5)  # listens to some of the numbers
            caller.say("what is twelve times twelve")
            await caller.until(lambda: caller.count("audio_interrupted") == caller.count("audio_end") == 1)
            answer = await caller.answer()
        assert missed_words("one hundred and forty four", (await recognised_in(answer))[0]) <= 1
        said = [entry for _, entry in journal_of_newest(served) if isinstance(entry, RecordHeard)]
        assert said[0].cut_off
        assert "One, two, three" in said[0].text  # behind a filler, if the answer took its time
        assert "thirty" not in said[0].text

    play(served, main)
