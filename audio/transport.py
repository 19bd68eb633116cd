"""Pure: what playout needs of a line to the caller."""

from __future__ import annotations

from typing import Literal, Protocol

from scheduler.pcm import Pcm, WordTime

PlayoutPosition = Literal["exact", "reported", "estimated"]
"""What a transport knows of the caller's ear.

``exact``: it plays by its own clock of samples (WebRTC, SIP). ``reported``: the client tells what it has
played. ``estimated``: nothing is known but when audio left (a plain websocket); such a client is taken to
throw away what it has not played when it is told of a stop.
"""


class AudioTransport(Protocol):
    """The sending half of a line. One utterance is on it at a time."""

    @property
    def position(self) -> PlayoutPosition: ...

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the PCM it is given."""
        ...

    async def send(self, utterance_id: str, pcm: Pcm, words: tuple[WordTime, ...]) -> None:
        """Take a block of 20 to 40 ms; waits while the line is full (an exact line holds at most about 60 ms).

        ``words``: those that start in this block, their times from the utterance's start.
        """
        ...

    def played_seconds(self) -> float:
        """How much of all audio ever given to ``send`` the caller has heard; gaps do not count.

        Only asked of exact and reported lines.
        """
        ...
