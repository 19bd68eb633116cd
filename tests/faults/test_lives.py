"""Lives that end badly, on real sockets: what one session held comes back, and the others go on."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest
import websockets

from audio.asr.pocketsphinx import PocketsphinxRecognizer
from realtime.outbox import MAX_WAITING_BYTES
from scheduler.events import CallEnding
from scheduler.pcm import Pcm
from tests.audio.speech import flite_speech
from tests.audio.test_pocketsphinx import needs_flite
from tests.faults.live import Live, said, serving, until
from tests.faults.scenes import ANSWER, quiet, simulated_engines, simulated_settings, tone
from think_loop.engines.simulated import SimulatedModel
from think_loop.language_model import Piece, Prompt, Words

pytestmark = pytest.mark.slow  # real sockets; answers are played in real time


# --- a client that never reads ------------------------------------------------------------------------


@asynccontextmanager
async def deaf_client(address: str) -> AsyncIterator[asyncio.StreamWriter]:
    """Shakes hands by hand and reads nothing more; its socket takes as little as the system lets it."""
    host, port = address.split(":")
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect((host, int(port)))
    reader, writer = await asyncio.open_connection(sock=narrow, limit=1024)
    writer.write(
        b"GET /v1/realtime HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    try:
        yield writer
    finally:
        writer.close()


def frame(text: bytes) -> bytes:
    """A client's text frame, masked with zeros."""
    size = len(text)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + text


class EndlessModel(SimulatedModel):
    """Writes as fast as anybody takes it."""

    async def generate(self, prompt: Prompt) -> AsyncIterator[Piece]:
        while True:
            yield Words("and so on " * 10_000)
            await asyncio.sleep(0)


def test_a_client_that_never_reads_is_disconnected_and_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> int:
        async with serving(simulated_engines(model=EndlessModel())) as live, live.client() as other:
            async with deaf_client(live.address) as writer:
                await until(lambda: live.server.session_count == 2)
                tracemalloc.start()  # not the process's size: how much of it is returned hangs on the tests before
                try:
                    writer.write(frame(b'{"type":"response.create","response":{"output_modalities":["text"]}}'))
                    await until(lambda: live.server.session_count == 1, 30.0)
                    _, grown = tracemalloc.get_traced_memory()
                finally:
                    tracemalloc.stop()
            await other.line.send("{")
            assert await other.error() == "invalid_json"
        assert b"stretto_slow_clients_total 1.0" in live.server.metrics.render()
        return grown

    with caplog.at_level(logging.WARNING):
        grown = asyncio.run(main())
    assert "the client does not read its events; it is disconnected" in caplog.text
    assert grown < 12 * MAX_WAITING_BYTES, "what waits is bounded, and so is what the model writes ahead"


# --- bugs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["observer", "ears", "conductor"])
def test_a_bug_ends_its_session_with_a_reason_and_no_other(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a bug")

    async def main() -> None:
        async with serving() as live, live.client() as sound:
            async with live.client() as struck:
                session = live.sessions[1]
                match place:
                    case "observer":
                        monkeypatch.setattr(session._runner, "_observe", fail)
                    case "ears":
                        monkeypatch.setattr(session._ears, "_take_chunk", fail)
                    case _:
                        monkeypatch.setattr(session._runner, "_step", fail)
                await struck.append(tone(1.0), quiet(1.0))
                ending = await struck.closed()
                assert (ending.code, ending.reason) == (1011, "the session failed by an error of the server")
                assert struck.events[-1]["error"]["code"] == "session_failed"
            await until(lambda: live.server.session_count == 1)
            assert await sound.ask() == ANSWER
            assert b"stretto_sessions_failed_total 1.0" in live.server.metrics.render()

    asyncio.run(main())


# --- the recogniser's process -------------------------------------------------------------------------


ATTEMPTS = 3
"""A turn is committed with the words known 0.6 s after its end. A recogniser that has to share its core may know too few
of them by then: it is asked again, as callers do."""


@needs_flite
def test_a_recogniser_killed_in_the_middle_of_a_word_is_restarted_and_the_caller_told() -> None:
    sorry = "Sorry, say again."
    settings = simulated_settings(engines={"vad": "silero"}, agent={"phrases": {"ears_failed": sorry}})
    heard: list[str] = []

    def script(prompt: Prompt) -> Sequence[Piece]:
        heard.append(prompt.messages[-1].text)
        return [Words(ANSWER)]

    def speech(text: str) -> Pcm:
        return Pcm(flite_speech(text).repeat(3)[::2].copy(), 24_000)  # 16 to 24 kHz, as roughly as a poor line

    async def main() -> None:
        recognizer = PocketsphinxRecognizer(processes=1)
        engines = simulated_engines(recognizer=recognizer, model=SimulatedModel(script=script))
        async with serving(engines, settings) as live, live.client() as client:
            question = speech("what is twelve times twelve")
            await client.append(quiet(0.5), Pcm(question.samples[:8400], 24_000))
            await client.until("input_audio_buffer.speech_started")
            os.kill(recognizer.process_ids()[0], signal.SIGKILL)
            await asyncio.sleep(0.3)  # real time: the death must be noticed before the sentence goes on in another
            await client.append(quiet(2.0))
            assert await client.answer() == sorry
            await asyncio.sleep(3.0)  # the excuse, of 1.2 s, is played to its end
            for _ in range(ATTEMPTS):
                await client.append_at_pace(question, quiet(1.5))
                assert await client.answer() == ANSWER
                if "what is twelve times twelve" in heard[-1]:
                    return
                await asyncio.sleep(2.0)  # the answer, of 1 s, is played to its end
            pytest.fail(f"heard instead: {heard}")

    asyncio.run(main())


# --- hanging up and shutting down ---------------------------------------------------------------------


def usage() -> tuple[int, int]:
    """Tasks and open files of this process."""
    gc.collect()
    return len(asyncio.all_tasks()), psutil.Process().num_fds()


async def back_to(before: tuple[int, int], live: Live) -> None:
    await until(lambda: live.server.session_count == 0)
    await until(lambda: usage()[0] <= before[0] and usage()[1] <= before[1])


@pytest.mark.parametrize("moment", ["mid-speech", "thinking", "mid-answer"])
@pytest.mark.parametrize("politely", [True, False])
def test_hanging_up_gives_back_tasks_and_files(moment: str, politely: bool) -> None:
    async def main() -> None:
        async with serving() as live:
            before = usage()
            for _ in range(3):
                async with live.client() as client:
                    await client.append(tone(1.0), *([quiet(1.0)] if moment != "mid-speech" else []))
                    await client.until(
                        {
                            "mid-speech": "input_audio_buffer.speech_started",
                            "thinking": "response.created",
                            "mid-answer": "response.content_part.added",
                        }[moment]
                    )
                    if not politely:
                        client.line.transport.abort()
            await back_to(before, live)

    asyncio.run(main())


def test_two_hundred_calls_that_leave_at_once_leave_nothing() -> None:
    async def main() -> int:
        async with serving() as live:

            async def come_and_go(times: int) -> None:
                for number in range(times):
                    line = await websockets.connect(f"ws://{live.address}/v1/realtime", ping_interval=None)
                    if number % 2:
                        line.transport.abort()
                    await line.close()

            await come_and_go(50)  # whatever is kept for good is there after these
            await until(lambda: live.server.session_count == 0)
            before, objects = usage(), len(gc.get_objects())
            async with asyncio.TaskGroup() as tasks:
                for _ in range(10):
                    tasks.create_task(come_and_go(20))
            await back_to(before, live)
            live.sessions.clear()
            gc.collect()
            return len(gc.get_objects()) - objects

    assert asyncio.run(main()) < 2000, "objects more after 200 calls: caches, not sessions (of some 500 objects each)"


def test_a_shutdown_says_farewell_to_each_call_within_the_grace_time() -> None:
    farewell = "Goodbye."
    settings = simulated_settings(agent={"phrases": {"farewell_shutdown": farewell}})

    async def main() -> None:
        async with serving(settings=settings) as live, live.client() as resting, live.client() as talking:
            await talking.append(tone(1.0), quiet(1.0))
            await talking.until("response.content_part.added")
            began_at = asyncio.get_running_loop().time()
            stopping = asyncio.ensure_future(live.server.stop(8.0))  # noqa: TID251 - stands for a signal
            for client in (resting, talking):
                assert await client.answer() == farewell
                ending = await client.closed()
                assert (ending.code, ending.reason) == (1000, "the server is being shut down")
            await stopping
            assert asyncio.get_running_loop().time() - began_at < 8.0
            with pytest.raises(websockets.InvalidStatus):
                await websockets.connect(f"ws://{live.address}/v1/realtime")

    asyncio.run(main())


def test_a_shutdown_does_not_wait_longer_than_the_grace_time() -> None:
    async def main() -> None:
        async with serving() as live, live.client() as client:
            began_at = asyncio.get_running_loop().time()
            await live.server.stop(0.5)  # the farewell takes four seconds
            assert asyncio.get_running_loop().time() - began_at < 4.0
            assert (await client.closed()).code in (1000, 1001)

    asyncio.run(main())


# --- twenty at once -----------------------------------------------------------------------------------

CALLS, TURNS = 20, 4


async def hold_a_call(live: Live) -> list[str]:
    async with live.client() as client:
        answers = []
        for _ in range(TURNS):
            answers.append(await client.ask())
            await asyncio.sleep(
                2.0
            )  # the answer, of 1 s, sent ahead, is played to its end; else the next is a barge-in
        return answers


def test_twenty_calls_at_once_lose_no_turn_and_give_everything_back() -> None:
    async def main() -> None:
        async with serving() as live:
            await hold_a_call(live)  # what is loaded once is loaded
            before, threads, rss = usage(), psutil.Process().num_threads(), psutil.Process().memory_info().rss
            async with asyncio.TaskGroup() as tasks:
                calls = [tasks.create_task(hold_a_call(live)) for _ in range(CALLS)]
            answers = [answer for call in calls for answer in call.result()]
            assert len(answers) == CALLS * TURNS
            # twenty calls on a busy machine: fillers may stand before an answer
            assert [answer for answer in answers if not answer.endswith(ANSWER)] == []
            await back_to(before, live)
            live.sessions.clear()
            gc.collect()
            assert psutil.Process().num_threads() <= threads
            # The allocator keeps what twenty calls needed at once; a leak of whole calls would be more than this.
            assert psutil.Process().memory_info().rss - rss < 60e6

    asyncio.run(main())


def test_a_farewell_is_an_ordinary_end_for_those_who_wait_for_an_answer() -> None:
    async def main() -> None:
        async with serving() as live, live.client() as client:
            await client.append(tone(1.0), quiet(1.0))
            await client.until("response.created")
            live.sessions[0].publish(CallEnding("time is up"))
            ending = await client.closed()
            assert (ending.code, ending.reason) == (1000, "time is up")
            done = [event["response"] for event in client.events if event["type"] == "response.done"]
            assert [response["status"] for response in done] == ["cancelled"]
            assert said(done[0]) == ""

    asyncio.run(main())
