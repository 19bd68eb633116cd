"""Pure: what a door (a transport and its protocol) and a session need of each other.

The session implements ``SessionPort`` and is driven by the door; the door implements ``Door`` and is
told everything that happens. Neither knows the other's class, so that the websocket, WebRTC and the
phone share one session, and the wire is tested without engines.

The wire names *items*, the kernel names turns, utterances and tool calls. The door keeps the mapping and
speaks to the session in the kernel's names (``Place``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from scheduler.commands import Command, EndCall, TellTimeout
from scheduler.events import Event
from scheduler.floor import Floor
from scheduler.pcm import Pcm
from scheduler.policy import TurnDetection

# --- where an item stands in the kernel's history -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClientItem:
    """An item that the client inserted (``SessionPort.insert_item``)."""

    item_id: str


@dataclass(frozen=True, slots=True)
class TurnPlace:
    """What the user said in a turn."""

    turn_id: str


@dataclass(frozen=True, slots=True)
class UtterancePlace:
    """What was heard of an utterance."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class ThinkPlace:
    """What a think wrote that was not spoken (a text answer)."""

    think_id: str


@dataclass(frozen=True, slots=True)
class CallPlace:
    """A tool call that the client runs, or that it put into the history."""

    call_id: str


Place = ClientItem | TurnPlace | UtterancePlace | ThinkPlace | CallPlace

# --- items, as plain values ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MessageItem:
    """A message of the client. ``audio``: spoken content without a transcript, to be recognised, in the order it
    stood; ``text`` holds all content that is text."""

    item_id: str
    role: Literal["user", "assistant", "system"]
    text: str
    audio: tuple[Pcm, ...] = ()


@dataclass(frozen=True, slots=True)
class FunctionCallItem:
    """A tool call put into the history by the client. ``arguments``: JSON text."""

    item_id: str
    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class FunctionOutputItem:
    """The output of a tool that the client ran."""

    item_id: str
    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class ReferenceItem:
    """Only in ``ResponseParams.input_items``: something that already stands in the conversation."""

    place: Place


Item = MessageItem | FunctionCallItem | FunctionOutputItem

# --- configuration ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """A tool the client runs. ``parameters``: a JSON schema object."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """A session's whole configuration as it stands after an update; everything resolved.

    ``instructions=None``: the server's own prompt. ``tool_choice``: ``auto``, ``none``, ``required`` or a tool's
    name. ``max_output_tokens=None``: no limit. ``voice=None``: the server's. ``eagerness``: a key of
    ``scheduler.policy.PRESETS``, ``None`` for the server's default policy. ``language``: BCP 47. ``fillers``,
    ``drafts``: ``None``: as the server has it. ``hears_itself``: the line brings the agent's voice back; fixed when the
    session begins, ``None``: as the server has it. ``reasoning_effort``: a name of the protocol's, ``None``: chosen per turn.
    """

    turn_detection: TurnDetection
    instructions: str | None = None
    audible: bool = True
    tools: tuple[FunctionTool, ...] = ()
    tool_choice: str = "auto"
    max_output_tokens: int | None = None
    temperature: float | None = None
    voice: str | None = None
    eagerness: str | None = None
    language: str | None = None
    transcription_only: bool = False
    reasoning_effort: str | None = None
    fillers: bool | None = None
    drafts: bool | None = None
    hears_itself: bool | None = None


@dataclass(frozen=True, slots=True)
class ResponseParams:
    """What one ``response.create`` asks for; ``None`` means: as in the session.

    ``input_items`` replaces the conversation as the model's input (``()`` is an empty one).
    """

    audible: bool
    in_conversation: bool = True
    instructions: str | None = None
    tools: tuple[FunctionTool, ...] | None = None
    tool_choice: str | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    reasoning_effort: str | None = None
    input_items: tuple[Item | ReferenceItem, ...] | None = None


# --- the two sides ------------------------------------------------------------------------------------


class SessionPort(Protocol):
    """One session, as its door sees it.

    The methods that are not ``async`` never wait; all are called from the session's own event loop, in the
    order of the client's events. None of them raises for what a client can do wrong: the door has
    checked its events, and an unknown name in a ``Place`` is ignored.
    """

    @property
    def session_id(self) -> str: ...

    @property
    def coalesced(self) -> int:
        """Growth events that were merged because their reader lagged (``Bus.coalesced``); for the metrics."""
        ...

    @property
    def epochs(self) -> int:
        """How often the model's prompt prefix had to change; for the metrics."""
        ...

    @property
    def floor(self) -> Floor:
        """Who has the floor now."""
        ...

    @property
    def unread_items(self) -> int:
        """Spoken items of the client that have not been recognised yet."""
        ...

    async def run(self) -> None:
        """Run until the call is over. Cancelling it ends the call at once. Raises only on a bug."""
        ...

    async def hear(self, pcm: Pcm) -> None:
        """Microphone audio, mono, at any rate (one rate at a time). May wait a little while the ears are behind."""
        ...

    async def commit_input(self) -> None:
        """The client ends its turn by hand; after all audio before it, ``InputCommitted`` is published."""
        ...

    async def clear_input(self) -> None:
        """Throw uncommitted audio away; publishes ``InputCleared``."""
        ...

    def configure(self, config: SessionConfig) -> None:
        """The configuration is now this; publishes ``SessionConfigured``."""
        ...

    def publish(self, event: Event) -> None:
        """Tell the kernel: ``ResponseRequested``, ``ResponseCancelled``, ``OutputCleared``, ``CallEnding``."""
        ...

    def register_response(self, request_id: str, params: ResponseParams) -> None:
        """Called before ``ResponseRequested(request_id)`` is published. Kept until its think ends."""
        ...

    def insert_item(self, item: Item, after: Place | Literal["root"] | None) -> None:
        """Into the history; ``None``: at its end, ``"root"``: at its beginning.

        Audio of a message is recognised beside the talk; responses that are requested later wait for its words.
        """
        ...

    def delete_item(self, place: Place) -> None: ...

    def cancel_tool(self, call_id: str) -> bool:
        """Cancel a running tool of the server; the model is told. ``False``: there is none of this name."""
        ...

    def truncate(self, utterance_id: str, heard_seconds: float) -> None:
        """The client played only this much of the utterance; publishes ``HeardCorrected`` (clamped to its length)."""
        ...


class Door(Protocol):
    """What a session tells its door. Nothing here may wait or raise."""

    def observe(self, at: float, happened: Event | Command) -> None:
        """Everything, in order: each event as it is decided on, then the commands it caused. ``at``: session time."""
        ...

    def handle(self, command: EndCall | TellTimeout) -> None:
        """The commands that the door owns (they are observed as well)."""
        ...

    def item_unread(self, item_id: str) -> None:
        """The audio of an item that the client inserted could not be recognised; it stands without those words."""
        ...
