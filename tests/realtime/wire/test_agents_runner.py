"""The realtime runner of openai-agents, over a real socket, against sessions that follow a script."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner

from realtime.app import create_app
from realtime.wire.session_port import FunctionOutputItem
from tests.realtime.wire.fake_session import fake_server
from tests.realtime.wire.test_sockets import listening, until

pytestmark = pytest.mark.slow


@function_tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


async def seen(session: Any, kind: str, log: list[str]) -> Any:
    """The runner's next event of this kind; errors on the way fail the test."""
    async with asyncio.timeout(10):
        async for event in session:
            log.append(event.type)
            assert event.type != "error", event
            if event.type == kind:
                return event
    raise AssertionError(f"no {kind} among {log}")


def test_a_text_turn_a_tool_and_a_barge_in() -> None:
    async def main() -> None:
        server, sessions = fake_server(api_keys=["secret"])
        async with listening(create_app(server)) as address:
            agent = RealtimeAgent(name="a", instructions="Be brief.", tools=[weather])
            runner = RealtimeRunner(agent)
            config: Any = {"url": f"ws://{address}/v1/realtime?model=any", "api_key": "secret"}
            log: list[str] = []
            async with await runner.run(model_config=config) as session:
                await session.send_message("hello")
                await seen(session, "audio", log)
                await seen(session, "audio_end", log)
                await seen(session, "agent_end", log)

                await session.send_message("what is the weather")
                ended = await seen(session, "tool_end", log)
                assert ended.output == "sunny in Oslo"
                await seen(session, "audio_end", log)
                outputs = [item for kind, item in sessions[0].asked if isinstance(item, FunctionOutputItem)]
                assert [(item.call_id, item.output) for item in outputs] == [("call_1", "sunny in Oslo")]
                await seen(session, "agent_end", log)

                sessions[0].begin_long_answer()
                await sessions[0].send_of_long_answer()
                await seen(session, "audio", log)
                sessions[0].barge_in()
                await seen(session, "audio_interrupted", log)
                await until(lambda: any(kind == "truncate" for kind, _ in sessions[0].asked))
                utterance_id, heard_seconds = next(what for kind, what in sessions[0].asked if kind == "truncate")
                assert utterance_id == "u_long"
                assert 0.0 <= heard_seconds <= 0.6
            await until(lambda: server.session_count == 0)

    asyncio.run(main())
