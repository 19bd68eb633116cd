"""Pure: what a client's event asks of the session, checked and in the kernel's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from realtime.wire.session_port import Item, Place, ResponseParams, SessionConfig


@dataclass(frozen=True, slots=True)
class AppendAudio:
    """``data``: whole samples in the session's input format."""

    data: bytes


@dataclass(frozen=True, slots=True)
class CommitInput:
    pass


@dataclass(frozen=True, slots=True)
class ClearInput:
    pass


@dataclass(frozen=True, slots=True)
class ClearOutput:
    pass


@dataclass(frozen=True, slots=True)
class Configure:
    config: SessionConfig


@dataclass(frozen=True, slots=True)
class CreateItem:
    """``after``: as in ``SessionPort.insert_item``."""

    item: Item
    after: Place | Literal["root"] | None


@dataclass(frozen=True, slots=True)
class DeleteItem:
    place: Place


@dataclass(frozen=True, slots=True)
class Truncate:
    utterance_id: str
    heard_seconds: float


@dataclass(frozen=True, slots=True)
class Respond:
    request_id: str
    params: ResponseParams


@dataclass(frozen=True, slots=True)
class Cancel:
    """``think_id=None``: the running answer of the conversation."""

    think_id: str | None


@dataclass(frozen=True, slots=True)
class CancelTool:
    """A tool that runs on the server. ``event_id``: the client's, should there be none."""

    call_id: str
    event_id: str | None = None


Intent = (
    AppendAudio
    | CommitInput
    | ClearInput
    | ClearOutput
    | Configure
    | CreateItem
    | DeleteItem
    | Truncate
    | Respond
    | Cancel
    | CancelTool
)
