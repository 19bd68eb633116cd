"""Pure: which words of an answer have been spoken so far, as text that reads on from sentence to sentence."""

from __future__ import annotations

from collections import deque

from scheduler.words import space_between


class SpokenText:
    """The transcript of one message while it is spoken.

    Voices time the words of a sentence so that they join to its text again, while sentences arrive
    stripped; so the space between two sentences is put back here.
    """

    def __init__(self) -> None:
        self.text = ""
        self._waiting: deque[tuple[tuple[str, int], str]] = deque()
        self._sentence = ""
        self._said = ""

    def expect(self, utterance_id: str, index: int, sentence: str) -> None:
        """This sentence will be spoken after the others."""
        self._waiting.append(((utterance_id, index), sentence.strip()))

    def forget(self, utterance_id: str, index: int) -> None:
        """This sentence could not be rendered."""
        self._waiting = deque(entry for entry in self._waiting if entry[0] != (utterance_id, index))

    def say(self, word: str) -> str:
        """A word sounds. Returns what it adds to the transcript."""
        if not word.strip():
            return ""
        if self._goes_on_with(word):
            self._said += word
            return self._add(word)
        if not self._begin_sentence_with(word):
            self._sentence = self._said = ""
            return self._add(word)
        self._said = word.lstrip()
        return self._add(space_between(self.text, word) + word)

    def _goes_on_with(self, word: str) -> bool:
        return bool(self._said) and self._sentence.startswith((self._said + word).rstrip())

    def _begin_sentence_with(self, word: str) -> bool:
        """The next sentence that begins so; sentences before it were passed over by the voice."""
        for passed, (_, sentence) in enumerate(self._waiting):
            if sentence.startswith(word.strip()):
                for _ in range(passed + 1):
                    self._waiting.popleft()
                self._sentence = sentence
                return True
        return False

    def say_rest(self) -> str:
        """All has sounded: what no word's time told of (a voice may know none). Returns what it adds."""
        added = ""
        if self._sentence.startswith(self._said):
            added += self._add(self._sentence[len(self._said) :])
        for _, sentence in self._waiting:
            added += self._add(space_between(self.text, sentence) + sentence)
        self._waiting.clear()
        self._sentence = self._said = ""
        return added

    def _add(self, text: str) -> str:
        text = text if self.text else text.lstrip()
        self.text += text
        return text
