"""Pure: how many tokens a text has, roughly, for engines that don't say."""

from __future__ import annotations

from think_loop.language_model import Prompt

CHARACTERS_PER_TOKEN = 4
"""Rule of thumb for English text and byte-pair vocabularies of 50,000 to 200,000 entries."""


def estimated_tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def estimated_prompt_tokens(prompt: Prompt) -> int:
    return estimated_tokens(prompt.hints) + sum(estimated_tokens(message.text) for message in prompt.messages)
