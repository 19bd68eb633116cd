"""Broken frames on a real websocket: each gets its error, and the session lives on."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from realtime.websocket import MAX_FRAME_BYTES
from tests.faults.live import serving, until
from tests.faults.scenes import ANSWER

pytestmark = pytest.mark.slow  # real sockets; answers are played in real time


def append(audio: Any) -> str:
    return json.dumps({"type": "input_audio_buffer.append", "audio": audio, "event_id": "mine"})


BROKEN: dict[str, tuple[str | bytes, str | None]] = {
    "malformed": ("{", "invalid_json"),
    "empty": ("", "invalid_json"),
    "a list": ("[1, 2]", None),
    "a string": ('"hello"', None),
    "null": ("null", None),
    "no type": ("{}", None),
    "an unknown type": ('{"type": "input_audio_buffer.explode"}', None),
    "a type that is no string": ('{"type": {"a": 1}}', None),
    "NaN": ('{"type": "response.create", "response": {"max_output_tokens": NaN}}', None),
    "infinity": (
        '{"type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": 1e999}',
        None,
    ),
    "a time that is no number": (
        '{"type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": [5]}',
        "invalid_type",
    ),
    "a huge number": ('{"type": "response.create", "response": {"max_output_tokens": 1' + "0" * 4000 + "}}", None),
    "deep nesting": ('{"type": "session.update", "session": ' + '{"a":' * 50_000 + "1" + "}" * 50_001, None),
    "deep lists": ("[" * 200_000, None),
    "a huge string": (json.dumps({"type": "x" * 5_000_000}), None),
    "wrong base64": (append("!!!not base64!!!"), None),
    "base64 cut short": (append("AAAAA"), None),
    "an odd count of bytes": (append(base64.b64encode(bytes(333)).decode()), None),
    "audio that is no string": (append([1, 2, 3]), None),
    "no audio": ('{"type": "input_audio_buffer.append"}', None),
    "bytes of noise": (bytes(range(256)) * 40, None),
    "bytes of text in latin-1": ('{"type": "räsponse"}'.encode("latin-1"), None),
    "half a surrogate pair": ('{"type": "\\ud800"}', None),
    "a voice that is a number": ('{"type": "session.update", "session": {"type": "realtime", "audio": 7}}', None),
    "a threshold out of range": (
        (
            '{"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"turn_detection": '
            '{"type": "server_vad", "threshold": 7e88}}}}}'
        ),
        None,
    ),
    "a commit of nothing": ('{"type": "input_audio_buffer.commit"}', "input_audio_buffer_commit_empty"),
    "a cancel of nothing": ('{"type": "response.cancel"}', "response_cancel_not_active"),
}


def test_each_broken_frame_gets_one_error_and_a_turn_is_answered_afterwards() -> None:
    async def main() -> None:
        async with serving() as live, live.client() as client:
            for name, (frame, code) in BROKEN.items():
                await client.line.send(frame)
                try:
                    told = await client.until("error", seconds=30.0)
                except TimeoutError:
                    pytest.fail(f"{name} got no error")
                assert told["error"]["message"], name
                assert len(told["error"]["message"]) < 1000, f"{name}: what is wrong is not repeated at length"
                assert code is None or told["error"]["code"] == code, (name, told)
            assert [event["type"] for event in client.events].count("error") == len(BROKEN)
            assert await client.ask() == ANSWER

    asyncio.run(main())


def test_a_truncation_beyond_all_bounds_or_in_fractions_is_carried_out_within_them() -> None:
    async def main() -> None:
        async with serving() as live, live.client() as client:
            assert await client.ask() == ANSWER
            item = client.events[-1]["response"]["output"][0]
            carried_out = {}
            for end in ("1" + "0" * 4000, "9" * 20, "1e300", "12.5", "-5", "-0.5"):
                await client.line.send(
                    '{"type": "conversation.item.truncate", "content_index": 0, '
                    f'"item_id": "{item["id"]}", "audio_end_ms": {end}}}'
                )
                carried_out[end] = (await client.until("conversation.item.truncated"))["audio_end_ms"]
            *beyond, within, before, just_before = carried_out.values()
            assert len(set(beyond)) == 1
            assert 500 < beyond[0] < 5000  # the length of the answer
            assert (within, before, just_before) == (12, 0, 0)
            assert all(event["type"] != "error" for event in client.events)
            assert await client.ask() == ANSWER

    asyncio.run(main())


def test_the_clients_event_id_comes_back_with_its_error() -> None:
    async def main() -> None:
        async with serving() as live, live.client() as client:
            await client.line.send(append("???"))
            assert (await client.until("error"))["error"]["event_id"] == "mine"

    asyncio.run(main())


def test_ten_megabytes_of_audio_in_one_frame_are_heard() -> None:
    async def main() -> None:
        async with serving() as live, live.client() as client:
            await client.line.send(append(base64.b64encode(bytes(7_864_320)).decode()))  # 10 MiB of base64
            assert await client.ask() == ANSWER
            await client.line.send("x" * 10_000_000)
            await client.error()
            assert await client.ask() == ANSWER

    asyncio.run(main())


@pytest.mark.parametrize("frame", ["x" * (MAX_FRAME_BYTES + 1), b"x" * (MAX_FRAME_BYTES + 1)])
def test_a_frame_beyond_the_limit_closes_the_connection_with_a_reason(frame: str | bytes) -> None:
    async def main() -> None:
        async with serving() as live, live.client() as other:
            async with live.client() as client:
                await client.line.send(frame)
                assert (await client.closed()).code == 1009
            await until(lambda: live.server.session_count == 1)
            assert await other.ask() == ANSWER

    asyncio.run(main())


def test_text_that_is_no_utf_8_closes_the_connection_as_the_standard_asks() -> None:
    async def main() -> None:
        async with serving() as live, live.client() as other:
            async with live.client() as client:
                await client.line.send(b'{"type": "\xff\xfe"}', text=True)
                assert (await client.closed()).code == 1007
            await until(lambda: live.server.session_count == 1)
            assert await other.ask() == ANSWER

    asyncio.run(main())
