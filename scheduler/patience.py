"""Pure: how long a caller likes to pause inside a turn, as this call has shown (rule 5).

How long people pause differs widely between speakers (Goldman-Eisler 1968), so somebody who has just paused for 0.6 s may
well do so again. It is bounded, fades from turn to turn, and does not outlive the call.
"""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.policy import Policy


@dataclass(frozen=True, slots=True)
class Patience:
    """``seconds``: the silence that this caller may need; 0 while nothing is known."""

    seconds: float = 0.0

    def after_pause(self, policy: Policy, seconds: float) -> Patience:
        """The caller went on after a pause of ``seconds``, whether or not the agent had taken the turn for over."""
        if seconds < policy.patience_from_seconds:
            return self
        wanted = min(seconds * policy.patience_factor, policy.patience_ceiling_seconds)
        return Patience(max(self.seconds, wanted))

    def after_turn(self, policy: Policy) -> Patience:
        """A turn is over: what was learned fades, unless it is learned anew."""
        left = self.seconds * policy.patience_kept_share
        return Patience(left if left >= policy.patience_from_seconds else 0.0)
