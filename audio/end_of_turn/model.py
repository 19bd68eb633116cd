"""Pure: what an end-of-turn model is."""

from __future__ import annotations

from typing import Protocol

from scheduler.pcm import Pcm


class EndOfTurnModel(Protocol):
    """Asked once in each pause, shared by all sessions of the process; the simulated one may serve one session only."""

    @property
    def name(self) -> str:
        """The model's spec, such as ``prosody``."""
        ...

    @property
    def simulated(self) -> bool: ...

    @property
    def window_seconds(self) -> float:
        """How much audio before now it wants to hear, at most."""
        ...

    @property
    def asked_early(self) -> bool:
        """It is asked when voice has faded (about 0.1 s), and not only when speech has stopped (0.2 s)."""
        ...

    async def warm_up(self) -> None:
        """Load what is needed. May be called twice. Raises ``SettingsError`` for what can't be loaded."""
        ...

    async def probability(self, audio: Pcm) -> float:
        """0 to 1, that the turn is over. ``audio``: 16 kHz, up to now, the pause so far included."""
        ...

    async def close(self) -> None: ...
