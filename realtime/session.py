"""A session: ears, mind, voice and playout of one call, around one conductor. One task group holds them all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from audio.asr.transcribe import transcribe
from audio.ears import Ears
from audio.playout import Playout
from audio.sound_watch import SoundWatch
from audio.transport import AudioTransport
from audio.vad import make_detector
from realtime.briefing import Briefing
from realtime.conversation import Conversation
from realtime.echo_transport import EchoingTransport
from realtime.item_reader import ItemReader
from realtime.journal import Header, Journal, journal_path
from realtime.recording import Recording
from realtime.recording_transport import RecordedTransport
from realtime.server import Engines
from realtime.settings import Settings
from realtime.sounding import Sounding
from realtime.wire.session_port import Door, FunctionOutputItem, Item, MessageItem, Place, ResponseParams, SessionConfig
from scheduler.bus import Bus
from scheduler.clock import SourceClock
from scheduler.commands import Command, EndCall, TellTimeout, Think
from scheduler.conductor import initial_state
from scheduler.events import (
    CallStarted,
    Event,
    InputCommitted,
    ReportReady,
    ResponseCancelled,
    ResponseRequested,
    SessionConfigured,
    SoundHeard,
    ToolEnded,
)
from scheduler.filler_lines import all_texts
from scheduler.floor import Floor
from scheduler.pcm import Pcm
from scheduler.policy import Policy
from scheduler.runner import Runner
from scheduler.tasks import cancel_and_wait
from think_loop.language_model import Prompt, ToolCall, foreseeing
from think_loop.prompt import late_result
from think_loop.thinker import Thinker
from think_loop.timers import Reports, Timers
from think_loop.tool_runs import CANCELLED
from think_loop.tools import Toolbox, ToolOutput
from think_loop.trajectory import Trajectory
from tts.speaker import Speaker
from tts.voice import Voice, streams

log = logging.getLogger(__name__)

COMMIT_SECONDS = 5.0
"""How long the client's next event waits for the audio before its commit to go through the ears."""


class _Part(Protocol):
    async def run(self) -> None: ...


def make_session(
    *,
    session_id: str,
    door: Door,
    transport: AudioTransport,
    config: SessionConfig,
    engines: Engines,
    settings: Settings,
) -> Session:
    """A ``realtime.server.SessionFactory``. Nothing runs before ``Session.run``; needs a running loop."""
    return Session(session_id, door, transport, config, engines, settings)


class Session:
    """Implements ``SessionPort`` (see there for what a door may do)."""

    def __init__(
        self,
        session_id: str,
        door: Door,
        transport: AudioTransport,
        config: SessionConfig,
        engines: Engines,
        settings: Settings,
    ) -> None:
        self._id = session_id
        self._door = door
        self._config = config
        self._engines = engines
        self._settings = settings
        self._clock = SourceClock(asyncio.get_running_loop().time)
        self._bus = Bus()
        self._input_committed = asyncio.Event()

        self._started_at = datetime.now(UTC)
        self._recording = self._make_recording()
        if self._recording is not None:
            transport = RecordedTransport(transport, self._recording, self._clock)
        hears_itself = self._policy().hears_itself
        if hears_itself:
            transport = EchoingTransport(transport, self._audio_seconds, self._play_reference)
        self._sounds = None if hears_itself else SoundWatch()
        """Would take the agent's own voice for a sound."""
        self._ears = Ears(
            self._publish_heard,
            engines.recognizer,
            make_detector(settings.engines.vad),
            config.turn_detection,
            self._language(),
            end_of_turn=engines.end_of_turn,
            echo_reference=hears_itself,
        )
        self._reports = reports = Reports()
        self._timers = Timers(self._bus.publish, reports)
        self._toolbox = Toolbox((*self._timers.tools(), *engines.tools))
        self._trajectory = Trajectory()
        self._conversation = Conversation(self._trajectory, self._clock)
        self._sounding = Sounding()
        self._briefing = Briefing(
            config,
            settings,
            self._trajectory,
            self._timers,
            reports,
            still_sounding=lambda: self._sounding.text,
        )
        self._thinker = Thinker(
            self._bus.publish,
            engines.language_model,
            self._prompt,
            self._toolbox,
            self._conversation,
            streams_text=lambda: streams(self._voice()),
            admission=engines.admission,
            session_id=session_id,
            said_meanwhile=self._conversation.said_meanwhile,
            came_late=self._tool_came_late,
        )
        self._reader = ItemReader(
            self._recognize,
            read=self._conversation.set_text,
            failed=door.item_unread,
            requested=self._bus.publish,
        )
        self._playout = Playout(self._bus.publish, transport)
        voice = self._voice()
        self._speaker = Speaker(self._bus.publish, voice, self._playout, clips=engines.clips_of(voice))
        self._journal = self._make_journal()
        self._runner = Runner(
            self._bus, self._clock, initial_state(self._policy(), config.turn_detection), self._observers()
        )
        self._own_commands()

    def _own_commands(self) -> None:
        self._bus.own("thinker", self._thinker.handle)
        self._bus.own("speaker", self._speaker.handle)
        self._bus.own("playout", self._playout.handle)
        self._bus.own("conversation", self._conversation.handle)
        self._bus.own("door", self._to_door)
        if missing := self._bus.missing_owners():
            raise RuntimeError(f"nobody owns the commands of: {', '.join(sorted(missing))}")

    def _to_door(self, command: Command) -> None:
        assert isinstance(command, EndCall | TellTimeout)
        self._door.handle(command)

    def _observers(self) -> tuple[Callable[[float, Event | Command], None], ...]:
        kept = (self._journal.observe,) if self._journal is not None else ()
        return (*kept, self._sounding.observe, self._conversation.observe, self._door.observe)

    # --- life -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until the call is over. A bug in any part ends this session, and no other."""
        self._configured()
        self.publish(CallStarted(self._settings.agent.opening if not self._config.transcription_only else None))
        async with asyncio.TaskGroup() as tasks:
            parts = [tasks.create_task(part, name=f"{self._id}:{name}") for name, part in self._parts()]
            await self._runner.run()
            await cancel_and_wait(*parts)

    def _parts(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        parts: dict[str, _Part | None] = {
            "ears": self._ears,
            "thinker": self._thinker,
            "timers": self._timers,
            "reader": self._reader,
            "speaker": self._speaker,
            "playout": self._playout,
            "journal": self._journal,
            "recording": self._recording,
        }
        running = [(name, part.run()) for name, part in parts.items() if part is not None]
        return [*running, ("clips", self._render_clips())]

    async def _render_clips(self) -> None:
        """What may be said while an answer is awaited is rendered once per voice, while nothing is to be done."""
        policy = self._policy()
        texts: tuple[str, ...] = (policy.phrases.backchannel,) if policy.backchannels else ()
        texts += all_texts(policy.filler_lines) if policy.fillers else ()
        await self._engines.clips_of(self._voice()).prepare(texts)

    # --- what a door may do (``SessionPort``) ---------------------------------------------------------

    @property
    def session_id(self) -> str:
        return self._id

    @property
    def coalesced(self) -> int:
        return self._bus.coalesced

    @property
    def epochs(self) -> int:
        return self._trajectory.epoch

    @property
    def floor(self) -> Floor:
        return self._runner.state.floor

    @property
    def unread_items(self) -> int:
        return self._reader.unread

    async def hear(self, pcm: Pcm) -> None:
        if self._recording is not None:
            self._recording.heard(self._clock.now() - pcm.duration_seconds, pcm)
        if self._sounds is not None and (sounded_seconds := self._sounds.hear(pcm)) is not None:
            self.publish(SoundHeard(sounded_seconds))
        self._ears.hear(pcm)

    async def commit_input(self) -> None:
        """Returns when the commit has gone through the ears, so that what the client sends next comes after it."""
        self._input_committed.clear()
        self._ears.commit_by_hand()
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await self._input_committed.wait()
        except TimeoutError:
            log.warning("session %s: the ears are more than %g s behind", self._id, COMMIT_SECONDS)

    async def clear_input(self) -> None:
        self._ears.clear()

    def configure(self, config: SessionConfig) -> None:
        if config.turn_detection != self._config.turn_detection:
            self._ears.configure(config.turn_detection)
        language = self._language()
        self._config = self._briefing.config = config
        if self._language() != language:
            self._ears.set_language(self._language())
        voice = self._voice()
        self._speaker.set_voice(voice, self._engines.clips_of(voice))
        self._configured()

    def _configured(self) -> None:
        self.publish(SessionConfigured(self._policy(), self._config.turn_detection, self._config.audible))

    def publish(self, event: Event) -> None:
        if isinstance(event, ResponseRequested):
            self._reader.request(event)
            return
        if event == ResponseCancelled():
            self._reader.take_back_requests()
        self._bus.publish(event)

    def register_response(self, request_id: str, params: ResponseParams) -> None:
        self._briefing.register(request_id, params)

    def insert_item(self, item: Item, after: Place | Literal["root"] | None) -> None:
        if isinstance(item, FunctionOutputItem) and self._conversation.awaits(item.call_id):
            self.publish(ToolEnded("", item.call_id, item.output))
        self._conversation.insert_item(item, after)
        if isinstance(item, MessageItem) and item.audio:
            self._reader.put(item)

    def cancel_tool(self, call_id: str) -> bool:
        return self._thinker.cancel_tool(call_id)

    def delete_item(self, place: Place) -> None:
        self._conversation.delete_item(place)

    def truncate(self, utterance_id: str, heard_seconds: float) -> None:
        self._playout.client_truncated(utterance_id, heard_seconds)

    # --- inside ---------------------------------------------------------------------------------------

    def _publish_heard(self, event: Event) -> None:
        self._bus.publish(event)
        if isinstance(event, InputCommitted):
            self._input_committed.set()

    def _audio_seconds(self) -> float:
        return self._ears.audio_seconds

    def _play_reference(self, pcm: Pcm, sounds_at_seconds: float) -> None:
        self._ears.play_reference(pcm, sounds_at_seconds)

    async def _recognize(self, pcm: Pcm) -> str:
        return await transcribe(self._engines.recognizer, pcm, self._language())

    def _tool_came_late(self, _think: Think, call: ToolCall, output: ToolOutput) -> None:
        """Told at a free moment, unless the client has cancelled it: then it is known that nothing comes."""
        self._conversation.tool_came_late(call, output)
        if output is not CANCELLED:
            doing = self._toolbox.progress(call.name) or call.name
            self._bus.publish(ReportReady(self._reports.leave(late_result(doing, output.text))))

    def _language(self) -> str:
        """Of the caller. One that the recogniser doesn't know would make the call deaf: it counts as not given."""
        asked, own = self._config.language, self._settings.agent.language
        if asked is None or self._engines.recognizer.knows_language(asked):
            return asked or own
        log.info(
            "session %s: %s does not know %r, it goes on in %s", self._id, self._engines.recognizer.name, asked, own
        )
        return own

    def _prompt(self, think: Think, notes: str) -> Prompt:
        return self._briefing.prompt(think, self._toolbox, notes)

    def _policy(self) -> Policy:
        """The server's policy; the client may choose another preset under the server's own overrides, and switches."""
        config, policy = self._config, self._settings.policy_for(self._config.eagerness, self._language())
        return replace(
            policy,
            drafts=policy.drafts if config.drafts is None else config.drafts,
            hears_itself=policy.hears_itself if config.hears_itself is None else config.hears_itself,
            fillers=policy.fillers if config.fillers is None else config.fillers,
            foresight=policy.foresight and foreseeing(self._engines.language_model) is not None,
        )

    def _voice(self) -> Voice:
        asked, own = self._config.voice, self._engines.voice
        return own if asked is None else self._engines.voices.named(asked, own)

    def _make_journal(self) -> Journal | None:
        folder = self._settings.journal.dir
        if folder is None:
            return None
        engines = {kind: engine.name for kind, engine in self._engines.by_kind().items()}
        header = Header(self._id, self._policy(), self._config.turn_detection, engines)
        return Journal(journal_path(folder, self._id, self._started_at), header)

    def _make_recording(self) -> Recording | None:
        folder = self._settings.journal.dir
        if folder is None or not self._settings.journal.record_audio:
            return None
        return Recording(journal_path(folder, self._id, self._started_at).with_suffix(".wav"), self._clock)
