"""Pure: from vLLM's prompt log-probabilities to how much of a given beginning would still be said.

vLLM answers a request with ``prompt_logprobs: 0`` with one entry for each token of the rendered prompt: ``null`` for the
first, then ``{"TOKEN ID": {"logprob": -0.1, "rank": 1, "decoded_token": " is"}}``. With ``continue_final_message`` the
prompt ends with the last sign of the opening, so the tokens of the opening are found from the end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

HOLDS_PROBABILITY = 0.3
"""A token of the opening holds when the model would put it first (rank 1), or with at least this probability.

Speculative decoding keeps a drafted token x with probability min(1, p(x)/q(x)); which q the draft was written with is not
known any more. Typical acceptance (Medusa, Cai et al. 2024) needs p alone and keeps from 0.09 on; here it is stricter,
since a changed day or number matters more than a lost draft: at most two other words could be as likely."""
_HOLDS_LOGPROB = math.log(HOLDS_PROBABILITY)
_UNREADABLE = "\ufffd"


@dataclass(frozen=True, slots=True)
class PromptToken:
    text: str
    logprob: float
    rank: int | None

    @property
    def holds(self) -> bool:
        return self.rank == 1 or self.logprob >= _HOLDS_LOGPROB


def read_prompt_tokens(answer: object, opening: str) -> list[PromptToken] | None:
    """The last ones of a decoded ``chat.completion``, enough for ``opening``; ``None``: it has none.

    No token is shorter than a byte, and those of the template before them need not be read."""
    positions = answer.get("prompt_logprobs") if isinstance(answer, Mapping) else None
    if not isinstance(positions, list) or len(positions) < 2:
        return None
    tokens = [_read_token(position) for position in positions[1:][-len(opening.encode()) - 1 :]]
    return [token for token in tokens if token is not None] if None not in tokens else None


def _read_token(position: object) -> PromptToken | None:
    """The prompt's own token comes first, others of the same place (where more were asked for) behind it."""
    entry = next(iter(position.values()), None) if isinstance(position, Mapping) else None
    if not isinstance(entry, Mapping) or not isinstance(logprob := entry.get("logprob"), int | float):
        return None
    rank = entry.get("rank")
    return PromptToken(str(entry.get("decoded_token") or ""), logprob, rank if isinstance(rank, int) else None)


def agreement_of(tokens: Sequence[PromptToken], opening: str) -> str | None:
    """The longest beginning of ``opening`` whose tokens all hold; ``None`` where they can't be laid over it exactly.

    ``opening`` ends with the last token. White space is left out of the comparison: some tokenizers drop it.
    """
    placed = _placed(tokens, _bare(opening.encode()))
    if placed is None:
        return None
    length = next((begins_at for begins_at, token in placed if not token.holds), None)
    return opening if length is None else _with_bare_bytes(opening, length)


def _placed(tokens: Sequence[PromptToken], opening: bytes) -> list[tuple[int, PromptToken]] | None:
    """Where each token begins in the bare bytes of the opening, in order; ``None`` if they don't fit.

    A token that is only a part of a sign is written as an empty text by newer versions of vLLM, and the sign stands at
    its last part; older ones write U+FFFD, which could be anything: then nothing is known for certain.
    """
    found: list[tuple[int, PromptToken]] = []
    ends_at = len(opening)
    for token in reversed(tokens):
        if ends_at == 0 and token.text:
            break
        length = _length(token.text, opening[:ends_at])
        if length is None:
            return None
        ends_at -= length
        found.append((ends_at, token))
    return found[::-1] if ends_at == 0 and opening else None


def _length(text: str, before: bytes) -> int | None:
    """How many bytes at the end of ``before`` are this token's. The first one may begin in the template's text."""
    if _UNREADABLE in text:
        return None
    for written in _writings(text):
        if before.endswith(written):
            return len(written)
    reaches_over = before and any(written.endswith(before) for written in _writings(text))
    return len(before) if reaches_over else None


def _writings(text: str) -> list[bytes]:
    """What the token may stand for: its text, or the tokenizer's own writing of it (byte-level BPE: ``Ġis``;
    SentencePiece: ``▁is``, ``<0xE4>``), which some versions of vLLM give."""
    writings = [_bare(text.encode())]
    letters = _byte_letters()
    if all(letter in letters for letter in text):
        writings.append(_bare(bytes(letters[letter] for letter in text)))
    if "▁" in text:
        writings.append(_bare(text.replace("▁", " ").encode()))
    if len(text) == 6 and text.startswith("<0x") and text.endswith(">"):
        with suppress(ValueError):
            writings.append(_bare(bytes.fromhex(text[3:5])))
    return writings


@cache
def _byte_letters() -> dict[str, int]:
    """The letters in which byte-level BPE vocabularies (GPT-2 and its heirs) write bytes: the printable ones of Latin-1
    stand for themselves, the others, in order, for the code points from 256 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + place): byte for place, byte in enumerate(others)}


def _bare(text: bytes) -> bytes:
    return b"".join(text.split())


def _with_bare_bytes(opening: str, count: int) -> str:
    """The longest beginning of ``opening`` that has no more than ``count`` bytes without white space."""
    kept = 0
    for place, letter in enumerate(opening):
        kept += len(_bare(letter.encode()))
        if kept > count:
            return opening[:place]
    return opening
