"""Voice and playout in one: utterances sound one after another, a word each 0.2 s."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from scheduler.commands import Speak
from scheduler.events import (
    HeardCorrected,
    PlayoutEnded,
    PlayoutSent,
    PlayoutStarted,
    SpeechReady,
    SpeechRendered,
    VoiceFailed,
    WordsHeard,
)
from tests.scheduler.surroundings import Surroundings, chance

WORD_SECONDS = 0.2


@dataclass
class _Sentence:
    words: deque[str] = field(default_factory=deque)
    """Rendered, and not yet played."""
    ready: bool = False
    whole: bool = False
    failed: bool = False
    skipped: bool = False


@dataclass
class _Utterance:
    utterance_id: str
    sentences: dict[int, _Sentence] = field(default_factory=dict)
    """Those that were given and are not played to their end, in order."""
    rendering: deque[Speak] = field(default_factory=deque)
    closed: bool = False
    played: int = 0
    """Sentences that were heard to their end, or could not be rendered before them."""
    started: bool = False
    paused: bool = False
    stopping: bool = False
    heard: list[str] = field(default_factory=list)
    truncated: int | None = None

    @property
    def text(self) -> str:
        return " ".join(self.heard if self.truncated is None else self.heard[: self.truncated])


class SimulatedPlayout:
    """What is held is not on the line; it takes its place there when it is released."""

    def __init__(self, world: Surroundings) -> None:
        self._world = world
        self._line: dict[str, _Utterance] = {}
        self._held: dict[str, _Utterance] = {}
        self._ended: dict[str, _Utterance] = {}
        self._playing = False
        self.settles = world.random.random() < 0.5

    # --- the voice ------------------------------------------------------------------------------------

    def speak(self, speak: Speak) -> None:
        utterance = self._utterance(speak.utterance_id)
        utterance.sentences.setdefault(speak.index, _Sentence())
        utterance.rendering.append(speak)
        delay = self._world.random.choice((0.0, 0.1, 0.5))
        self._world.after(delay, lambda: self._render_next(utterance))

    def _utterance(self, utterance_id: str) -> _Utterance:
        if utterance_id in self._held:
            return self._held[utterance_id]
        return self._line.setdefault(utterance_id, _Utterance(utterance_id))

    def _render_next(self, utterance: _Utterance) -> None:
        if not self._is_wanted(utterance):
            return
        speak = utterance.rendering.popleft()
        sentence = utterance.sentences.get(speak.index, _Sentence(skipped=True))
        if sentence.skipped:
            self._play()
            return
        sentence.failed = sentence.failed or chance(self._world.random, 0.04)
        if sentence.failed and speak.complete:
            sentence.whole = True
            self._world.publish(VoiceFailed(speak.utterance_id, speak.index, "the voice broke"))
        elif not sentence.failed:
            self._rendered(speak, sentence)
        self._play()

    def _is_wanted(self, utterance: _Utterance) -> bool:
        known = self._held.get(utterance.utterance_id) or self._line.get(utterance.utterance_id)
        return known is utterance and not utterance.stopping

    def _rendered(self, speak: Speak, sentence: _Sentence) -> None:
        sentence.words.extend(speak.text.split())
        if sentence.words and not sentence.ready:
            sentence.ready = True
            self._world.publish(SpeechReady(speak.utterance_id, speak.index))
        if speak.complete:
            sentence.whole = True
            self._world.publish(SpeechRendered(speak.utterance_id, speak.index, 1.0))

    def close(self, utterance_id: str) -> None:
        self._utterance(utterance_id).closed = True
        self._play()

    # --- what is ordered ------------------------------------------------------------------------------

    def hold(self, utterance_id: str) -> None:
        assert utterance_id not in self._line, "it is on the line already"
        self._held[utterance_id] = _Utterance(utterance_id)

    def release(self, utterance_id: str) -> None:
        self._line[utterance_id] = self._held.pop(utterance_id)
        self._play()

    def pause(self, utterance_id: str) -> None:
        utterance = self._line.get(utterance_id) or self._held.get(utterance_id)
        if utterance is not None:  # it may have just ended
            utterance.paused = True

    def go_on(self, utterance_id: str) -> None:
        utterance = self._line.get(utterance_id) or self._held.get(utterance_id)
        if utterance is not None:
            utterance.paused = False
            self._play()

    def skip(self, utterance_id: str, index: int) -> None:
        """The next one follows as soon as it is rendered."""
        utterance = self._line.get(utterance_id)
        if utterance is not None and index in utterance.sentences:
            utterance.sentences[index] = _Sentence(whole=True, skipped=True)
            self._play()

    def stop(self, utterance_id: str, within_seconds: float) -> None:
        utterance = self._line.get(utterance_id) or self._held.get(utterance_id)
        if utterance is None:
            return
        utterance.stopping = True
        if not utterance.started or within_seconds == 0:
            self._end(utterance, stopped=True)
        else:
            self._world.after(within_seconds, lambda: self._end(utterance, stopped=True))

    def truncate(self) -> None:
        known = [*self._line.values(), *self._ended.values()]
        if known:
            utterance = self._world.random.choice(known)
            longest = len(utterance.heard) if utterance.truncated is None else utterance.truncated
            utterance.truncated = self._world.random.randint(0, longest)
            self._world.publish(HeardCorrected(utterance.utterance_id, utterance.text, 0.0))

    # --- the line -------------------------------------------------------------------------------------

    def _play(self) -> None:
        if not self._playing:
            self._playing = True
            self._world.after(0.0, self._tick)

    def _tick(self) -> None:
        self._playing = False
        head = next(iter(self._line.values()), None)
        if head is None or head.stopping or head.paused:
            return  # its end goes on with the next
        self._pass_what_is_over(head)
        if not head.sentences:
            if head.closed:
                self._world.publish(PlayoutSent(head.utterance_id, 1.0))
                self._end(head, stopped=False)
            return
        if not next(iter(head.sentences.values())).words:
            return  # it is being rendered
        if not head.started:
            head.started = True
            self._world.publish(PlayoutStarted(head.utterance_id))
        self._playing = True
        self._world.after(WORD_SECONDS, lambda: self._word_heard(head))

    def _pass_what_is_over(self, utterance: _Utterance) -> None:
        for index, sentence in list(utterance.sentences.items()):
            if sentence.words or not sentence.whole:
                return
            del utterance.sentences[index]
            utterance.played = index + 1

    def _word_heard(self, utterance: _Utterance) -> None:
        self._playing = False
        if utterance.utterance_id in self._line:
            sentence = next(iter(utterance.sentences.values()))
            if sentence.words:
                utterance.heard.append(sentence.words.popleft())
                self._world.publish(WordsHeard(utterance.utterance_id, " ".join(utterance.heard), 0.2))
            self._pass_what_is_over(utterance)
        self._play()

    def _end(self, utterance: _Utterance, *, stopped: bool) -> None:
        line = self._held if utterance.utterance_id in self._held else self._line
        if line.pop(utterance.utterance_id, None) is None:
            return
        self._ended[utterance.utterance_id] = utterance
        settled = self.settles or utterance.truncated is not None or not utterance.started
        unheard = next(iter(utterance.sentences), utterance.played)
        self._world.publish(
            PlayoutEnded(utterance.utterance_id, stopped, utterance.text, 1.0, settled, unheard if stopped else None)
        )
        self._play()
