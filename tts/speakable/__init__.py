"""Pure: written text made speakable, with the map back to the source.

Three steps: ``markup`` takes markdown, control characters and emoji away and keeps where each remaining
character came from; ``grammar`` finds numbers, dates, links and so on in what remains; ``english`` says them.
Every step takes time in proportion to the length of the text, whatever the text is.
"""

from __future__ import annotations

from tts.speakable.assemble import Speakable, SpokenToken, make_speakable, split_source

__all__ = ["Speakable", "SpokenToken", "make_speakable", "split_source"]
