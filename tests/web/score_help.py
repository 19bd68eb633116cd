"""Calls for the score to be drawn from: one that was recorded, and those that are made up, as they come over the wire."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from realtime.drafts import DraftWatch
from realtime.page import WEB_CLIENT
from realtime.wire.extensions import Extensions
from tests.realtime.talks import Entries
from tests.realtime.wire.wire_help import Wire

Journal = list[dict[str, Any]]
"""``at``: when it arrived, in seconds, ``event``: what."""

RECORDED = Path(__file__).parent / "data" / "score_call.json"
"""A call with ``stretto serve`` and its engines without downloads: what the websocket brought, less the sound."""

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="there is no node here; on Debian: apt-get install nodejs")
LATE_SECONDS = 10.02
"""What the page's clock is ahead of the session's, and the way here."""


def recorded() -> Journal:
    journal: Journal = json.loads(RECORDED.read_text())["events"]
    return journal


def wired(entries: Entries) -> Journal:
    """What ``?stretto=1`` tells of a made-up talk."""
    extensions, drafts, journal = Extensions(Wire().state), DraftWatch(), []
    for at, happened in entries:
        told = extensions.observe(at, happened, drafts.observe(happened), lambda _: None, lambda _: None)
        journal += [{"at": at + LATE_SECONDS, "event": event} for event in told]
    return journal


def run_node(body: str, given: Any = None) -> Any:
    """The value that the body of a JavaScript function returns. It knows ``given`` and the score's pure modules."""
    names = {
        "score_model": "ScoreModel, unheard, KEPT_SECONDS",
        "turn_metrics": "fillerEnd",
        "score_layout": "layout, speed",
        "score_space": "textWidth, fit",
        "score_text": "SCORE_STRINGS, turnLines",
        "score_export": "scoreSvg, breakIntoSystems, JournalKeeper",
    }
    imports = "".join(
        f'import {{ {what} }} from "{(WEB_CLIENT / name).as_uri()}.js";\n' for name, what in names.items()
    )
    program = f"""{imports}
    import {{ readFileSync }} from "node:fs";
    const given = JSON.parse(readFileSync(0, "utf8"));
    const played = (events) => {{
      const model = new ScoreModel();
      for (const {{ at, event }} of events) model.take(event, at);
      return model;
    }};
    const result = (() => {{ {body} }})();
    process.stdout.write(JSON.stringify(result ?? null));
    """
    assert NODE is not None
    command = [NODE, "--no-warnings", "--input-type=module", "--eval", program]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
