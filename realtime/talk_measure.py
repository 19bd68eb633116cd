"""Pure: what ``stretto talk`` measures, on the audio itself, and its model of a client's loudspeaker."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOUD_DBFS = -45.0
"""Sound begins and ends here: well above a line's noise, well below a soft consonant."""
FRAME_SECONDS = 0.01

_LOUD = 10 ** (LOUD_DBFS / 20) * 32768


def end_of_speech_seconds(samples: NDArray[np.int16], sample_rate_hz: int) -> float:
    """Where the last 10 ms frame louder than -45 dBFS (RMS) ends; 0 if none is. ``samples``: int16 [n]."""
    frame = max(round(FRAME_SECONDS * sample_rate_hz), 1)
    frames = samples[: len(samples) // frame * frame].astype(np.float64).reshape(-1, frame)
    loud = np.flatnonzero(np.sqrt((frames**2).mean(axis=1)) > _LOUD) if len(frames) else np.zeros(0, int)
    return float((loud[-1] + 1) * frame / sample_rate_hz) if len(loud) else 0.0


def first_sound_seconds(samples: NDArray[np.int16], sample_rate_hz: int) -> float | None:
    """Where the first sample above -45 dBFS stands; ``None`` if all is silent. ``samples``: int16 [n]."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _LOUD)
    return float(loud[0]) / sample_rate_hz if len(loud) else None


@dataclass(slots=True)
class Block:
    """Audio of the agent as it plays: ``start_at`` is when its first sample sounds."""

    response_id: str
    item_id: str
    start_at: float
    samples: NDArray[np.int16]


class Loudspeaker:
    """A client's playback: what arrives sounds at once, or behind what still plays; a flush drops the rest."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate = sample_rate_hz
        self.blocks: list[Block] = []
        self._quiet_from = 0.0
        """When the last block that was taken had sounded."""

    @property
    def busy_until(self) -> float:
        """When the last sample will have sounded; 0 before the first."""
        return self._end(self.blocks[-1]) if self.blocks else self._quiet_from

    def _end(self, block: Block) -> float:
        return block.start_at + len(block.samples) / self._rate

    def play(self, now: float, response_id: str, item_id: str, samples: NDArray[np.int16]) -> Block:
        block = Block(response_id, item_id, max(now, self.busy_until), samples)
        self.blocks.append(block)
        return block

    def flush(self, now: float) -> tuple[str, float] | None:
        """Stop what plays: (its item, seconds of it that sounded); ``None`` if nothing was to be stopped."""
        if self.busy_until <= now:
            return None
        playing = next(block for block in self.blocks if self._end(block) > now)
        for block in self.blocks:
            left = max(round((now - block.start_at) * self._rate), 0)
            block.samples = block.samples[:left]
        self.blocks = [block for block in self.blocks if len(block.samples)]
        return playing.item_id, self.played_seconds(playing.item_id)

    def take_blocks(self, sounded_until: float = inf) -> list[Block]:
        """The blocks that have sounded by then, no more kept here; those of an item that still sounds stay."""
        sounding = {block.item_id for block in self.blocks if self._end(block) > sounded_until}
        taken = [block for block in self.blocks if block.item_id not in sounding]
        self._quiet_from = max([self._quiet_from, *map(self._end, taken)])
        self.blocks = [block for block in self.blocks if block.item_id in sounding]
        return taken

    def played_seconds(self, item_id: str) -> float:
        return sum(len(block.samples) for block in self.blocks if block.item_id == item_id) / self._rate

    def first_sound_at(self, response_ids: set[str], not_before: float) -> float | None:
        """When the first loud sample of these responses sounded, at ``not_before`` or later."""
        for block in self.blocks:
            if block.response_id in response_ids and self._end(block) > not_before:
                skip = max(round((not_before - block.start_at) * self._rate), 0)
                sound = first_sound_seconds(block.samples[skip:], self._rate)
                if sound is not None:
                    return block.start_at + skip / self._rate + sound
        return None


@dataclass(slots=True)
class TurnReport:
    """One line of ``stretto talk --json``. Times count from the end of speech in the caller's own audio, or, where the
    question was ``typed``, from when it was sent. ``turn`` is 0 for a greeting.

    ``first_substance_ms``: the first sound that is no filler; servers without fillers give ``first_sound_ms``.
    ``interruptions``: how often the agent was stopped by the caller during this turn.
    ``status``: of the last response; "interrupted" when the caller, as asked, spoke the next question over it.
    ``silence``: why the agent chose, last in this turn, to say nothing; ``""`` where it did not, or the server tells
    nothing of it. ``tools``: calls as ``name(arguments)``, the server's own too.
    ``asked``: the file or the text; ``None`` for what the agent said of its own accord.
    """

    turn: int
    asked: str | None
    heard: str = ""
    said: str = ""
    first_sound_ms: int | None = None
    first_substance_ms: int | None = None
    interruptions: int = 0
    status: str = "no answer"
    silence: str = ""
    tools: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    typed: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
