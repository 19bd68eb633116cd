"""Pure: the languages in which transcripts are compared."""

from __future__ import annotations

from scheduler.languages.chinese import CHINESE
from scheduler.languages.english import ENGLISH
from scheduler.languages.pack import LanguagePack

NEUTRAL = LanguagePack()
"""For languages nothing is known of: only case, punctuation and full-width digits are set aside."""

_PACKS = {"en": ENGLISH, "zh": CHINESE, "cmn": CHINESE}


def pack_for(language: str) -> LanguagePack:
    """The pack of a BCP 47 tag ("en-US", "zh-Hans"), told by its first part alone. Any text is taken."""
    return _PACKS.get(language.replace("_", "-").partition("-")[0].strip().lower(), NEUTRAL)
