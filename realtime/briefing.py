"""What the model is told for one stream of thinking: the session's configuration, the client's request, the history."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

from realtime.conversation import item_entry, place_id
from realtime.settings import Settings
from realtime.wire.session_port import FunctionTool, ReferenceItem, ResponseParams, SessionConfig
from scheduler.commands import Effort, Think
from think_loop.language_model import Prompt, ToolSpec
from think_loop.prompt import hints
from think_loop.timers import Reports, Timers
from think_loop.tools import Toolbox
from think_loop.trajectory import Trajectory

EFFORTS = {
    "none": Effort.REFLEX,
    "minimal": Effort.REFLEX,
    "low": Effort.REFLEX,
    "medium": Effort.CONSIDERED,
    "high": Effort.DEEP,
    "xhigh": Effort.DEEP,
}
"""The protocol's ``reasoning.effort``."""
_KEPT_REPORTS = 32
_MAX_REQUESTS = 64


class Briefing:
    """Builds prompts. ``config`` is the session's configuration as it stands; requests are kept until they are used up."""

    def __init__(
        self, config: SessionConfig, settings: Settings, trajectory: Trajectory, timers: Timers, reports: Reports
    ) -> None:
        self.config = config
        self._settings = settings
        self._trajectory = trajectory
        self._timers = timers
        self._reports = reports
        self._requests: OrderedDict[str, ResponseParams] = OrderedDict()
        self._told: OrderedDict[str, str] = OrderedDict()
        """Reports whose answer may be put off, and begun anew, before it has sounded."""

    def register(self, request_id: str, params: ResponseParams) -> None:
        self._requests[request_id] = params
        while len(self._requests) > _MAX_REQUESTS:
            self._requests.popitem(last=False)

    def prompt(self, think: Think, toolbox: Toolbox) -> Prompt:
        config, engines = self.config, self._settings.engines
        params = self._requests.pop(think.request_id, None) if think.request_id else None
        params = params or ResponseParams(audible=think.audible)
        tools = config.tools if params.tools is None else params.tools
        effort = params.reasoning_effort or config.reasoning_effort
        return Prompt(
            messages=self._history(params).messages(self._instructions(params)),
            hints=self._hints(think),
            tools=(*map(_tool_spec, tools), *(toolbox.specs if think.in_conversation else ())),
            tool_choice=params.tool_choice or config.tool_choice,
            max_output_tokens=params.max_output_tokens or config.max_output_tokens or engines.llm_max_output_tokens,
            temperature=_first(params.temperature, config.temperature, engines.llm_temperature),
            effort=EFFORTS.get(effort) if effort else None,
        )

    def _instructions(self, params: ResponseParams) -> str:
        own = self.config.instructions if params.instructions is None else params.instructions
        return self._settings.agent.instructions if own is None else own

    def _history(self, params: ResponseParams) -> Trajectory:
        """The conversation, or what the client wants to be read in its place."""
        if params.input_items is None:
            return self._trajectory
        history = Trajectory()
        for item in params.input_items:
            if isinstance(item, ReferenceItem):
                entry = self._trajectory.get(place_id(item.place))
            else:
                entry = item_entry(item, None)
            if entry is not None and entry.entry_id not in history:
                history.append(entry)
        return history

    def _hints(self, think: Think) -> str:
        return hints(
            datetime.now().astimezone(),
            think.purpose,
            report=self._report(think.report_id) if think.report_id else "",
            timers=self._timers.described() if think.in_conversation else (),
            pending_calls=[entry.tool_name for entry in self._trajectory.pending_calls],
        )

    def _report(self, report_id: str) -> str:
        text = self._told.pop(report_id, "") or self._reports.take(report_id)
        self._told[report_id] = text
        while len(self._told) > _KEPT_REPORTS:
            self._told.popitem(last=False)
        return text


def _tool_spec(tool: FunctionTool) -> ToolSpec:
    return ToolSpec(tool.name, tool.description, tool.parameters, by_client=True)


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
