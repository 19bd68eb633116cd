"""A Whisper model of under a megabyte in CTranslate2's format, made here: it always says one chosen sentence.

All attention and feed-forward layers give zero, and each position's embedding points at the next token, so
what it says does not depend on what it hears; everything around it (features, decoding, word times, streaming)
is real.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import whisper_spec
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

WIDTH = 64
MELS = 80
CONTEXT = 448
SPECIAL = [
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
]
TIMESTAMPS = [f"<|{index * 0.02:.2f}|>" for index in range(1501)]


def make_tiny_whisper(folder: Path, text: str) -> None:
    """``text``: what it says, beginning with a space."""
    tokenizer = _tokenizer()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": MELS, "sampling_rate": 16000}))
    size = tokenizer.get_vocab_size()
    spec = whisper_spec.WhisperSpec(1, 2, 1, 2)
    embeddings = np.random.default_rng(0).normal(size=(size, WIDTH)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    _set_encoder(spec.encoder)
    _set_decoder(spec.decoder, embeddings, _positions(tokenizer, text, embeddings))
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.alignment_heads = [[0, 0]]
    spec.config.lang_ids = [tokenizer.token_to_id("<|en|>")]
    spec.register_vocabulary([tokenizer.id_to_token(index) for index in range(size)])
    spec.validate()
    spec.optimize(quantization="float32")
    spec.save(str(folder))


def _tokenizer() -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: index for index, letter in enumerate(alphabet)}
    merges = [("Ġ", "-"), ("Ġ", "'"), ("Ġ", "â")]  # else Whisper's list of unspoken signs would forbid the space
    for pair in merges:
        vocabulary["".join(pair)] = len(vocabulary)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in SPECIAL + TIMESTAMPS])
    return tokenizer


def _positions(tokenizer: Tokenizer, text: str, embeddings: np.ndarray) -> np.ndarray:
    """After <|startoftranscript|> comes a first timestamp, then the text, then a last timestamp and the end.

    The prompt of an English-only model with timestamps is one token, so position 0 leads to the first.
    """
    start, end = tokenizer.token_to_id("<|0.00|>"), tokenizer.token_to_id("<|1.00|>")
    stop = tokenizer.token_to_id("<|endoftext|>")
    sequence = [start, *tokenizer.encode(text, add_special_tokens=False).ids, end, stop]
    positions = np.zeros((CONTEXT, WIDTH), np.float32)
    positions[: len(sequence)] = embeddings[sequence] * 60
    positions[len(sequence) :] = embeddings[stop] * 60
    return positions


def _set_encoder(spec: Any) -> None:
    random = np.random.default_rng(1)
    spec.conv1.weight = random.normal(0, 0.1, (WIDTH, MELS, 3)).astype(np.float32)
    spec.conv1.bias = np.zeros(WIDTH, np.float32)
    spec.conv2.weight = random.normal(0, 0.1, (WIDTH, WIDTH, 3)).astype(np.float32)
    spec.conv2.bias = np.zeros(WIDTH, np.float32)
    spec.position_encodings.encodings = np.zeros((1500, WIDTH), np.float32)
    _set_norm(spec.layer_norm)
    for layer in spec.layer:
        _set_attention(layer.self_attention, [3, 1])
        _set_feed_forward(layer.ffn)


def _set_decoder(spec: Any, embeddings: np.ndarray, positions: np.ndarray) -> None:
    spec.embeddings.weight = embeddings * 0.1
    spec.position_encodings.encodings = positions
    spec.projection.weight = embeddings * 5  # far from one another, so that timestamps in sum outweigh no word
    _set_norm(spec.layer_norm)
    for layer in spec.layer:
        _set_attention(layer.self_attention, [3, 1])
        _set_attention(layer.attention, [1, 2, 1])
        _set_feed_forward(layer.ffn)


def _set_norm(spec: Any) -> None:
    spec.gamma = np.ones(WIDTH, np.float32)
    spec.beta = np.zeros(WIDTH, np.float32)


def _set_attention(spec: Any, widths: list[int]) -> None:
    """``widths``: of each linear layer's output, in multiples; the last gives zero."""
    _set_norm(spec.layer_norm)
    random = np.random.default_rng(2)
    for linear, width in zip(spec.linear, widths, strict=True):
        linear.weight = random.normal(0, 0.1, (width * WIDTH, WIDTH)).astype(np.float32)
        linear.bias = np.zeros(width * WIDTH, np.float32)
    spec.linear[-1].weight = np.zeros((WIDTH, WIDTH), np.float32)


def _set_feed_forward(spec: Any) -> None:
    _set_norm(spec.layer_norm)
    spec.linear_0.weight = np.zeros((4 * WIDTH, WIDTH), np.float32)
    spec.linear_0.bias = np.zeros(4 * WIDTH, np.float32)
    spec.linear_1.weight = np.zeros((WIDTH, 4 * WIDTH), np.float32)
    spec.linear_1.bias = np.zeros(WIDTH, np.float32)
