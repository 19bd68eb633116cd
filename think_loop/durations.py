"""Pure: spans of time as they are said."""

from __future__ import annotations

_UNITS = ((3600, "hour"), (60, "minute"), (1, "second"))


def spoken_duration(seconds: float, adjective: bool = False) -> str:
    """90 is "1 minute and 30 seconds", as an ``adjective`` "1 minute 30 second"; below 10 s one decimal counts."""
    if 0 < seconds < 10 and round(seconds, 1) != round(seconds):
        return f"{seconds:.1f} second" + ("" if adjective else "s")
    rest = round(seconds)
    parts = []
    for size, name in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}" if adjective or count == 1 else f"{count} {name}s")
    if not parts:
        return "0 second" if adjective else "0 seconds"
    if adjective or len(parts) == 1:
        return " ".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
