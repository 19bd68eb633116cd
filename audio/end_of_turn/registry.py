"""From the spec of an end-of-turn model to the model."""

from __future__ import annotations

from pathlib import Path

from audio.end_of_turn.model import EndOfTurnModel
from scheduler.errors import SettingsError

KNOWN_SPECS = ("none", "prosody", "smart-turn:PATH", "simulated", "simulated:eager")


def make_end_of_turn(spec: str | None) -> EndOfTurnModel | None:
    """The model, not yet warm; ``None`` for ``none``. Raises ``SettingsError`` for a spec that isn't known."""
    kind, _, detail = (spec or "none").strip().partition(":")
    match kind, detail:
        case "none", "":
            return None
        case "prosody", "":
            from audio.end_of_turn.prosodic import ProsodicTurnEnd

            return ProsodicTurnEnd()
        case "smart-turn", path if path:
            from audio.end_of_turn.smart_turn import SmartTurn

            return SmartTurn(Path(path))
        case "simulated", "":
            from audio.end_of_turn.simulated import SimulatedTurnEnd

            return SimulatedTurnEnd()
        case "simulated", "eager":
            from audio.end_of_turn.simulated import EAGER, SimulatedTurnEnd

            return SimulatedTurnEnd(settings=EAGER)
        case _:
            raise SettingsError(f"There is no end-of-turn model {spec!r}. Known: {', '.join(KNOWN_SPECS)}.")
