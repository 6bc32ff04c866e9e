"""Parts of a film that a player asks for: the Range header of RFC 9110, section 14."""

import re

_ONE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*")


class OutOfRange(ValueError):
    """Nothing of what was asked for is there."""


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """First byte and the one behind the last; None for the whole: no, several, or senseless ranges.

    Raises OutOfRange.
    """
    match = _ONE.fullmatch(header)
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":  # the last ones
        start, end = max(0, size - int(match[2])), size
    else:
        start, end = int(match[1]), min(size, int(match[2]) + 1) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None
    if start >= size or start >= end:
        raise OutOfRange(f"bytes */{size}")
    return start, end
