"""Puts a device with a screen together: indoor unit, phone and console differ by their board, rules and behaviour."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from endpoints.composition import Frame, Line, load_cryptography, open_line, prepare_later
from endpoints.config import Directory, Site
from endpoints.directory import DirectoryClient
from endpoints.events import KeyPressed
from endpoints.handin import HandIn
from endpoints.screens.app import Identity, Parts, ScreenApp
from endpoints.screens.call_log import CallLog
from endpoints.screens.call_recorder import CallRecorder, Keep, Record
from endpoints.screens.decisions import Behaviour
from endpoints.screens.events import Button, ButtonPressed, PeopleChanged
from endpoints.screens.own_picture import OwnPicture
from endpoints.screens.screen import Screen
from endpoints.screens.stage import Stage
from endpoints.screens.state import GUARD, Rules, Station
from endpoints.service import Service, cloud_service, service_at, service_of, services_at
from endpoints.sound import Sound
from hal.display import Display
from hal.errors import HalError
from hal.recovery import SteadyCamera

OFFERS = (Button.GUARD, Button.EMERGENCY, Button.CALLBACK, Button.TRANSFER, Button.HISTORY)
RECORDS_FOLDER, DIRECTORY_FILE = "records", "directory.json"


Services = Mapping[str, Service]
"""The HTTP service of each server where the device may be registered: "home", "cloud", "" of the only one."""
Doers = Mapping[type, Callable[[Any], None]]
"""How actions are done."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What one kind of device has beyond the others, where there is a server that it can ask."""

    offers: tuple[Button, ...]
    """The buttons that belong to it."""
    make: Callable[[Frame, Services, Stage, Sound], Doers]
    watch: float = 300.0
    """Seconds after which it is taken that nobody looks at a watched door any more; 0 for never."""


def compose_screen(frame: Frame, behaviour: Behaviour, extras: Extras, new_state: type[Station] = Station) -> ScreenApp:
    """The device of these files, at work as soon as the loop runs. Raises IntercomError."""
    line, services = open_line(frame), _services(frame)
    parts = _parts(frame, line, services, extras)
    able = replace(extras, offers=(*OFFERS, *(extras.offers if services else ())))
    app = ScreenApp(parts, _first_state(frame, parts.calls, able, new_state), behaviour, frame.loop)
    frame.running.callback(app.close)
    prepare_later(frame, line.settled, (app.screen.prepare, line.voice.prepare, load_cryptography))
    app.open()
    _listen(frame)
    return app


def _parts(frame: Frame, line: Line, services: Services, extras: Extras) -> Parts:
    display: Display | None = frame.device("display")
    if display is None:
        raise HalError("A device with a screen, but without a display, shows nobody.")
    site = frame.configuration.site
    calls = frame.keep(CallLog(site.data, frame.loop.post))
    return Parts(
        agent=line.agent,
        sound=line.sound,
        display=display,
        port=line.port,
        identity=_identity(site),
        screen=frame.keep(Screen(display, site.sip.address, site.sip.srtp, _own_picture(frame))),
        calls=calls,
        recorder=CallRecorder(site.device.name, calls, *_keeper(frame, calls)),
        indicator=frame.device("indicator"),
        more=extras.make(frame, services, Stage(display), line.sound) if services else {},
        registrars={"": site.sip.registrar or "", **({"cloud": site.cloud.registrar} if site.cloud else {})},
    )


def _services(frame: Frame) -> Services:
    """Where the servers of this device can be asked."""
    site = frame.configuration.site
    url = site.sip.service or (site.directory.url if site.directory else "")
    home = {"": service_at(site, url), "home": service_at(site, url)} if url else {}
    cloud = cloud_service(site)
    return {**home, "cloud": cloud} if cloud else home


def _first_state(frame: Frame, calls: CallLog, able: Extras, new_state: type[Station]) -> Station:
    """With what was before the device was switched off."""
    missed = [call for call in calls.calls if not call.seen]
    came = [call for call in calls.calls if not call.outgoing]
    dialled = [call for call in calls.calls if call.outgoing]
    return new_state(
        _rules(frame, _people(frame), able),
        history=calls.calls,
        missed=len(missed),
        last_missed=missed[0].caller if missed else "",
        last_caller=came[0].address if came else "",
        last_dialled=dialled[0].address if dialled else "",
    )


def _people(frame: Frame) -> Mapping[str, str]:
    """The homes that can be called, by number; what is new becomes an event."""
    site = frame.configuration.site
    service = service_of(site)
    if service is None or site.directory is None:
        return {}

    def changed(directory: Directory) -> None:
        frame.loop.post(PeopleChanged(_names(directory)))

    client = DirectoryClient(service, site.data / DIRECTORY_FILE, changed, refresh=site.directory.refresh)
    frame.keep(client).start()
    return _names(client.current)


def _names(directory: Directory) -> Mapping[str, str]:
    return {number: flat.name for number, flat in directory.flats.items()}


def _keeper(frame: Frame, calls: CallLog) -> tuple[Keep, Callable[[], None]]:
    """Where the records of our own calls go: to the server where the call was made, when it is there; and: it is."""
    site = frame.configuration.site
    home = site.sip.service or (site.directory.url if site.directory else "")
    urls = {"": home, "home": home, "cloud": site.cloud.service if site.cloud else ""}
    if not any(urls.values()):
        return lambda server, identifier, record: None, lambda: None
    hand_in = frame.keep(HandIn(site.data / RECORDS_FOLDER, lambda url: services_at(site, url)))
    hand_in.start()

    def keep(server: str, identifier: str, record: Record) -> None:
        if url := urls.get(server, ""):
            calls.beside(lambda: hand_in.add(url, identifier, record))

    return keep, hand_in.hurry


def _own_picture(frame: Frame) -> OwnPicture | None:
    if "camera" not in frame.board.devices:
        return None
    camera = frame.keep(SteadyCamera(frame.opener("camera"), frame.report))
    return OwnPicture(camera, frame.configuration.site.video)


def _identity(site: Site) -> Identity:
    key = site.unlock.key.get_secret_value() if site.unlock else ""
    return Identity(site.device.name, site.device.flat or GUARD, key)


def _rules(frame: Frame, people: Mapping[str, str], able: Extras) -> Rules:
    site = frame.configuration.site
    return Rules(
        name=site.device.place or site.device.name,
        domain=site.sip.domain,
        offers=tuple(button for button in able.offers if f"{button}_button" in frame.board.devices),
        names=site.dial,
        may_unlock=site.unlock is not None,
        once=site.cloud is not None,
        ring=site.timers.ring,
        sign=site.timers.message,
        dial=site.timers.dial,
        watch=able.watch,
        people=people,
    )


def _listen(frame: Frame) -> None:
    post = frame.loop.post
    for button in Button:
        if device := frame.device(f"{button}_button"):
            device.listen(partial(post, ButtonPressed(button)))
    if keypad := frame.device("keypad"):
        keypad.listen(lambda key: post(KeyPressed(key)))
