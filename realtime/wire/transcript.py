"""Pure: which words of an answer have been spoken so far, as text that reads on from sentence to sentence."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from scheduler.words import space_between


@dataclass(slots=True)
class _Sentence:
    """``skipped``: it may be cut short, so nothing of it counts as said without the time of its words."""

    utterance_id: str
    index: int
    raw: str
    skipped: bool = False

    @property
    def text(self) -> str:
        return self.raw.strip()

    def is_named(self, utterance_id: str, index: int) -> bool:
        return (self.utterance_id, self.index) == (utterance_id, index)


class SpokenText:
    """The transcript of one message while it is spoken.

    Voices time the words of a sentence so that they join to its text again, while sentences arrive
    stripped; so the space between two sentences is put back here.
    """

    def __init__(self) -> None:
        self.text = ""
        self._waiting: deque[_Sentence] = deque()
        self._sentence: _Sentence | None = None
        """The one that was begun last."""
        self._said = ""
        """What was said of it; empty when its words did not read like its text."""

    def expect(self, utterance_id: str, index: int, text: str) -> None:
        """This sentence, or more of it, will be spoken after the others."""
        sentence = self._find(utterance_id, index)
        if sentence is None:
            self._waiting.append(_Sentence(utterance_id, index, text))
        else:
            sentence.raw += text

    def skip(self, utterance_id: str, index: int) -> None:
        """This sentence ends at the next word boundary."""
        if sentence := self._find(utterance_id, index):
            sentence.skipped = True

    def forget(self, utterance_id: str, index: int) -> None:
        """This sentence could not be rendered."""
        self._waiting = deque(sentence for sentence in self._waiting if not sentence.is_named(utterance_id, index))

    def _find(self, utterance_id: str, index: int) -> _Sentence | None:
        known = [*self._waiting, self._sentence] if self._sentence else self._waiting
        return next((sentence for sentence in known if sentence and sentence.is_named(utterance_id, index)), None)

    def say(self, word: str) -> str:
        """A word sounds. Returns what it adds to the transcript."""
        if not word.strip():
            return ""
        if self._goes_on_with(word):
            self._said += word
            return self._add(word)
        if not self._begin_sentence_with(word):
            self._said = ""
            return self._add(word)
        self._said = word.lstrip()
        return self._add(space_between(self.text, word) + word)

    def _goes_on_with(self, word: str) -> bool:
        if not self._said or self._sentence is None:
            return False
        return self._sentence.text.startswith((self._said + word).rstrip())

    def _begin_sentence_with(self, word: str) -> bool:
        """The next sentence that begins so; sentences before it were passed over by the voice."""
        for passed, sentence in enumerate(self._waiting):
            if sentence.text.startswith(word.strip()):
                for _ in range(passed + 1):
                    self._waiting.popleft()
                self._sentence = sentence
                return True
        return False

    def say_rest(self) -> str:
        """All has sounded: what no word's time told of (a voice may know none). Returns what it adds."""
        added = ""
        if self._said and self._sentence and not self._sentence.skipped:
            added += self._add(self._sentence.text[len(self._said) :])
        for sentence in self._waiting:
            if sentence.text and not sentence.skipped:
                added += self._add(space_between(self.text, sentence.text) + sentence.text)
        self._waiting.clear()
        self._sentence, self._said = None, ""
        return added

    def _add(self, text: str) -> str:
        text = text if self.text else text.lstrip()
        self.text += text
        return text
