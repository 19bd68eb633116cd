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
