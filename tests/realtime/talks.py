"""Made-up journals of talks, for drawing and replaying."""

from __future__ import annotations

from scheduler import commands as do
from scheduler import events as was
from scheduler.commands import Command
from scheduler.events import Event
from scheduler.pcm import WordTime

Entries = list[tuple[float, Event | Command]]

NETWORK_SECONDS = 0.03
"""How much later than the audio's own clock everything is heard of."""


class Talk:
    """Writes a journal line by line, as a session would."""

    def __init__(self) -> None:
        self.entries: Entries = []
        self._segment = 0

    def user(self, at: float, text: str, *, seconds_per_letter: float = 0.065, final_after: float = 0.2) -> float:
        """Speech, partials and a final; gives the end of speech."""
        add = self.entries.append
        words, time = [], at
        for word in text.split():
            end = time + len(word) * seconds_per_letter + 0.06
            words.append(WordTime(word, time - NETWORK_SECONDS, end - NETWORK_SECONDS - 0.03, 0.8))
            time = end
        add((at + 0.06, was.SpeechStarted(at - NETWORK_SECONDS, 0.06)))
        for count in range(1, len(words) + 1):
            stable, tentative = tuple(words[: max(count - 2, 0)]), tuple(words[max(count - 2, 0) : count])
            add((words[count - 1].end_seconds + 0.15, was.TranscriptRevised(self._segment, stable, tentative)))
        add((time + 0.1, was.SpeechStopped(time - NETWORK_SECONDS, 0.1)))
        add((time + final_after, was.TranscriptRevised(self._segment, tuple(words), (), True)))
        self._segment += 1
        return time

    def turn(self, number: int, start: float, end: float, text: str, commit_at: float) -> None:
        audio = (start - NETWORK_SECONDS, end - NETWORK_SECONDS)
        self.entries.append((start + 0.06, do.OpenTurn(f"turn_{number}", audio[0])))
        self.entries.append((commit_at, do.CommitTurn(f"turn_{number}", text, *audio, final=True)))

    def say(self, number: int, at: float, text: str, *, stop_at: float | None = None) -> float:
        """An utterance at 14 letters a second; gives when it ended."""
        add, name, time, heard = self.entries.append, f"utterance_{number}", at, ""
        add((at - 0.05, do.Speak(name, 0, text, f"think_{number}")))
        add((at, was.PlayoutStarted(name)))
        for word in text.split():
            end = time + (len(word) + 1) / 14
            if stop_at is not None and end > stop_at:
                break
            heard = f"{heard} {word}".strip()
            add((end, was.WordsHeard(name, heard, end - at)))
            time = end
        stopped = stop_at is not None
        end = stop_at or time
        add((end, was.PlayoutEnded(name, stopped, heard, end - at, True, 0 if stopped else None)))
        return end


def short_talk() -> Entries:
    """Three turns: an answer with a tool, a backchannel and a barge-in, and a silence that was chosen."""
    talk = Talk()
    add = talk.entries.append
    end = talk.user(0.4, "what is twelve times twelve")
    talk.turn(1, 0.4, end, "what is twelve times twelve", end + 0.35)
    add((end + 0.35, do.Think("think_1", do.Purpose.ANSWER, "turn_1")))
    add((end + 0.42, was.ThoughtGrown("think_1", "Twelve times twelve: ten times twelve and two times twelve.")))
    add((end + 0.45, was.ToolCalled("think_1", "call_1", "calculate", '{"expression": "12*12"}', False)))
    add((end + 0.6, was.ToolEnded("think_1", "call_1", "144")))
    answer = "Twelve times twelve is one hundred and forty-four. Shall I set a timer, or count to five for you?"
    add((end + 0.66, was.SentenceWritten("think_1", 0, "Twelve times twelve is one hundred and forty-four.")))
    add((end + 0.8, was.SentenceWritten("think_1", 1, "Shall I set a timer, or count to five for you?")))
    add((end + 0.82, was.ThinkEnded("think_1", was.ThinkEnding.DONE)))
    start = end + 0.75
    talk.say(1, start, answer, stop_at=start + 5.4)
    talk.user(start + 1.6, "mhm")
    add((start + 1.7, do.Duck("utterance_1", -9.0)))
    add((start + 2.2, do.Duck("utterance_1", 0.0)))
    again = start + 4.6
    again_end = talk.user(again, "wait a second please")
    add((again + 0.1, do.Duck("utterance_1", -9.0)))
    add((again + 0.35, do.Duck("utterance_1", -18.0)))
    add((start + 5.4, do.EndTurn("turn_1", do.TurnOutcome.ANSWERED)))
    talk.turn(2, again, again_end, "wait a second please", again_end + 0.3)
    add((again_end + 0.3, do.Think("think_2", do.Purpose.ANSWER, "turn_2")))
    add((again_end + 0.4, was.SilenceChosen("think_2", "asked to wait")))
    add((again_end + 0.41, was.ThinkEnded("think_2", was.ThinkEnding.DONE)))
    add((again_end + 0.42, do.EndTurn("turn_2", do.TurnOutcome.SILENT, "asked to wait")))
    later = again_end + 1.6
    end = talk.user(later, "set a timer for five seconds")
    talk.turn(3, later, end, "set a timer for five seconds", end + 0.2)
    add((end + 0.2, do.Think("think_3", do.Purpose.ANSWER, "turn_3")))
    add((end + 0.3, was.SentenceWritten("think_3", 0, "Five seconds from now.")))
    add((end + 0.31, was.ThinkEnded("think_3", was.ThinkEnding.DONE)))
    done = talk.say(3, end + 0.41, "Five seconds from now.")
    add((done, do.EndTurn("turn_3", do.TurnOutcome.ANSWERED)))
    talk.entries.sort(key=lambda entry: entry[0])
    return talk.entries


def long_talk(turns: int = 30, pause_seconds: float = 12.0) -> Entries:
    talk, at = Talk(), 0.5
    for number in range(turns):
        text = "tell me something about the number " + "nine " * (number % 7)
        end = talk.user(at, text)
        talk.turn(number, at, end, text, end + 0.4)
        talk.entries.append((end + 0.4, do.Think(f"think_{number}", do.Purpose.ANSWER, f"turn_{number}")))
        talk.entries.append((end + 0.6, was.SentenceWritten(f"think_{number}", 0, "It is what it is.")))
        talk.entries.append((end + 0.6, was.ThinkEnded(f"think_{number}", was.ThinkEnding.DONE)))
        done = talk.say(number, end + 0.7, "It is what it is, and it will stay so for as long as anybody counts. " * 2)
        at = done + (pause_seconds if number % 5 == 4 else 0.8)
    talk.entries.sort(key=lambda entry: entry[0])
    return talk.entries


def full_talk() -> Entries:
    """All that the agent can do ahead of the talk, beside it and after it, in four turns."""
    talk = Talk()
    _drafted_turn(talk)
    _verified_turn(talk, 8.4)
    _long_turn(talk, 15.2)
    _hard_turn(talk, 26.5)
    talk.entries.sort(key=lambda entry: entry[0])
    return talk.entries


def _draft(talk: Talk, name: str, utterance: str, turn_id: str, at: float, basis: str, sentence: str) -> None:
    """A draft whose first sentence is written after 0.3 s, and rendered 0.1 s later."""
    talk.entries += [
        (at, do.Think(name, do.Purpose.DRAFT, turn_id, basis=basis)),
        (at + 0.25, was.WordsWritten(name, f"{sentence} ")),
        (at + 0.3, was.SentenceWritten(name, 0, sentence)),
        (at + 0.3, do.Hold(utterance)),
        (at + 0.3, do.Speak(utterance, 0, sentence, name)),
        (at + 0.4, was.SpeechReady(utterance, 0)),
    ]


def _drafted_turn(talk: Talk) -> None:
    """A draft contradicted by a self-repair, a foreseen ending, and the draft for it promoted; an afterthought."""
    add, text = talk.entries.append, "book it for tuesday no thursday please"
    end = talk.user(0.4, text)
    talk.turn(1, 0.4, end, text, end + 0.22)
    _draft(talk, "d1", "utterance_d1", "turn_1", 1.15, "book it for tuesday", "Tuesday it is.")
    add((1.75, was.TranscriptRevised(0, (), (WordTime("no", 1.6, 1.7),))))
    add((1.75, do.StopThinking("d1")))
    add((1.75, do.StopSpeaking("utterance_d1", 0.0, "abandoned")))
    add((1.78, was.ThinkEnded("d1", was.ThinkEnding.STOPPED, output_tokens=9)))
    add((1.8, do.Think("f1", do.Purpose.FORESIGHT, "turn_1", basis="book it for tuesday no")))
    add((1.98, was.EndingForeseen("f1", "thursday", 0.82)))
    add((2.0, was.ThinkEnded("f1", was.ThinkEnding.DONE, output_tokens=3)))
    basis = "book it for tuesday no thursday"
    _draft(talk, "d2", "utterance_1", "turn_1", 2.0, basis, "Thursday it is.")
    add((end + 0.22, do.PromoteThinking("d2", "turn_1")))
    add((end + 0.22, do.Release("utterance_1")))
    add((end + 0.5, was.SentenceWritten("d2", 1, "I'll book the morning slot.")))
    add((end + 0.6, was.ThinkEnded("d2", was.ThinkEnding.DONE, output_tokens=14)))
    done = _said(talk, "utterance_1", "d2", end + 0.24, "Thursday it is. I'll book the morning slot.", first=1)
    add((done, do.EndTurn("turn_1", do.TurnOutcome.ANSWERED)))
    add((done + 0.3, do.Think("a1", do.Purpose.AFTERTHOUGHT)))
    add((done + 0.5, was.ThoughtGrown("a1", "Right and complete; they will ask about the price next.")))
    add((done + 1.1, was.ThinkEnded("a1", was.ThinkEnding.DONE)))


def _verified_turn(talk: Talk, at: float) -> None:
    """A draft that is frozen when the user goes on, and verified for the full words."""
    add, text, opening = (
        talk.entries.append,
        "how do I reset it I mean the blue one",
        "Hold the button for ten seconds.",
    )
    end = talk.user(at, text)
    talk.turn(2, at, end, text, end + 0.3)
    _draft(talk, "d3", "utterance_2", "turn_2", at + 1.1, "how do I reset it", opening)
    add((at + 1.65, do.StopThinking("d3")))
    add((at + 1.67, was.ThinkEnded("d3", was.ThinkEnding.STOPPED, output_tokens=10)))
    add((end + 0.3, do.Think("k2", do.Purpose.ANSWER, "turn_2", opening=opening)))
    add((end + 0.38, was.OpeningVerified("k2", opening)))
    add((end + 0.38, do.Release("utterance_2")))
    add((end + 0.6, was.SentenceWritten("k2", 0, "On the blue one it is behind the lid.")))
    add((end + 0.65, was.ThinkEnded("k2", was.ThinkEnding.DONE)))
    done = _said(talk, "utterance_2", "k2", end + 0.4, f"{opening} On the blue one it is behind the lid.", first=1)
    add((done, do.EndTurn("turn_2", do.TurnOutcome.ANSWERED)))


def _long_turn(talk: Talk, at: float) -> None:
    """Notes, a backchannel and a draft without room in a long turn, which is answered by silence."""
    add = talk.entries.append
    first = talk.user(at, "so last week I ordered two lamps and a small green chair")
    add((first + 0.3, do.Backchannel("mm-hm")))
    end = talk.user(first + 0.85, "let me look for the number hang on a second")
    text = "so last week I ordered two lamps and a small green chair let me look for the number hang on a second"
    talk.turn(3, at, end, text, end + 0.4)
    add((at + 2.6, do.Think("n1", do.Purpose.NOTES, "turn_3", basis="so last week I ordered two lamps")))
    add((at + 2.9, was.ThoughtGrown("n1", "Ordered last week: two lamps, a chair.")))
    add((at + 4.1, was.ThoughtGrown("n1", " An order number is coming.")))
    add((at + 4.3, was.ThinkEnded("n1", was.ThinkEnding.DONE)))
    add((first + 0.2, do.Think("d4", do.Purpose.DRAFT, "turn_3", basis="two lamps and a small green chair")))
    add((first + 0.5, was.WordsWritten("d4", "What is wrong with")))
    add((first + 0.9, was.ThinkEnded("d4", was.ThinkEnding.ABORTED)))
    add((end + 0.4, do.PromoteThinking("n1", "turn_3")))
    add((end + 0.4, do.Think("k3", do.Purpose.ANSWER, "turn_3", notes_ids=("n1",), effort=do.Effort.REFLEX)))
    add((end + 0.6, was.SilenceChosen("k3", "asked to hang on")))
    add((end + 0.62, was.ThinkEnded("k3", was.ThinkEnding.DONE)))
    add((end + 0.62, do.EndTurn("turn_3", do.TurnOutcome.SILENT, "asked to hang on")))


def _hard_turn(talk: Talk, at: float) -> None:
    """A question that takes deep thought: a filler, cut short by the answer; a correction afterwards."""
    add, text = talk.entries.append, "which of them is cheaper over ten years"
    end = talk.user(at, text)
    talk.turn(4, at, end, text, end + 0.35)
    begun, filler, heard = end + 0.35, "Let me work that out for you.", "Let me work that out"
    add((begun, do.Think("k4", do.Purpose.ANSWER, "turn_4", effort=do.Effort.DEEP)))
    add((begun + 0.2, was.ThoughtGrown("k4", "Power: 9 against 60 watts, three hours a day, ten years.")))
    add((begun + 0.3, was.ToolCalled("k4", "call_4", "calculate", '{"expression": "0.009*3*3650*0.4"}', False)))
    add((begun + 1.0, was.ToolEnded("k4", "call_4", "39.42")))
    add((begun + 0.05, do.Speak("utterance_4", 0, filler, "k4", do.SpeakSource.FILLER)))
    add((begun + 0.15, was.PlayoutStarted("utterance_4")))
    _heard(talk, "utterance_4", begun + 0.15, heard)
    add((begun + 1.9, was.ThoughtGrown("k4", " 39 against 263.")))
    answer = "The new lamp, by two hundred and twenty francs."
    add((begun + 2.3, was.SentenceWritten("k4", 0, answer)))
    add((begun + 2.3, do.Speak("utterance_4", 1, answer, "k4")))
    add((begun + 2.3, do.SkipSentence("utterance_4", 0)))
    add((begun + 2.35, was.ThinkEnded("k4", was.ThinkEnding.DONE)))
    done = _heard(talk, "utterance_4", begun + 2.6, answer, already=heard)
    seconds = done - begun - 2.6 + (len(heard) + 1) / 14
    add((done, was.PlayoutEnded("utterance_4", False, f"{heard} {answer}", seconds, True)))
    add((done, do.EndTurn("turn_4", do.TurnOutcome.ANSWERED)))
    add((done + 0.4, do.Think("a2", do.Purpose.AFTERTHOUGHT)))
    add((done + 0.6, was.ThoughtGrown("a2", "263 less 39 is 224.")))
    add((done + 0.9, was.SentenceWritten("a2", 0, "Two hundred and twenty-four, to be exact.")))
    add((done + 1.0, was.ThinkEnded("a2", was.ThinkEnding.DONE)))
    _said(talk, "utterance_5", None, done + 1.2, "Two hundred and twenty-four, to be exact.")


def _said(talk: Talk, name: str, think_id: str | None, at: float, text: str, *, first: int = 0) -> float:
    """An utterance that sounds to its end. ``first``: 1 if its first sentence was ordered before."""
    spoken = text.partition(". ")[2] if first else text
    talk.entries.append((at - 0.01, do.Speak(name, first, spoken, think_id)))
    talk.entries.append((at, was.PlayoutStarted(name)))
    end = _heard(talk, name, at, text)
    talk.entries.append((end, was.PlayoutEnded(name, False, text, end - at, True)))
    return end


def _heard(talk: Talk, name: str, at: float, text: str, *, already: str = "") -> float:
    """Words heard at 14 letters a second, behind those that were heard already; gives when they ended."""
    heard, time = already, at
    before = (len(already) + 1) / 14 if already else 0.0
    for word in text.split():
        time += (len(word) + 1) / 14
        heard = f"{heard} {word}".strip()
        talk.entries.append((time, was.WordsHeard(name, heard, before + time - at)))
    return time
