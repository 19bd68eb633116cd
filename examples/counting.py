"""Think a piece, say a piece: "count slowly to thirty and double each number", in one process and without a server.

    python -m examples.counting            # talks for a minute; then
    stretto timeline journals/*-counting.jsonl -o counting.svg

A synthetic caller asks. Before it has finished, an answer is begun; the offline brain thinks between two numbers, longer
as they get harder, and the voice speaks each number as soon as it is known. All is printed as it happens, with the
session's time; its journal and a recording of both sides are left in ``journals/``. Only the recogniser is simulated: it
knows beforehand what is asked, so that everybody sees the same talk.
"""

import asyncio
import sys
from pathlib import Path

import numpy as np

from audio.asr.simulated import SimulatedRecognizer
from audio.loopback import RecordingTransport
from realtime.server import Engines, Server
from realtime.session import Session, make_session
from realtime.settings import load_settings
from realtime.wire.session_port import SessionConfig
from scheduler import commands, events
from scheduler.pcm import Pcm, join_words
from think_loop.engines.offline.engine import OfflineBrain
from tts.registry import default_voice_spec, make_voice
from tts.voice import Voice

QUESTION = "count slowly to thirty and double each number"


class Watcher:
    """The session's door: it is shown every event, and every command that the conductor made of it, in order."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self._heard = ""

    def observe(self, at: float, happened: events.Event | commands.Command) -> None:
        match happened:
            case events.TranscriptRevised():
                print(f"{at:6.2f} s  caller: {join_words(happened.words)}")
            case commands.Think(think_id, purpose):
                print(f"{at:6.2f} s  {think_id} begins: {purpose}")
            case commands.PromoteThinking(think_id):
                print(f"{at:6.2f} s  {think_id} belongs to the turn, which is over")
            case events.ThoughtGrown(think_id, text):
                print(f"{at:6.2f} s  {think_id} thinks: {text}")
            case events.SentenceWritten(think_id, _, text):
                print(f"{at:6.2f} s  {think_id} writes: {text}")
            case events.WordsHeard(text=text):  # all of the utterance so far
                print(f"{at:6.2f} s  heard: {text.removeprefix(self._heard).strip()}")
                self._heard = text
            case events.PlayoutEnded(stopped=False):
                self.over.set()

    def handle(self, command: commands.Command) -> None: ...

    def item_unread(self, item_id: str) -> None: ...


async def ask(session: Session, voice: Voice) -> None:
    """The caller's microphone: the question, then silence, 20 ms at a time."""
    question = np.concatenate([chunk.pcm.samples async for chunk in voice.speak(QUESTION)])
    size = voice.sample_rate_hz // 50
    due_at = asyncio.get_running_loop().time()
    while True:
        block, question = question[:size], question[size:]
        await session.hear(Pcm(np.pad(block, (0, size - len(block))), voice.sample_rate_hz))
        due_at += 0.02
        await asyncio.sleep(due_at - asyncio.get_running_loop().time())


async def main(folder: Path) -> None:
    settings = load_settings(flags={"journal.dir": folder, "journal.record_audio": True})
    voice, watcher = make_voice(default_voice_spec()), Watcher()
    engines = Engines(SimulatedRecognizer([QUESTION]), OfflineBrain(), voice)
    async with Server(settings, engines, make_session).running():  # the engines are warm
        line, config = RecordingTransport(), SessionConfig(settings.turn_detection)
        session = Session("counting", watcher, line, config, engines, settings)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(session.run())
            caller = tasks.create_task(ask(session, engines.voices.named("rms", voice)))
            await watcher.over.wait()
            session.publish(events.CallEnding("all is counted"))
            caller.cancel()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "journals")))
