"""Pure: what both directions of the wire share in one session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from realtime.wire.conversation import Conversation
from realtime.wire.ids import IdFactory
from realtime.wire.session_state import SessionState
from realtime.wire.session_types import Json


@dataclass(slots=True)
class InputClock:
    """Input audio in seconds: all that was appended, and how far it has been committed or cleared."""

    appended_seconds: float = 0.0
    taken_seconds: float = 0.0

    @property
    def waiting_seconds(self) -> float:
        return max(self.appended_seconds - self.taken_seconds, 0.0)

    def take_until(self, seconds: float) -> None:
        self.taken_seconds = min(max(self.taken_seconds, seconds), self.appended_seconds)

    def take_all(self) -> None:
        self.taken_seconds = self.appended_seconds


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """A client's ``response.create``: ``fields`` stand in its ``response`` object (modalities, metadata, …)."""

    fields: Json
    in_conversation: bool = True


@dataclass(slots=True)
class WireState:
    session: SessionState
    new_id: IdFactory
    conversation_id: str
    media: bool = False
    """Sound travels beside the events (WebRTC, SIP): none is sent or taken in them."""
    conversation: Conversation = field(default_factory=Conversation)
    clock: InputClock = field(default_factory=InputClock)
    requests: dict[str, ResponseRequest] = field(default_factory=dict)
    """Requested responses that have not begun, by request id."""
    unread_items: Callable[[], int] = lambda: 0
    """``SessionPort.unread_items``."""
    floor: Callable[[], str] = lambda: ""
    """Who has the floor (``SessionPort.floor``); ``""``: not known."""
    watched: bool = False
    """Somebody beside the client (a sideband) asked for extension events."""

    def event(self, kind: str, **fields: Any) -> Json:
        """A server event with a name of its own."""
        return {"type": kind, "event_id": self.new_id("event"), **fields}

    @property
    def sends_extensions(self) -> bool:
        """They are made; who of those that listen gets them, is the door's affair."""
        return self.watched or self.session.wants_extensions
