"""``stretto talk``: a caller made of recordings. Speaks to any server of the OpenAI Realtime protocol over a
websocket, in real time as a microphone would, and measures the answers at its own loudspeaker."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from realtime.stereo import AGENT, CALLER, StereoTimeline
from realtime.talk_exchange import Exchange, ToolsSeen
from realtime.talk_measure import Loudspeaker, TurnReport, end_of_speech_seconds
from scheduler.errors import StrettoError
from scheduler.tasks import cancel_and_wait

RATE_HZ = 24_000
FRAME_SECONDS = 0.02
FRAME_SAMPLES = round(RATE_HZ * FRAME_SECONDS)
POLL_SECONDS = 0.02
MAX_MESSAGE_BYTES = 16 * 2**20
KEPT_SECONDS = 3600.0
"""Bound of the recording of a call: its last hour, 0.7 GB of both sides. Overflow policy: the oldest is dropped."""
DROP_EVERY_SECONDS = 10.0
GREETING_WITHIN_SECONDS = 0.4
"""A server that greets has begun to by then, counted from when it agreed to the session."""
_SILENT_PURPOSES = ("answer", "draft", "opening", "report", "nudge")
"""Of ``stretto.silence``: the thinking whose silence a caller notices."""


class TalkError(StrettoError):
    """The talk could not be held."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the caller says: ``samples`` (int16 [n] at 24 kHz), or ``text`` typed instead of spoken."""

    name: str
    samples: NDArray[np.int16] | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class TalkOptions:
    """``gap_seconds``: pause between an answer and the next question; ``interrupt_seconds``: the next question begins
    so long after the answer's first sound, over it; ``linger_seconds``: how long to stay after the last answer,
    for what the agent says by itself; ``timeout_seconds``: the longest wait for an answer to end."""

    url: str
    api_key: str = ""
    turn_detection: str = "semantic_vad"
    gap_seconds: float = 0.8
    interrupt_seconds: float | None = None
    linger_seconds: float = 0.0
    timeout_seconds: float = 60.0


def realtime_url(url: str) -> str:
    """``ws://HOST:PORT/v1/realtime?model=stretto`` from what a person types; a server may be mounted under a path."""
    parts = urlsplit(url if "://" in url else f"ws://{url}")
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in ("ws", "wss") or not parts.hostname:
        raise TalkError(f"{url!r} is no address of a server; write ws://HOST:PORT.")
    path = f"{parts.path.rstrip('/').removesuffix('/realtime').removesuffix('/v1')}/v1/realtime"
    query = urlencode({"model": "stretto", **dict(parse_qsl(parts.query))})
    return urlunsplit((scheme, parts.netloc, path, query, ""))


def read_recording(path: Path) -> NDArray[np.int16]:
    """Any audio file as int16 [n] at 24 kHz, mono."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise TalkError(f"{path} can't be read as audio: {error}") from None
    return to_int16(soxr.resample(samples.mean(axis=1), rate, RATE_HZ))


def to_int16(samples: NDArray[np.floating[Any]]) -> NDArray[np.int16]:
    """Float samples in -1 to 1 as int16."""
    return np.clip(np.round(samples * 32767), -32768, 32767).astype(np.int16)


class Microphone(Protocol):
    def read(self) -> NDArray[np.int16]:
        """The next frame, int16 [n] at 24 kHz; waits for it."""
        ...


class AudioOut(Protocol):
    def play(self, samples: NDArray[np.int16]) -> None:
        """Queue int16 [n] at 24 kHz; never waits."""
        ...

    def flush(self) -> None:
        """Drop what has not sounded yet."""
        ...


class Talk:
    """One call. ``report`` is told of each turn as soon as it is over. ``audio_out`` plays the agent aloud.

    With a ``microphone`` there are no questions: the call goes on until the server ends it or it is cancelled.
    ``recording`` gives the last ``kept_seconds`` of it, however it ended; with 0 nothing worth mentioning is kept.
    """

    def __init__(
        self,
        options: TalkOptions,
        questions: Sequence[Question],
        *,
        report: Callable[[TurnReport], None],
        audio_out: AudioOut | None = None,
        microphone: Microphone | None = None,
        kept_seconds: float = KEPT_SECONDS,
    ) -> None:
        self._options = options
        self._kept_seconds = kept_seconds
        self._questions = questions
        self._report = report
        self._audio_out = audio_out
        self._device = microphone
        self._speaker = Loudspeaker(RATE_HZ)
        self._timeline = StereoTimeline(RATE_HZ)
        self._began_at = 0.0
        self._unspoken: NDArray[np.int16] = np.zeros(0, np.int16)
        self._spoken = asyncio.Event()
        self._stopped_items: set[str] = set()
        self._turn = TurnReport(0, None)
        self._exchange = Exchange()
        self._tools = ToolsSeen()
        self._ready = asyncio.Event()

    def _now(self) -> float:
        return time.monotonic() - self._began_at

    async def run(self) -> None:
        """Hold the talk. Raises ``TalkError`` when the server ends it, or can't be reached."""
        url = realtime_url(self._options.url)
        headers = {"Authorization": f"Bearer {self._options.api_key}"} if self._options.api_key else {}
        try:
            # the events tell of silences and of the server's tools; other servers don't mind
            async with connect(f"{url}&stretto=1", additional_headers=headers, max_size=MAX_MESSAGE_BYTES) as socket:
                await self._hold(socket)
        except BaseExceptionGroup as group:
            raise _talk_error(group) from None
        except InvalidStatus as error:
            raise TalkError(f"{url} refused the call: HTTP {error.response.status_code}.") from None
        except ssl.SSLCertVerificationError as error:
            raise TalkError(
                f"{url} shows a certificate that this machine does not trust ({error.verify_message}); for a server's "
                "own, name its certificate.pem in SSL_CERT_FILE (docs/network.md)."
            ) from None
        except (OSError, InvalidHandshake) as error:
            raise TalkError(f"There is no server at {url} ({error}); start one with: stretto serve") from None
        except ConnectionClosed as error:
            raise TalkError(f"The server closed the call: {error}.") from None

    def recording(self) -> NDArray[np.int16]:
        """What was kept, int16 [n, 2]: left the caller, right the agent, on the wall clock. Hands it over: once."""
        for block in self._speaker.take_blocks():
            self._timeline.add(AGENT, block.start_at, block.samples)
        return self._timeline.take_all()

    async def _hold(self, socket: ClientConnection) -> None:
        self._began_at = time.monotonic()
        async with asyncio.TaskGroup() as group:
            receiver = group.create_task(self._receive(socket))
            await socket.send(json.dumps(self._session_update()))
            await self._wait_until_ready()
            listening = self._listen_to_device if self._device is not None else self._microphone
            microphone = group.create_task(listening(socket))
            await (self._converse() if self._device is not None else self._ask_all(socket))
            await cancel_and_wait(microphone, receiver)

    async def _wait_until_ready(self) -> None:
        try:
            async with asyncio.timeout(self._options.timeout_seconds):
                await self._ready.wait()
        except TimeoutError:
            raise TalkError("The server did not answer session.update.") from None

    def _session_update(self) -> dict[str, Any]:
        mode = self._options.turn_detection
        audio_format = {"type": "audio/pcm", "rate": RATE_HZ}
        hearing = {
            "format": audio_format,
            "transcription": {"model": "default"},
            "turn_detection": None if mode == "none" else {"type": mode},
        }
        session = {"type": "realtime", "audio": {"input": hearing, "output": {"format": audio_format}}}
        return {"type": "session.update", "session": session}

    # --- asking -----------------------------------------------------------------------------------

    async def _ask_all(self, socket: ClientConnection) -> None:
        if self._options.interrupt_seconds is None:
            await self._hear_greeting()
        for number, question in enumerate(self._questions, 1):
            self._begin_turn(number, question.name, is_typed=question.samples is None)
            await (self._speak(socket, question) if question.samples is not None else self._type(socket, question))
            is_last = number == len(self._questions)
            interrupted = await self._answer(interrupt_after=None if is_last else self._options.interrupt_seconds)
            self._turn.status = "interrupted" if interrupted else self._turn.status
            self._end_turn()
            await asyncio.sleep(0 if is_last or self._options.interrupt_seconds else self._options.gap_seconds)
        await self._linger()

    async def _hear_greeting(self) -> None:
        """What the agent opens the call with is heard to its end, and reported as turn 0."""
        await asyncio.sleep(GREETING_WITHIN_SECONDS)
        deadline = self._now() + self._options.timeout_seconds
        while self._now() < deadline:
            if not self._exchange.responses or self._is_over():
                break
            await asyncio.sleep(POLL_SECONDS)
        if self._exchange.responses:
            self._report(self._turn)

    def _begin_turn(self, number: int, asked: str | None, *, is_typed: bool = False) -> None:
        for block in self._speaker.take_blocks(sounded_until=self._now()):
            self._timeline.add(AGENT, block.start_at, block.samples)
        self._turn = TurnReport(number, asked, typed=is_typed)
        self._exchange.begin(self._now())

    async def _speak(self, socket: ClientConnection, question: Question) -> None:
        assert question.samples is not None
        self._unspoken = question.samples
        self._spoken.clear()
        await self._spoken.wait()
        # the last frame ends where the last sample of the question was heard by the microphone
        frames = -(-len(question.samples) // FRAME_SAMPLES)
        began_at = self._timeline.end_seconds(CALLER) - frames * FRAME_SECONDS
        self._exchange.asked_until = began_at + end_of_speech_seconds(question.samples, RATE_HZ)
        if self._options.turn_detection == "none":
            await socket.send(json.dumps({"type": "input_audio_buffer.commit"}))
            await socket.send(json.dumps({"type": "response.create"}))

    async def _type(self, socket: ClientConnection, question: Question) -> None:
        content = [{"type": "input_text", "text": question.text}]
        item = {"type": "message", "role": "user", "content": content}
        await socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
        await socket.send(json.dumps({"type": "response.create"}))
        self._turn.heard = question.text

    async def _answer(self, *, interrupt_after: float | None) -> bool:
        """Wait until the answer was heard to its end, or for the moment to interrupt it (true), or for the timeout."""
        deadline = self._now() + self._options.timeout_seconds
        while self._now() < deadline:
            first = self._speaker.first_sound_at(set(self._exchange.responses), self._exchange.asked_until)
            if interrupt_after is not None and first is not None and self._now() >= first + interrupt_after:
                return True
            if self._exchange.is_answered(self._now(), self._speaker.busy_until):
                return False
            await asyncio.sleep(POLL_SECONDS)
        return False

    def _is_over(self) -> bool:
        """Something was said, or silence chosen, and nothing goes on."""
        return self._exchange.has_responses_only() and self._now() >= self._speaker.busy_until

    def _end_turn(self) -> None:
        turn = self._turn
        first = self._speaker.first_sound_at(set(self._exchange.responses), self._exchange.asked_until)
        if first is not None:
            turn.first_sound_ms = turn.first_substance_ms = round((first - self._exchange.asked_until) * 1000)
        self._report(turn)

    async def _linger(self) -> None:
        """Stay for what the agent says of its own accord; each such answer is a turn without a question."""
        until, number = self._now() + self._options.linger_seconds, len(self._questions)
        self._begin_turn(number + 1, None)
        while self._now() < until or self._exchange.open or self._now() < self._speaker.busy_until:
            await asyncio.sleep(POLL_SECONDS)
            if self._is_over():
                self._report(self._turn)
                self._begin_turn(self._turn.turn + 1, None)

    async def _converse(self) -> None:
        """Report each answer of a live call; times count from the server's word that speech stopped."""
        number = 1
        self._begin_turn(number, "microphone")
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if self._is_over():
                self._end_turn()
                number += 1
                self._begin_turn(number, "microphone")

    async def _listen_to_device(self, socket: ClientConnection) -> None:
        assert self._device is not None
        while True:
            frame = await asyncio.to_thread(self._device.read)
            self._timeline.add(CALLER, self._now(), frame)
            await self._send_audio(socket, frame)

    async def _send_audio(self, socket: ClientConnection, frame: NDArray[np.int16]) -> None:
        ended = self._timeline.end_seconds(CALLER)
        if ended - self._kept_seconds - self._timeline.begin_seconds > DROP_EVERY_SECONDS:
            self._timeline.drop(ended - self._kept_seconds)
        audio = base64.b64encode(frame.astype("<i2").tobytes()).decode()
        await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))

    async def _microphone(self, socket: ClientConnection) -> None:
        """Send 20 ms of audio every 20 ms, each when a microphone would have it: at its end."""
        sent = self._now()
        while True:
            await asyncio.sleep(max(sent + FRAME_SECONDS - self._now(), 0))
            frame, self._unspoken = self._unspoken[:FRAME_SAMPLES], self._unspoken[FRAME_SAMPLES:]
            if len(frame) < FRAME_SAMPLES:
                frame = np.concatenate([frame, np.zeros(FRAME_SAMPLES - len(frame), np.int16)])
            self._timeline.add(CALLER, sent, frame)
            sent += FRAME_SECONDS
            await self._send_audio(socket, frame)
            if not len(self._unspoken):
                self._spoken.set()

    # --- hearing the answer -----------------------------------------------------------------------

    async def _receive(self, socket: ClientConnection) -> None:
        async for message in socket:
            event = json.loads(message)
            reply = self._take(event)
            if reply is not None:
                await socket.send(json.dumps(reply))
        why = f" ({socket.close_reason})" if socket.close_reason else ""
        raise TalkError(f"The server ended the call{why}.")

    def _take(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """One event of the server; gives what the client answers at once."""
        self._exchange.take(event, self._now())
        self._turn.tools += self._tools.take(event)
        match event.get("type"):
            case "session.updated":
                self._ready.set()
            case "response.output_audio.delta":
                self._hear(event)
            case "response.done":
                self._finish(event["response"])
            case "input_audio_buffer.speech_stopped" if self._device is not None:
                self._exchange.asked_until = self._now()  # live, there is no recording to measure it on
            case "input_audio_buffer.speech_started":
                return self._flush()
            case _:
                self._note(event)
        return None

    def _note(self, event: dict[str, Any]) -> None:
        """What only the report is interested in."""
        match event.get("type"):
            case "error":
                self._turn.errors.append(str(event["error"].get("message")))
            case "conversation.item.input_audio_transcription.completed":
                self._turn.heard = f"{self._turn.heard} {event.get('transcript', '')}".strip()
            case "response.output_audio_transcript.delta" | "response.output_text.delta":
                if event["response_id"] in self._exchange.responses:
                    self._turn.said += event["delta"]
            case "response.function_call_arguments.done":
                self._turn.tools.append(f"{event.get('name', '')}({event.get('arguments', '')})")
            case "stretto.silence" if event.get("purpose") in _SILENT_PURPOSES:
                self._turn.silence = str(event.get("reason"))
            case _:
                pass

    def _hear(self, event: dict[str, Any]) -> None:
        if event["item_id"] in self._stopped_items:
            return
        samples = np.frombuffer(base64.b64decode(event["delta"]), "<i2").astype(np.int16)
        self._speaker.play(self._now(), event["response_id"], event["item_id"], samples)
        if self._audio_out is not None:
            self._audio_out.play(samples)

    def _finish(self, response: dict[str, Any]) -> None:
        if response["id"] in self._exchange.responses:
            self._turn.status = response["status"]
            error = (response.get("status_details") or {}).get("error")
            if error:
                self._turn.errors.append(str(error.get("message") or error.get("code")))

    def _flush(self) -> dict[str, Any] | None:
        """The caller began to speak: stop the loudspeaker and say what of the answer was heard."""
        stopped = self._speaker.flush(self._now())
        if stopped is None:
            return None
        self._turn.interruptions += 1
        item_id, seconds = stopped
        self._stopped_items.add(item_id)
        if self._audio_out is not None:
            self._audio_out.flush()
        truncate = {"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0}
        return {**truncate, "audio_end_ms": int(seconds * 1000)}


def _talk_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What ended a talk, of all that its tasks raised: the plainest word about it, or else the first."""
    leaves = list(_leaves(group))
    told = [leaf for leaf in leaves if isinstance(leaf, TalkError)]
    closed = [leaf for leaf in leaves if isinstance(leaf, ConnectionClosed)]
    if len(told) + len(closed) < len(leaves):
        return group  # a fault of ours: all of it is to be seen
    return told[0] if told else TalkError(f"The server closed the call: {closed[0]}.")


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
