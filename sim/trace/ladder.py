"""A visit as text: a column for each party, an arrow for each message."""

from sim.trace.book import Hop, Visit

WIDTH = 20
"""Columns of text between two parties."""
CLOCK = 11


def draw(visit: Visit) -> str:
    """The ladder, with the seconds since the first message."""
    hops = sorted(visit.hops, key=lambda hop: hop.ms)
    if not hops:
        return ""
    parties = visit.parties()
    head = " " * CLOCK + "".join(name[: WIDTH - 2].center(WIDTH) for name in parties).rstrip()
    title = f"{visit.caller} calls {visit.called}: {visit.outcome or 'no answer yet'} (session {visit.session})"
    lines = [_line(hop, parties, hops[0].ms) for hop in hops]
    return "\n".join([title, "", head, *lines, ""])


def _line(hop: Hop, parties: list[str], begin: float) -> str:
    places = {name: CLOCK + WIDTH * number + WIDTH // 2 for number, name in enumerate(parties)}
    row = [" "] * (CLOCK + WIDTH * len(parties))
    for place in places.values():
        row[place] = "|"
    clock = f"{(hop.ms - begin) / 1000:9.3f}"
    row[: len(clock)] = clock
    _arrow(row, places[hop.sender], places[hop.receiver], _label(hop))
    return "".join(row).rstrip() + (f"  {hop.message.why}" if hop.message.why else "")


def _label(hop: Hop) -> str:
    return f"{hop.message.label} x{hop.times}" if hop.times > 1 else hop.message.label


def _arrow(row: list[str], start: int, end: int, label: str) -> None:
    first, last = sorted((start, end))
    room = last - first - 1
    if room <= 0:
        return
    shown = label[: room - 2]
    shaft = f" {shown} ".center(room, "-") if len(shown) + 2 <= room else shown.center(room, "-")
    row[first + 1 : last] = f"{shaft[:-1]}>" if start < end else f"<{shaft[1:]}"
