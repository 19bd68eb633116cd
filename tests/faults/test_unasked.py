"""What the server says by itself gives way to a client's request, on real sockets: one response runs at a time."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.live import Client, serving
from tests.faults.scenes import ANSWER, simulated_settings

pytestmark = pytest.mark.slow  # real sockets; the greeting is played in real time

GREETING = "Hello, this is the flower shop on the corner, how can I help you today?"


async def responses(*, greeting_sounds: bool) -> list[tuple[str, str]]:
    """(what happened, the status) of each response, until the one that was asked for is done."""
    async with serving(settings=simulated_settings(agent={"greeting": GREETING})) as live, live.client() as client:
        if greeting_sounds:
            await client.until("response.output_audio_transcript.delta")
        await client.send("response.create")
        await _until_answered(client)
    told = [event for event in client.events if event["type"] in ("response.created", "response.done", "error")]
    return [(event["type"], event.get("response", {}).get("status", "")) for event in told]


async def _until_answered(client: Client) -> None:
    while (await client.until("response.done"))["response"]["status"] != "completed":
        pass
    texts = [event["transcript"] for event in client.events if event["type"] == "response.output_audio_transcript.done"]
    assert texts[-1] == ANSWER


@pytest.mark.parametrize("greeting_sounds", [False, True])
def test_a_request_takes_the_place_of_the_greeting(greeting_sounds: bool) -> None:
    told = asyncio.run(responses(greeting_sounds=greeting_sounds))
    assert told in (
        [
            ("response.created", "in_progress"),
            ("response.done", "cancelled"),
            ("response.created", "in_progress"),
            ("response.done", "completed"),
        ],
        # the request was there first
        [("response.created", "in_progress"), ("response.done", "completed")],
    )
    assert len(told) == 4 or not greeting_sounds
