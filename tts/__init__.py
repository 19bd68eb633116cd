"""The voice: text made speakable, engines that render it with word times."""
