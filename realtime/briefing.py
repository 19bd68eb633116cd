"""What the model is told for one stream of thinking: the session's configuration, the client's request, the history."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime

from realtime.conversation import item_entry, place_id
from realtime.settings import Settings
from realtime.wire.session_port import FunctionTool, ReferenceItem, ResponseParams, SessionConfig
from scheduler.commands import Effort, Purpose, Think
from think_loop.effort import EffortRouter, RuleRouter
from think_loop.language_model import Message, Prompt, ToolSpec
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
        self,
        config: SessionConfig,
        settings: Settings,
        trajectory: Trajectory,
        timers: Timers,
        reports: Reports,
        router: EffortRouter | None = None,
        *,
        still_sounding: Callable[[], str] = lambda: "",
    ) -> None:
        """``router`` chooses the effort where neither the conductor nor the client does; ``None``: ``RuleRouter``.
        ``still_sounding``: what the caller is just hearing."""
        self.config = config
        self._settings = settings
        self._trajectory = trajectory
        self._timers = timers
        self._reports = reports
        self._router = router or RuleRouter()
        self._still_sounding = still_sounding
        self._requests: OrderedDict[str, ResponseParams] = OrderedDict()
        self._told: OrderedDict[str, str] = OrderedDict()
        """Reports whose answer may be put off, and begun anew, before it has sounded."""

    def register(self, request_id: str, params: ResponseParams) -> None:
        self._requests[request_id] = params
        while len(self._requests) > _MAX_REQUESTS:
            self._requests.popitem(last=False)

    def prompt(self, think: Think, toolbox: Toolbox, notes: str = "") -> Prompt:
        """``notes``: what was thought during the turn before it was over."""
        config, engines = self.config, self._settings.engines
        params = self._requests.pop(think.request_id, None) if think.request_id else None
        params = params or ResponseParams(audible=think.audible)
        tools = config.tools if params.tools is None else params.tools
        messages = self._messages(think, params)
        return Prompt(
            messages=messages,
            hints=self._hints(think, notes),
            tools=_all_tools(tools, toolbox if think.in_conversation else None),
            tool_choice=_tool_choice(think.purpose, params.tool_choice or config.tool_choice),
            max_output_tokens=params.max_output_tokens or config.max_output_tokens or engines.llm_max_output_tokens,
            temperature=_first(params.temperature, config.temperature, engines.llm_temperature),
            purpose=think.purpose,
            effort=think.effort or self._effort(think.purpose, params, messages),
        )

    def _effort(self, purpose: Purpose, params: ResponseParams, messages: Sequence[Message]) -> Effort:
        """Asked for by the client's request, or in the session (a name we don't know is none), or else chosen."""
        if purpose is Purpose.NOTES:
            return Effort.CONSIDERED  # they are the thoughts alone: without reasoning there are none
        if purpose is Purpose.FORESIGHT:
            return Effort.REFLEX
        asked = EFFORTS.get(params.reasoning_effort or self.config.reasoning_effort or "")
        return asked or self._chosen_effort(purpose, messages)

    def _chosen_effort(self, purpose: Purpose, messages: Sequence[Message]) -> Effort:
        match purpose:
            case Purpose.ANSWER | Purpose.DRAFT:
                return self._router.choose(*_request_and_history(messages))
            case Purpose.AFTERTHOUGHT:
                return Effort.CONSIDERED
            case _:
                return Effort.REFLEX  # one sentence, known beforehand

    def _messages(self, think: Think, params: ResponseParams) -> tuple[Message, ...]:
        """The history, and behind it what the user has said so far in a turn that is still open."""
        instructions = self._instructions(params)
        if not think.basis:
            return self._history(params).messages(instructions)
        messages = self._trajectory.messages(instructions, without=think.joins)
        return (*messages, Message("user", think.basis))

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

    def _hints(self, think: Think, notes: str) -> str:
        return hints(
            datetime.now().astimezone(),
            think.purpose,
            report=self._report(think.report_id) if think.report_id else "",
            still_sounding=self._still_sounding() if think.in_conversation else "",
            notes=notes,
            timers=self._timers.described() if think.in_conversation else (),
            pending_calls=[entry.tool_name for entry in self._trajectory.pending_calls],
        )

    def _report(self, report_id: str) -> str:
        text = self._told.pop(report_id, "") or self._reports.take(report_id)
        self._told[report_id] = text
        while len(self._told) > _KEPT_REPORTS:
            self._told.popitem(last=False)
        return text


def _request_and_history(messages: Sequence[Message]) -> tuple[str, Sequence[Message]]:
    """The user's last words, and what stands before them."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "user":
            return messages[index].text, messages[:index]
    return "", messages


def _all_tools(by_client: Sequence[FunctionTool], toolbox: Toolbox | None) -> tuple[ToolSpec, ...]:
    """A client's tool stands in for the server's of the same name: model servers refuse two with one name."""
    names = {tool.name for tool in by_client}
    own = () if toolbox is None else tuple(spec for spec in toolbox.specs if spec.name not in names)
    return (*map(_tool_spec, by_client), *own)


def _tool_choice(purpose: Purpose, asked: str) -> str:
    """What the client asks for is for answers: beside them nothing forces a call, and afterwards none is made, since
    no response could tell the client of it. The tools stay in the prompt: its beginning is cached."""
    match purpose:
        case Purpose.FORESIGHT | Purpose.AFTERTHOUGHT:
            return "none"
        case Purpose.NOTES:
            return "none" if asked == "none" else "auto"
        case _:
            return asked


def _tool_spec(tool: FunctionTool) -> ToolSpec:
    return ToolSpec(tool.name, tool.description, tool.parameters, by_client=True)


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
