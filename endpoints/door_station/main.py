"""`intercom door-station`: the panel at the building's door."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from endpoints.composition import Frame, Line, load_cryptography, open_line, prepare_later, run_endpoint
from endpoints.config import Directory, Flat, Site
from endpoints.config.codes import whose
from endpoints.directory import DirectoryClient
from endpoints.door_station.album import Album
from endpoints.door_station.app import DoorApp, Parts
from endpoints.door_station.chain import GUARD, Budget, Home, Way
from endpoints.door_station.events import CallPressed, CaseMoved, DirectoryChanged, DoorMoved, ExitPressed
from endpoints.door_station.keeping.deposit import Deposit
from endpoints.door_station.pictures import Pictures
from endpoints.door_station.state import Rules
from endpoints.door_station.visit_record import Record, VisitRecorder
from endpoints.events import KeyPressed
from endpoints.handin import HandIn
from endpoints.service import service_of, services_at
from endpoints.unlock import AttemptLog, UnlockJudge
from hal.errors import HalError
from hal.recovery import SteadyCamera

if TYPE_CHECKING:  # loaded only where messages are kept
    from endpoints.door_station.keeping.keeper import Keeper
    from endpoints.door_station.watching.service import WatchingService

KIND = "door-station"
ATTEMPTS_FILE, ALBUM_FOLDER, DIRECTORY_FILE = "unlock.jsonl", "pictures", "directory.json"
RECORDS_FOLDER = "records"


def main(argv: list[str]) -> int:
    """Run a door station until it is told to stop."""
    return run_endpoint(KIND, argv, compose)


def compose(frame: Frame) -> DoorApp:
    """The door station of these files, at work as soon as the loop runs. Raises IntercomError."""
    line = open_line(frame, peer_to_peer=True)
    site = frame.configuration.site
    camera = frame.keep(SteadyCamera(frame.opener("camera"), frame.report))
    pictures = frame.keep(Pictures(camera, site.video, site.sip.srtp))
    keeper = _keeper(frame, line, pictures)
    watching = _watching(frame, line, pictures)
    later = [service.start for service in (keeper, watching) if service is not None]
    prepare_later(frame, line.settled, (pictures.prepare, load_cryptography, line.voice.prepare, *later))

    def learn(directory: Directory) -> None:
        """What a new directory says to others than the app."""
        if keeper is not None:
            keeper.deposits(deposits_of(directory))
        if watching is not None:
            watching.trust(directory.watchers)

    directory, refresh = _directory(frame, learn)
    homes = homes_of(directory, site.device.call_guard)
    app = DoorApp(_parts(frame, line, pictures, refresh, keeper), _rules(frame), homes, frame.loop)
    app.open()
    frame.running.callback(app.close)
    for service in (keeper, watching):
        if service is not None:
            service.give_way(lambda: app.state.in_visit or app.state.in_guard_call)
    learn(directory)
    _listen(frame)
    return app


def _keeper(frame: Frame, line: Line, pictures: Pictures) -> "Keeper | None":
    site = frame.configuration.site
    if not _keeps_messages(site):
        return None
    from endpoints.door_station.keeping.keeper import Keeper

    return frame.keep(Keeper(site, pictures, line.sound, line.voice, frame.loop.post))


def _watching(frame: Frame, line: Line, pictures: Pictures) -> "WatchingService | None":
    site = frame.configuration.site
    if site.watching is None:
        return None
    from endpoints.door_station.watching.service import WatchingService

    port = line.port
    tell = port.publish if port is not None else lambda event, facts: None
    service = frame.keep(WatchingService(site, site.watching, pictures, tell))
    if port is not None:
        port.provide("watching", service.figures)
    return service


def _keeps_messages(site: Site) -> bool:
    return site.messages is not None and site.messages.enabled


def _parts(frame: Frame, line: Line, pictures: Pictures, refresh: Callable[[], None], keeper: "Keeper | None") -> Parts:
    site = frame.configuration.site
    lock = frame.device("lock")
    if lock is None:
        raise HalError("A door station without a lock opens nothing.")
    background = _background(frame)
    album = Album(site.data / ALBUM_FOLDER, site.device.place or site.device.name, pictures.latest, background)
    return Parts(
        agent=line.agent,
        sound=line.sound,
        pictures=pictures,
        lock=lock,
        indicator=frame.device("indicator"),
        port=line.port,
        attempts=frame.keep(AttemptLog(site.data / ATTEMPTS_FILE)),
        album=album,
        judge=UnlockJudge(lifetime=site.timers.queue + site.timers.ring + site.timers.talk),
        whose_code=_codes_of(site),
        background=background,
        refresh=refresh,
        address=site.sip.address,
        recorder=_recorder(frame, album, background),
        keeper=keeper,
    )


def _recorder(frame: Frame, album: Album, background: ThreadPoolExecutor) -> VisitRecorder:
    """Records of visits, written down beside the loop and handed in by a thread of their own."""
    site = frame.configuration.site
    hand_in = frame.keep(HandIn(site.data / RECORDS_FOLDER, lambda url: services_at(site, url)))
    hand_in.start()

    def keep(keeper: str, identifier: str, record: Record) -> None:
        name = str(record["picture"])  # its file is written before, by the same thread
        picture = site.data / ALBUM_FOLDER / name if name else None
        background.submit(hand_in.add, keeper, identifier, record, picture)

    return VisitRecorder(site.device.name, keep, album.look, hand_in.hurry)


def _background(frame: Frame) -> ThreadPoolExecutor:
    executor = ThreadPoolExecutor(1, "background")
    frame.running.callback(executor.shutdown, cancel_futures=True)
    return executor


def _codes_of(site: Site) -> Callable[[str], str]:
    return lambda code: whose(code, site.codes) or ""


def _directory(frame: Frame, learn: Callable[[Directory], None]) -> tuple[Directory, Callable[[], None]]:
    """Whom to call now, and how to ask for something newer, which becomes an event and is told to `learn`.

    Of a server, its last word that was kept; else the people file, which nobody need be asked about.
    """
    site, written = frame.configuration.site, frame.configuration.directory
    service = service_of(site)
    if service is None or site.directory is None:
        return written, lambda: None

    def changed(directory: Directory) -> None:
        frame.loop.post(DirectoryChanged(homes_of(directory, site.device.call_guard)))
        learn(directory)

    client = DirectoryClient(service, site.data / DIRECTORY_FILE, changed, written, site.directory.refresh)
    frame.keep(client).start()
    return client.current, client.refresh


def deposits_of(directory: Directory) -> Mapping[str, Deposit]:
    """Flat -> where what visitors leave for it is handed in."""
    taken = ((number, flat.messages) for number, flat in directory.flats.items())
    return {number: Deposit(each.url, each.token.get_secret_value()) for number, each in taken if each and each.url}


def homes_of(directory: Directory, call_guard: str | None) -> Mapping[str, Home]:
    """What each number at the keypad leads to; `call_guard` is the one of the property management."""
    homes = {
        number: Home(number, _ways(flat), flat.devices, flat.records, bool(flat.messages and flat.messages.url))
        for number, flat in directory.flats.items()
    }
    guard = directory.guard
    if call_guard and guard.uris:
        homes[call_guard] = Home(GUARD, tuple(Way(GUARD, uri) for uri in guard.uris), guard.devices, guard.records)
    return homes


def _ways(flat: Flat) -> tuple[Way, ...]:
    return tuple(Way(stage.name, uri) for stage in flat.stages for uri in stage.uris)


def _rules(frame: Frame) -> Rules:
    site, timers = frame.configuration.site, frame.configuration.site.timers
    return Rules(
        call_flat=site.device.call_flat or "",
        dial=timers.dial,
        reach=timers.reach,
        budgets={name: Budget(stage.provisional or timers.provisional, stage.ring) for name, stage in site.chain},
        total=timers.ring,
        queue=timers.queue,
        confirm=timers.confirm,
        talk=timers.talk,
        sign=timers.message,
        guard_calls=site.device.guard_calls,
        pulse=frame.board.lock.pulse,
        door_open=timers.door_open,
        wrong_codes=site.lockout.attempts,
        lockout=site.lockout.seconds,
        messages=_keeps_messages(site),
        message=site.messages.limit if site.messages else 0.0,
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
