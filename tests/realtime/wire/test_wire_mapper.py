"""Kernel facts in, lists of server events out. Every event is also held against the official models."""

from __future__ import annotations

import base64

import pytest

from realtime.wire.intents import Respond
from scheduler.commands import (
    AmendTurn,
    CommitTurn,
    EndCall,
    EndTurn,
    OpenTurn,
    Purpose,
    RecordHeard,
    Speak,
    SpeakSource,
    StopSpeaking,
    StopThinking,
    TellTimeout,
    Think,
    TurnOutcome,
)
from scheduler.events import (
    CallEnding,
    DeadlineReached,
    EarsFailed,
    HeardCorrected,
    PlayoutEnded,
    PlayoutSent,
    ResponseCancelled,
    ResponseRequested,
    SilenceChosen,
    SpeechStarted,
    SpeechStopped,
    ThinkEnded,
    ThinkEnding,
    ThoughtGrown,
    ToolCalled,
    ToolEnded,
    TranscriptRevised,
    VoiceFailed,
    WordsWritten,
)
from tests.realtime.wire.wire_help import Wire, types, words

OPEN = OpenTurn("t1", 1.25)
COMMIT = CommitTurn("t1", "what time is it", 1.25, 2.5, final=True, segments=(0,))
THINK = Think("k1", Purpose.ANSWER, turn_id="t1")
DONE = ThinkEnded("k1", ThinkEnding.DONE, input_tokens=20, output_tokens=7, cached_tokens=8)

ITEM = ["response.output_item.added", "conversation.item.added", "response.content_part.added"]
CLOSE_AUDIO = [
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
]


def test_a_spoken_turn_in_the_order_clients_rely_on() -> None:
    wire = Wire()
    assert types(wire.happens(OPEN)) == ["input_audio_buffer.speech_started"]
    assert types(wire.happens(COMMIT)) == [
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    assert types(wire.happens(THINK)) == ["response.created"]
    assert types(wire.happens(WordsWritten("k1", "It is noon."), Speak("u1", 0, "It is noon.", "k1"))) == ITEM
    heard = wire.sounds("u1", "It", " is", " noon.")
    assert types(heard) == ["response.output_audio_transcript.delta", "response.output_audio.delta"]
    assert heard[0]["delta"] == "It is noon."
    assert base64.b64decode(heard[1]["delta"]) == bytes(1920)
    assert wire.happens(DONE) == []
    assert types(wire.happens(PlayoutSent("u1", 0.04))) == [*CLOSE_AUDIO, "response.done"]
    assert wire.happens(PlayoutEnded("u1", False, "It is noon.", 0.04, settled=False)) == []


def test_a_spoken_turn_says_when_and_what() -> None:
    wire = Wire()
    wire.happens(OPEN, COMMIT, THINK, Speak("u1", 0, "It is noon.", "k1"))
    wire.sounds("u1", "It", " is", " noon.")
    wire.happens(DONE, PlayoutSent("u1", 0.04))
    sent = {event["type"]: event for event in wire.log}
    assert sent["input_audio_buffer.speech_started"]["audio_start_ms"] == 1250
    assert sent["input_audio_buffer.speech_stopped"]["audio_end_ms"] == 2500
    assert sent["input_audio_buffer.committed"]["item_id"] == sent["input_audio_buffer.speech_started"]["item_id"]
    response = sent["response.done"]["response"]
    assert response["status"] == "completed"
    assert response["usage"]["total_tokens"] == 27
    assert response["usage"]["input_token_details"]["cached_tokens"] == 8
    assert response["output"][0]["content"] == [{"type": "output_audio", "transcript": "It is noon."}]
    assert "usage" not in sent["response.created"]["response"]


def test_the_done_of_a_response_waits_for_the_end_of_the_thinking() -> None:
    wire = Wire()
    wire.happens(THINK, Speak("u1", 0, "One.", "k1"))
    wire.sounds("u1", "One.")
    assert types(wire.happens(PlayoutSent("u1", 0.04))) == CLOSE_AUDIO
    assert types(wire.happens(DONE)) == ["response.done"]


def test_sentences_read_on_with_a_space_between_and_untimed_words_follow_at_the_end() -> None:
    wire = Wire()
    wire.happens(THINK, Speak("u1", 0, "One.", "k1"), Speak("u1", 1, "Two three.", "k1"), Speak("u1", 2, "Four.", "k1"))
    wire.sounds("u1", "One.")
    wire.sounds("u1", "Two")
    wire.happens(DONE, PlayoutSent("u1", 0.08))
    done = next(event for event in wire.log if event["type"] == "response.output_audio_transcript.done")
    assert done["transcript"] == "One. Two three. Four."
    deltas = [e["delta"] for e in wire.log if e["type"] == "response.output_audio_transcript.delta"]
    assert "".join(deltas) == done["transcript"]


def test_a_sentence_the_voice_could_not_say_is_not_in_the_transcript() -> None:
    wire = Wire()
    wire.happens(THINK, Speak("u1", 0, "One.", "k1"), Speak("u1", 1, "Two.", "k1"), VoiceFailed("u1", 1, "broken"))
    wire.sounds("u1", "One.")
    wire.happens(DONE, PlayoutSent("u1", 0.04))
    assert wire.log[-1]["response"]["output"][0]["content"][0]["transcript"] == "One."


def test_a_written_answer() -> None:
    wire = Wire()
    think = Think("k1", Purpose.ANSWER, audible=False)
    assert types(wire.happens(think, WordsWritten("k1", "\n"), WordsWritten("k1", " Hel"))) == [
        "response.created",
        *ITEM,
        "response.output_text.delta",
    ]
    assert types(wire.happens(WordsWritten("k1", "lo "), DONE)) == [
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]
    response = wire.log[-1]["response"]
    assert response["output_modalities"] == ["text"]
    assert response["output"][0]["content"] == [{"type": "output_text", "text": "Hello "}]


def test_barge_in_tells_the_speech_first_then_closes_the_response_and_drops_late_audio() -> None:
    wire = Wire()
    wire.happens(THINK, Speak("u1", 0, "A long story.", "k1"))
    wire.sounds("u1", "A")
    events = wire.happens(
        SpeechStarted(5.0), OpenTurn("t2", 5.0), StopThinking("k1"), StopSpeaking("u1", 0.2, "barge_in")
    )
    assert types(events) == ["input_audio_buffer.speech_started", *CLOSE_AUDIO, "response.done"]
    response = events[-1]["response"]
    assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert response["output"][0]["status"] == "incomplete"
    assert response["output"][0]["content"][0]["transcript"] == "A"
    assert wire.sounds("u1", " long") == []
    assert wire.happens(ThinkEnded("k1", ThinkEnding.STOPPED), PlayoutEnded("u1", True, "A", 0.1, False, 0)) == []


@pytest.mark.parametrize(
    ("cause", "reason"),
    [(ResponseCancelled(), "client_cancelled"), (SpeechStarted(1.0), "turn_detected"), (CallEnding("bye"), None)],
)
def test_a_think_stopped_before_it_sounds_says_by_whom(cause: object, reason: str | None) -> None:
    wire = Wire()
    wire.happens(THINK)
    events = wire.happens(cause, StopThinking("k1"))  # type: ignore[arg-type]
    assert types(events) == ["response.done"]
    assert events[0]["response"]["status_details"].get("reason") == reason


def test_what_sounds_when_the_thinking_is_stopped_may_be_heard_to_its_end() -> None:
    wire = Wire()
    wire.happens(THINK, Speak("u1", 0, "One.", "k1"), StopThinking("k1"), ThinkEnded("k1", ThinkEnding.STOPPED))
    assert types(wire.sounds("u1", "One."))[-1] == "response.output_audio.delta"
    assert wire.happens(PlayoutSent("u1", 0.04))[-1]["response"]["status"] == "cancelled"


def test_speech_taken_up_again_after_a_stop_is_a_new_response() -> None:
    wire = Wire()
    wire.happens(THINK, Speak("u1", 0, "One.", "k1"), DONE, StopSpeaking("u1"))
    assert types(wire.happens(Speak("u2", 0, "One.", "k1"))) == ["response.created", *ITEM]
    assert types(wire.happens(PlayoutSent("u2", 0.1)))[-1] == "response.done"


def test_a_failure_ends_the_response_after_what_was_said_and_the_apology_is_a_response_of_its_own() -> None:
    wire = Wire()
    wire.happens(THINK, Speak("u1", 0, "Well.", "k1"))
    wire.sounds("u1", "Well.")
    assert wire.happens(ThinkEnded("k1", ThinkEnding.FAILED, "The model is unreachable.")) == []
    done = wire.happens(PlayoutSent("u1", 0.04))[-1]["response"]
    assert done["status"] == "failed"
    assert done["status_details"]["error"]["message"] == "The model is unreachable."
    apology = wire.happens(Speak("u2", 0, "Sorry.", None, SpeakSource.SERVER))
    assert types(apology) == ["response.created", *ITEM]
    assert wire.happens(PlayoutSent("u2", 0.1))[-1]["response"]["status"] == "completed"


def test_a_spent_budget_is_incomplete() -> None:
    wire = Wire()
    wire.happens(THINK)
    done = wire.happens(ThinkEnded("k1", ThinkEnding.LENGTH))[0]["response"]
    assert (done["status"], done["status_details"]["reason"]) == ("incomplete", "max_output_tokens")


def test_chosen_silence_is_a_response_without_output() -> None:
    wire = Wire()
    events = wire.happens(THINK, SilenceChosen("k1", "not addressed"), DONE)
    assert types(events) == ["response.created", "response.done"]
    assert events[1]["response"]["output"] == []


def test_a_function_call_of_the_client() -> None:
    wire = Wire()
    events = wire.happens(
        THINK,
        ToolCalled("k1", "call_9", "weather", '{"city":"Oslo"}', by_client=True),
        ThinkEnded("k1", ThinkEnding.TOOLS),
    )
    assert types(events) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]
    assert events[1]["item"]["status"] == "in_progress"
    assert events[4]["name"] == "weather"
    assert events[-1]["response"]["output"][0]["arguments"] == '{"city":"Oslo"}'


def test_a_function_call_after_words_has_the_next_output_index() -> None:
    wire = Wire()
    wire.happens(THINK, Speak("u1", 0, "Let me look.", "k1"), ToolCalled("k1", "c", "look", "{}", by_client=True))
    wire.happens(ThinkEnded("k1", ThinkEnding.TOOLS), PlayoutSent("u1", 0.5))
    output = wire.log[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["message", "function_call"]
    assert [e["output_index"] for e in wire.log if e["type"] == "response.output_item.done"] == [1, 0]


def test_tools_of_the_server_stay_inside() -> None:
    wire = Wire()
    wire.happens(THINK)
    assert wire.happens(ToolCalled("k1", "c", "set_timer", "{}", by_client=False)) == []


def test_an_out_of_band_response_leaves_the_conversation_alone() -> None:
    wire = Wire()
    outcome = wire.receives(
        type="response.create",
        response={"conversation": "none", "output_modalities": ["text"], "metadata": {"topic": "mood"}},
    )
    request_id = outcome.intents[0].request_id  # type: ignore[union-attr]
    think = Think("k1", Purpose.ANSWER, request_id=request_id, audible=False, in_conversation=False)
    events = wire.happens(ResponseRequested(request_id, False, False), think, WordsWritten("k1", "calm"), DONE)
    assert not any(name.startswith("conversation.item") for name in types(events))
    assert events[-1]["response"]["metadata"] == {"topic": "mood"}
    assert events[-1]["response"]["conversation_id"] is None
    assert len(wire.state.conversation) == 0


def test_long_audio_is_split_into_small_events() -> None:
    wire = Wire()
    wire.happens(THINK, Speak("u1", 0, "Long.", "k1"))
    deltas = [e["delta"] for e in wire.sounds("u1", seconds=3.0) if e["type"] == "response.output_audio.delta"]
    assert sum(len(base64.b64decode(delta)) for delta in deltas) == 3 * 48000
    assert max(len(delta) for delta in deltas) < 48 * 1024


def test_the_history_of_an_interrupted_answer_is_what_was_heard() -> None:
    wire = Wire()
    wire.happens(THINK, Speak("u1", 0, "A long story.", "k1"))
    wire.sounds("u1", "A", " long")
    wire.happens(StopSpeaking("u1"), RecordHeard("u1", "A", cut_off=True, think_id="k1"))
    item_id = wire.state.conversation.last_item_id
    retrieved = wire.receives(type="conversation.item.retrieve", item_id=item_id).events[0]
    assert retrieved["item"]["content"] == [{"type": "output_audio", "transcript": "A"}]


def test_a_truncated_item_holds_what_the_client_played_while_the_answer_is_still_being_stopped() -> None:
    wire = Wire()
    wire.happens(THINK, Speak("u1", 0, "A long story.", "k1"))
    wire.sounds("u1", "A", " long")
    wire.happens(StopSpeaking("u1", 0.2), HeardCorrected("u1", "A", 0.1))
    item_id = wire.state.conversation.last_item_id
    retrieved = wire.receives(type="conversation.item.retrieve", item_id=item_id).events[0]
    assert retrieved["item"]["content"] == [{"type": "output_audio", "transcript": "A"}]


def test_the_idle_time_commits_an_empty_item() -> None:
    wire = Wire()
    wire.state.clock.appended_seconds = 9.0
    events = wire.happens(TellTimeout(6.0), Think("k1", Purpose.NUDGE))
    assert types(events) == [
        "input_audio_buffer.timeout_triggered",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]
    assert (events[0]["audio_start_ms"], events[0]["audio_end_ms"]) == (3000, 9000)


def test_the_end_of_the_call_ends_what_runs() -> None:
    wire = Wire()
    wire.happens(THINK, Speak("u1", 0, "One.", "k1"))
    assert types(wire.happens(EndCall("done")))[-1] == "response.done"
    assert wire.mapper.running == []


# --- turns and transcription --------------------------------------------------------------------------


def test_push_to_talk_has_no_speech_events() -> None:
    wire = Wire()
    commit = CommitTurn("t1", "hello", 0.0, 1.0, final=True, segments=(0,), by_hand=True)
    assert types(wire.happens(commit)) == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]


def test_a_turn_that_was_told_but_never_committed_stops() -> None:
    wire = Wire()
    events = wire.happens(OPEN, SpeechStopped(1.9), EndTurn("t1", TurnOutcome.CANCELLED))
    assert types(events) == ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"]
    assert events[1]["audio_end_ms"] == 1900


def transcribing(*, transcription: bool = False) -> Wire:
    wire = Wire(transcription=transcription)
    kind = "transcription" if transcription else "realtime"
    wire.receives(type="session.update", session={"type": kind, "audio": {"input": {"transcription": {"model": "x"}}}})
    wire.log.clear()
    return wire


DELTA = "conversation.item.input_audio_transcription.delta"
COMPLETED = "conversation.item.input_audio_transcription.completed"
FAILED = "conversation.item.input_audio_transcription.failed"


def test_transcription_follows_its_item_and_waits_for_the_last_word() -> None:
    wire = transcribing()
    assert types(wire.happens(OPEN, TranscriptRevised(0, words("what", "time"), words("ist")))) == [
        "input_audio_buffer.speech_started"
    ]
    early = CommitTurn("t1", "what time", 1.25, 2.5, final=False, segments=(0,))
    assert wire.happens(early)[-1]["delta"] == "what time"
    events = wire.happens(AmendTurn("t1", "what time is it"))
    assert types(events) == [DELTA, COMPLETED]
    assert (events[0]["delta"], events[1]["transcript"]) == (" is it", "what time is it")
    assert events[1]["usage"] == {"type": "duration", "seconds": 1.25}


def test_a_final_transcript_completes_at_once_and_stands_in_the_item() -> None:
    wire = transcribing()
    events = wire.happens(OPEN, COMMIT)
    assert types(events)[-2:] == [DELTA, COMPLETED]
    assert events[3]["item"]["content"][0]["transcript"] == "what time is it"


def test_without_transcription_nothing_of_the_words_is_told() -> None:
    wire = Wire()
    wire.happens(OPEN, TranscriptRevised(0, words("what")), COMMIT)
    assert "what" not in str(wire.log)


def test_a_failed_recogniser_fails_the_transcription_of_its_turn() -> None:
    wire = transcribing()
    wire.happens(OPEN, CommitTurn("t1", "", 1.25, 2.5, final=False, segments=(0,)))
    assert types(wire.happens(EarsFailed("crashed", True))) == [FAILED]
    assert wire.happens(AmendTurn("t1", "late")) == []


def test_a_transcription_session_tells_words_as_they_become_certain() -> None:
    wire = transcribing(transcription=True)
    first = wire.happens(OPEN, TranscriptRevised(0, words("what")))
    assert types(first) == ["input_audio_buffer.speech_started", DELTA]
    assert first[1]["item_id"] == first[0]["item_id"]
    assert [e["delta"] for e in wire.happens(TranscriptRevised(0, words("what", "time"), words("is")))] == [" time"]
    assert [e["delta"] for e in wire.happens(TranscriptRevised(1, words("now")))] == [" now"]
    commit = CommitTurn("t1", "what time now", 1.25, 2.5, final=True, segments=(0, 1))
    assert types(wire.happens(commit))[-1] == COMPLETED
    assert DELTA not in types(wire.happens(TranscriptRevised(0, words("what", "time", "late"))))


def test_a_transcription_session_with_push_to_talk_names_its_item_before_it_is_committed() -> None:
    wire = Wire(transcription=True)
    wire.receives(
        type="session.update", session={"type": "transcription", "audio": {"input": {"turn_detection": None}}}
    )
    delta = wire.happens(TranscriptRevised(0, words("hello")))
    commit = CommitTurn("t1", "hello", 0.0, 1.0, final=True, segments=(0,), by_hand=True)
    committed = wire.happens(commit)
    assert delta[0]["item_id"] == committed[0]["item_id"]


@pytest.mark.parametrize("spoken", [True, False])
def test_what_was_asked_for_while_the_user_spoke_is_done_before_the_answer_to_their_words_is_created(
    spoken: bool,
) -> None:
    wire = Wire()
    wire.happens(OPEN)
    request = wire.receives(type="response.create").intents[0]
    assert isinstance(request, Respond)
    asked = Think("k1", Purpose.ANSWER, request_id=request.request_id, audible=spoken)
    wire.happens(ResponseRequested(request.request_id, spoken), asked)
    if spoken:
        wire.happens(Speak("u1", 0, "One.", "k1"))
        wire.sounds("u1", "One.")
    wire.happens(DeadlineReached(), COMMIT)
    stop = (StopSpeaking("u1", 0.2, "barge_in"), StopThinking("k1")) if spoken else (StopThinking("k1"),)
    events = wire.happens(*stop, Think("k2", Purpose.ANSWER, "t1", audible=spoken))
    ends = [event["response"] for event in events if event["type"] in ("response.done", "response.created")]
    assert [end["status"] for end in ends] == ["cancelled", "in_progress"]
    assert ends[0]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}


def test_extensions_are_sent_only_to_those_who_ask() -> None:
    plain, asked = Wire(), Wire(extensions=True)
    facts = (THINK, ThoughtGrown("k1", "hm"), SilenceChosen("k1", "why not"))
    assert types(plain.happens(*facts)) == ["response.created"]
    assert types(asked.happens(*facts)) == [
        "response.created",
        "stretto.effort",
        "stretto.phase",
        "stretto.timeline",
        "stretto.thought.delta",
        "stretto.silence",
        "stretto.timeline",
    ]


def test_those_who_ask_are_told_of_the_servers_tools() -> None:
    wire = Wire(extensions=True)
    wire.happens(THINK)
    called = ToolCalled("k1", "call_1", "order_status", '{"number":7}', by_client=False, progress="checking your order")
    told, ended = wire.happens(called)[0], wire.happens(ToolEnded("k1", "call_1", "found", failed=True))[0]
    response_id = wire.log[0]["response"]["id"]
    of_think = {"think_id": "k1", "purpose": "answer", "response_id": response_id, "call_id": "call_1"}
    what = {"name": "order_status", "arguments": '{"number":7}', "progress": "checking your order"}
    assert {name: told[name] for name in told if name != "event_id"} == {
        "type": "stretto.tool.called", **of_think, **what,
    }  # fmt: skip
    assert {name: ended[name] for name in ended if name != "event_id"} == {
        "type": "stretto.tool.ended", **of_think, "failed": True,
    }  # fmt: skip


def test_of_the_clients_own_tools_nothing_is_told_beside_the_protocol() -> None:
    wire = Wire(extensions=True)
    wire.happens(THINK)
    events = wire.happens(ToolCalled("k1", "call_1", "weather", "{}", by_client=True), ToolEnded("", "call_1", "sunny"))
    assert not [event for event in events if event["type"].startswith("stretto.tool")]
