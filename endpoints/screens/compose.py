"""Puts a device with a screen together: indoor unit, phone and console differ by their board, rules and behaviour."""

from functools import partial

from endpoints.composition import Frame, Line, load_cryptography, open_line, prepare_later
from endpoints.config import Site
from endpoints.screens.app import Identity, Parts, ScreenApp
from endpoints.screens.decisions import Behaviour
from endpoints.screens.events import Button, ButtonPressed, KeyPressed
from endpoints.screens.own_picture import OwnPicture
from endpoints.screens.screen import Screen
from endpoints.screens.state import GUARD, Rules, Station
from hal.display import Display
from hal.errors import HalError
from hal.recovery import SteadyCamera

OFFERS = (Button.GUARD, Button.EMERGENCY, Button.CALLBACK, Button.TRANSFER)


def compose_screen(frame: Frame, behaviour: Behaviour, new_state: type[Station] = Station) -> ScreenApp:
    """The device of these files, at work as soon as the loop runs. Raises IntercomError."""
    line = open_line(frame)
    parts = _parts(frame, line)
    app = ScreenApp(parts, new_state(_rules(frame)), behaviour, frame.loop)
    frame.running.callback(app.close)
    prepare_later(frame, line.settled, (app.screen.prepare, line.voice.prepare, load_cryptography))
    app.open()
    _listen(frame)
    return app


def _parts(frame: Frame, line: Line) -> Parts:
    display: Display | None = frame.device("display")
    if display is None:
        raise HalError("A device with a screen, but without a display, shows nobody.")
    site = frame.configuration.site
    return Parts(
        agent=line.agent,
        sound=line.sound,
        display=display,
        port=line.port,
        identity=_identity(site),
        screen=frame.keep(Screen(display, site.sip.address, site.sip.srtp, _own_picture(frame))),
        registrars={"": site.sip.registrar or "", **({"cloud": site.cloud.registrar} if site.cloud else {})},
    )


def _own_picture(frame: Frame) -> OwnPicture | None:
    if "camera" not in frame.board.devices:
        return None
    camera = frame.keep(SteadyCamera(frame.opener("camera"), frame.report))
    return OwnPicture(camera, frame.configuration.site.video)


def _identity(site: Site) -> Identity:
    key = site.unlock.key.get_secret_value() if site.unlock else ""
    return Identity(site.device.name, site.device.flat or GUARD, key)


def _rules(frame: Frame) -> Rules:
    site = frame.configuration.site
    return Rules(
        name=site.device.place or site.device.name,
        domain=site.sip.domain,
        offers=tuple(button for button in OFFERS if f"{button}_button" in frame.board.devices),
        names=site.dial,
        may_unlock=site.unlock is not None,
        once=site.cloud is not None,
        ring=site.timers.ring,
        sign=site.timers.message,
        dial=site.timers.dial,
    )


def _listen(frame: Frame) -> None:
    post = frame.loop.post
    for button in Button:
        if device := frame.device(f"{button}_button"):
            device.listen(partial(post, ButtonPressed(button)))
    if keypad := frame.device("keypad"):
        keypad.listen(lambda key: post(KeyPressed(key)))
