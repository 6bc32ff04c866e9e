"""Puts an indoor unit or a phone together: they differ by their board only."""

from functools import partial

from endpoints.composition import Frame, load_cryptography, open_line, prepare_later
from endpoints.resident.app import Identity, Parts, ResidentApp
from endpoints.resident.events import Button, ButtonPressed
from endpoints.resident.state import Rules
from hal.errors import HalError


def compose(frame: Frame) -> ResidentApp:
    """The resident's device of these files, at work as soon as the loop runs. Raises IntercomError."""
    line = open_line(frame)
    site = frame.configuration.site
    display = frame.device("display")
    if display is None:
        raise HalError("A resident's device without a display shows nobody.")
    parts = Parts(line.agent, line.sound, display, line.port, _identity(frame), site.sip.address)
    app = ResidentApp(parts, _rules(frame), frame.loop)
    frame.running.callback(app.close)
    prepare_later(frame, line.settled, (app.screen.prepare, line.voice.prepare, load_cryptography))
    app.open()
    _listen(frame)
    return app


def _identity(frame: Frame) -> Identity:
    site = frame.configuration.site
    key = site.unlock.key.get_secret_value() if site.unlock else ""
    return Identity(site.device.name, site.device.flat or "", key)


def _rules(frame: Frame) -> Rules:
    site = frame.configuration.site
    return Rules(
        name=site.device.place or site.device.name,
        may_unlock=site.unlock is not None,
        ring=site.timers.ring,
        sign=site.timers.message,
    )


def _listen(frame: Frame) -> None:
    for button in Button:
        if device := frame.device(f"{button}_button"):
            device.listen(partial(frame.loop.post, ButtonPressed(button)))
