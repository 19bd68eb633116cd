"""Models that tell from the audio of a pause whether the turn is over."""
