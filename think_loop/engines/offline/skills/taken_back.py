"""Pure: asks back when the caller took something back and it can't be told what."""

from __future__ import annotations

from think_loop.engines.offline.reply import Reply, say
from think_loop.engines.offline.talk import Scene, intent


def ask(scene: Scene) -> Reply | None:
    return say(scene.heard.question) if scene.heard.question else None


INTENTS = (intent("taken back", r"", ask),)
