"""Pure: what a server's events say of one question of ``stretto talk``: which responses answer it, which tools ran."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

UNANSWERED_SECONDS = 8.0
"""A server that only answered the beginning of what was said, and has been quiet for so long, answers no more of it.
Longer than a pause that it may wait out in a sentence (4 s for a patient policy) and the recogniser's final word (4 s)."""


@dataclass(slots=True)
class Exchange:
    """Times are those of the client's clock, at which the server's events came.

    ``responses``: those that began since the question did, with their beginning; ``open``: those that go on, of earlier
    questions, too. ``asked_until``: when the question was over.
    """

    responses: dict[str, float] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    is_hearing: bool = False
    """The server hears the caller, or has not yet taken what it heard for a turn."""
    asked_until: float = 0.0
    _taken_at: float = 0.0
    """When the server last took what it heard for a turn."""
    _last_event_at: float = 0.0
    status: str = ""
    """Of the last response that ended."""

    def begin(self, at: float) -> None:
        """A new question; what goes on stays known."""
        self.responses, self.status = {}, ""
        self.asked_until = self._last_event_at = at

    def take(self, event: dict[str, Any], at: float) -> None:
        """One event of the server."""
        match event.get("type"):
            case "response.created":
                self.responses[event["response"]["id"]] = at
                self.open.add(event["response"]["id"])
            case "response.done":
                self._done(event["response"])
            case "input_audio_buffer.speech_started":
                self.is_hearing = True
            case "input_audio_buffer.committed":
                self.is_hearing, self._taken_at = False, at
            case _:
                return
        self._last_event_at = at

    def _done(self, response: dict[str, Any]) -> None:
        self.open.discard(response["id"])
        if response["id"] in self.responses:
            self.status = response["status"]

    def has_responses_only(self) -> bool:
        """Something was answered, and nothing goes on."""
        return bool(self.responses) and not self.open

    def is_answered(self, now: float, quiet_since: float) -> bool:
        """The last words of the question have their answer, which may be silence; ``quiet_since``: the loudspeaker is.

        A server that takes the question's beginning for a turn of its own answers that first: such a response does
        not count, unless no other comes for ``UNANSWERED_SECONDS``. After a cancelled one another follows.
        """
        if not self.has_responses_only() or now < quiet_since:
            return False
        if now - max(self._last_event_at, self.asked_until, quiet_since) >= UNANSWERED_SECONDS:
            return True
        asked_at = max(self.asked_until, self._taken_at)
        answers = any(at >= asked_at for at in self.responses.values())
        return answers and not self.is_hearing and self.status != "cancelled"


@dataclass(slots=True)
class ToolsSeen:
    """The tools of the server that ran, by its ``stretto.tool.*`` events; those of drafts that came to nothing don't count."""

    _of_drafts: dict[str, list[str]] = field(default_factory=dict)
    _promoted: set[str] = field(default_factory=set)

    def take(self, event: dict[str, Any]) -> list[str]:
        """One event of the server; gives the calls of tools that are now known to have served an answer."""
        think_id = event.get("think_id", "")
        match event.get("type"):
            case "stretto.tool.called":
                call = f"{event.get('name', '')}({event.get('arguments', '')})"
                if event.get("purpose") != "draft" or think_id in self._promoted:
                    return [call]
                self._of_drafts.setdefault(think_id, []).append(call)
            case "stretto.draft.promoted" | "stretto.draft.verified":
                self._promoted.add(think_id)
                return self._of_drafts.pop(think_id, [])
            case "stretto.draft.abandoned":
                self._of_drafts.pop(think_id, None)
            case _:
                pass
        return []
