"""`intercom door-station`: the panel at the building's door."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from endpoints.composition import Frame, Line, load_cryptography, open_line, prepare_later, run_endpoint
from endpoints.config import Directory, Site
from endpoints.config.codes import whose
from endpoints.door_station.album import Album
from endpoints.door_station.app import DoorApp, Home, Parts
from endpoints.door_station.events import CallPressed, CaseMoved, DoorMoved, ExitPressed, KeyPressed
from endpoints.door_station.pictures import Pictures
from endpoints.door_station.state import Rules
from endpoints.unlock import AttemptLog, UnlockJudge
from hal.errors import HalError
from hal.recovery import SteadyCamera

KIND = "door-station"
ATTEMPTS_FILE, ALBUM_FOLDER = "unlock.jsonl", "pictures"


def main(argv: list[str]) -> int:
    """Run a door station until it is told to stop."""
    return run_endpoint(KIND, argv, compose)


def compose(frame: Frame) -> DoorApp:
    """The door station of these files, at work as soon as the loop runs. Raises IntercomError."""
    line = open_line(frame)
    site = frame.configuration.site
    camera = frame.keep(SteadyCamera(frame.opener("camera"), frame.report))
    pictures = frame.keep(Pictures(camera, site.video, site.sip.srtp))
    prepare_later(frame, line.settled, (pictures.prepare, load_cryptography, line.voice.prepare))
    app = DoorApp(_parts(frame, line, pictures), _rules(frame), frame.loop)
    app.open()
    frame.running.callback(app.close)
    _listen(frame)
    return app


def _parts(frame: Frame, line: Line, pictures: Pictures) -> Parts:
    site = frame.configuration.site
    lock = frame.device("lock")
    if lock is None:
        raise HalError("A door station without a lock opens nothing.")
    background = _background(frame)
    return Parts(
        agent=line.agent,
        sound=line.sound,
        pictures=pictures,
        lock=lock,
        indicator=frame.device("indicator"),
        port=line.port,
        attempts=frame.keep(AttemptLog(site.data / ATTEMPTS_FILE)),
        album=Album(site.data / ALBUM_FOLDER, site.device.place or site.device.name, pictures.latest, background),
        judge=UnlockJudge(lifetime=site.timers.ring + site.timers.talk + site.timers.provisional),
        whose_code=_codes_of(site),
        background=background,
        homes=_homes(frame.configuration.directory),
        address=site.sip.address,
    )


def _background(frame: Frame) -> ThreadPoolExecutor:
    executor = ThreadPoolExecutor(1, "background")
    frame.running.callback(executor.shutdown, cancel_futures=True)
    return executor


def _codes_of(site: Site) -> Callable[[str], str]:
    return lambda code: whose(code, site.codes) or ""


def _homes(directory: Directory) -> Mapping[str, Home]:
    callable_flats = {number: flat for number, flat in directory.flats.items() if flat.stages}
    return {number: Home(flat.name, flat.stages[0].uris[0], flat.devices) for number, flat in callable_flats.items()}


def _rules(frame: Frame) -> Rules:
    site, timers = frame.configuration.site, frame.configuration.site.timers
    return Rules(
        flats=frozenset(frame.configuration.directory.flats),
        call_flat=site.device.call_flat or "",
        dial=timers.dial,
        provisional=timers.provisional,
        ring=timers.ring,
        talk=timers.talk,
        sign=timers.message,
        pulse=frame.board.lock.pulse,
        door_open=timers.door_open,
        wrong_codes=site.lockout.attempts,
        lockout=site.lockout.seconds,
    )


def _listen(frame: Frame) -> None:
    """Turn what visitors and residents touch into events; a door that stands open already is one."""
    post = frame.loop.post
    if keypad := frame.device("keypad"):
        keypad.listen(lambda key: post(KeyPressed(key)))
    if call_button := frame.device("call_button"):
        call_button.listen(lambda: post(CallPressed()))
    if exit_button := frame.device("exit_button"):
        exit_button.listen(lambda: post(ExitPressed()))
    _watch(frame, "door_contact", DoorMoved)
    _watch(frame, "tamper_switch", CaseMoved)


def _watch(frame: Frame, name: str, moved: type[DoorMoved | CaseMoved]) -> None:
    if contact := frame.device(name):
        contact.listen(lambda opened: frame.loop.post(moved(opened)))
        if contact.open:
            frame.loop.post(moved(True))
