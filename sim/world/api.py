"""The control interface of the simulated devices: HTTP on loopback, bearer token, described by OpenAPI."""

import asyncio
import hmac
import io
import wave
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field

from hal.microphone import SAMPLE_RATE
from sim.lines import Quality
from sim.trace.book import Book, Visit
from sim.trace.ladder import draw
from sim.world.device import Device
from sim.world.errors import NoAnswer, NotPossible, NotThere
from sim.world.live import add_live
from sim.world.pictures import jpeg
from sim.world.screens import screen_png
from sim.world.sound import Recording
from sim.world.world import DEVICE_FAULTS, World

STATUS: dict[type[Exception], int] = {NotThere: 404, NotPossible: 409, NoAnswer: 504, ValueError: 422}
LONGEST_WAIT = 60.0
PAGE = Path(__file__).parent.parent / "page"
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self' ws:; "
    "frame-ancestors 'none'"
)

Answer = dict[str, Any]


class Keys(BaseModel):
    """Keys of the keypad, pressed one after the other."""

    keys: Annotated[str, Field(min_length=1, max_length=64, examples=["301#"])]


class Opening(BaseModel):
    """Whether the door is pushed open or falls shut."""

    open: bool


class Fault(BaseModel):
    """Something that goes wrong, or that is well again."""

    fault: Annotated[str, Field(examples=list(DEVICE_FAULTS))]


class Line(BaseModel):
    """How good the line between two parties is; one that is neither cut nor bad is good again."""

    between: Annotated[list[str], Field(min_length=2, max_length=2, examples=[["phone2", "cloud"]])]
    cut: bool = False
    loss: Annotated[float, Field(ge=0, le=1, description="share of what is lost")] = 0
    delay: Annotated[float, Field(ge=0, le=30, description="seconds each way")] = 0


class EventFacts(BaseModel):
    """One event."""

    id: int
    """Ascending by one."""
    ms: float
    """Milliseconds of the machine's monotonic clock."""
    event: str
    facts: Answer


class Events(BaseModel):
    """Events in order; `last` is what to ask for next as `after`."""

    events: list[EventFacts]
    last: int


def token_check(token: str) -> Any:
    """A dependency that lets in who brings `token`."""
    bearer = HTTPBearer(auto_error=False, description="the `token` of the ready file")

    def check(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> None:
        given = credentials.credentials if credentials else ""
        if not hmac.compare_digest(given.encode(), token.encode()):
            message = "this needs the header `Authorization: Bearer TOKEN` with the token of the ready file"
            raise HTTPException(401, message, {"WWW-Authenticate": "Bearer"})

    return Depends(check)


def device_of(request: Request, name: str) -> Device:
    """The device that the path names."""
    world: World = request.app.state.world
    return world.device(name)


AnyDevice = Annotated[Device, Depends(device_of)]
devices = APIRouter(prefix="/devices/{name}", tags=["device"])
community = APIRouter(prefix="/community", tags=["community"])
visits = APIRouter(prefix="/visits", tags=["visits"])
homes = APIRouter(prefix="/homes/{flat}", tags=["home"])
ItemId = Annotated[str, PathParameter(pattern="^[0-9a-f]{32}$")]


@devices.post("/keypad")
async def type_keys(device: AnyDevice, keys: Keys) -> Answer:
    """Press keys of the keypad."""
    device.type(keys.keys)
    return {"pressed": keys.keys}


@devices.post("/buttons/{button}")
async def press_button(device: AnyDevice, button: str) -> Answer:
    """Press a button: call, exit, answer, decline, unlock, hangup, mute or dnd, as the device has them."""
    device.press(button)
    return {"pressed": button}


@devices.post("/door")
async def move_door(device: AnyDevice, opening: Opening) -> Answer:
    """Push the door open (it must be unlocked) or let it fall shut."""
    device.move("door_contact", opening.open)
    return {"open": device.contacts["door_contact"]}


@devices.get("/state")
async def state(device: AnyDevice) -> Answer:
    """What the device says of itself, and what can be seen of it from outside."""
    try:
        own = await device.ask("state")
    except (NotThere, NotPossible):
        own = {}
    return own | device.facts()


@devices.get("/stats")
async def stats(device: AnyDevice) -> Answer:
    """The device's own figures: calls, packets, pictures."""
    return await device.ask("stats")


@devices.get("/events")
async def events(
    device: AnyDevice,
    after: Annotated[int, Query(ge=0)] = 0,
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="seconds to wait for the first one")] = 0,
) -> Events:
    """What happened after the event with the id `after`."""
    found = device.log.after(after) or (await device.log.wait(after, wait) if wait else [])
    listed = [EventFacts(id=e.id, ms=e.ms, event=e.event, facts=dict(e.facts)) for e in found]
    return Events(events=listed, last=max(after, device.log.last if not listed else listed[-1].id))


@devices.get("/screen.png", response_class=Response, responses={200: {"content": {"image/png": {}}}})
async def screen(device: AnyDevice) -> Response:
    """What the device's display shows now; of a door station its panel with the camera's picture."""
    return Response(await screen_png(device), media_type="image/png")


@devices.get("/picture.jpg", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
async def picture(device: AnyDevice) -> Response:
    """The live picture alone, of a screen or of a camera."""
    shown = await device.live_picture()
    if not shown:
        raise NotThere(f"{device.name} shows no picture now")
    headers = {"X-Taken-Ms": f"{shown.taken * 1000:.3f}"}
    return Response(await asyncio.to_thread(jpeg, shown, 95), media_type="image/jpeg", headers=headers)


@devices.get("/heard.wav", response_class=Response, responses={200: {"content": {"audio/wav": {}}}})
async def heard(device: AnyDevice, seconds: Annotated[float, Query(gt=0, le=30)] = 5) -> Response:
    """What the device's loudspeaker sounded in the last seconds."""
    return _sound(device.room.heard, seconds)


@devices.get("/said.wav", response_class=Response, responses={200: {"content": {"audio/wav": {}}}})
async def said(device: AnyDevice, seconds: Annotated[float, Query(gt=0, le=30)] = 5) -> Response:
    """What was said into the device's microphone in the last seconds."""
    return _sound(device.room.said, seconds)


@devices.post("/faults")
async def device_fault(request: Request, device: AnyDevice, fault: Fault) -> Answer:
    """Let something go wrong at the device, or be well again."""
    await request.app.state.world.device_fault(device.name, fault.fault)
    return {"faults": sorted(device.faults)}


@community.get("")
async def whole(request: Request) -> Answer:
    """Every device as it can be seen from outside, and the faults that may be asked for."""
    world: World = request.app.state.world
    return {**world.facts(), "device_faults": DEVICE_FAULTS, "community_faults": world.known_faults}


@community.post("/faults")
async def community_fault(request: Request, fault: Fault) -> Answer:
    """Let something go wrong in the community, or be well again."""
    world: World = request.app.state.world
    await world.fault(fault.fault)
    return {"faults": sorted(world.faults)}


@community.post("/lines")
async def line(request: Request, line: Line) -> Answer:
    """Cut the line between two parties, make it bad, or mend it. Signalling takes it; media goes another way."""
    world: World = request.app.state.world
    one, other = line.between
    world.line(one, other, Quality(line.cut, line.loss, line.delay))
    return {"lines": world.lines.facts()}


@community.get("/servers/{name}/records")
async def call_records(request: Request, name: str) -> Answer:
    """The call records that a server keeps, newest first."""
    world: World = request.app.state.world
    if name not in world.records:
        raise NotThere(f"there is no server {name!r}; there are {', '.join(world.records)}")
    return {"records": [asdict(one) for one in await asyncio.to_thread(world.records[name])]}


@visits.get("")
async def all_visits(request: Request) -> Answer:
    """The calls that the servers saw, newest last."""
    book: Book = request.app.state.book
    return {"visits": [visit.facts() for visit in book.visits()]}


@visits.get("/{session}/messages")
async def messages(request: Request, session: str) -> Answer:
    """Every SIP message of a call in order, each hop once. A beginning of the session is enough."""
    visit = _visit(request, session)
    hops = sorted(visit.hops, key=lambda hop: hop.ms)
    return {**visit.facts(), "parties": visit.parties(), "messages": [hop.facts() for hop in hops]}


@visits.get("/{session}/messages.txt", response_class=PlainTextResponse)
async def ladder(request: Request, session: str) -> str:
    """The same as a ladder of text."""
    return draw(_visit(request, session))


@homes.get("/messages")
async def left(request: Request, flat: str) -> Answer:
    """What visitors left for a home, newest first, as the server tells it that keeps it."""
    return {"messages": await request.app.state.world.mailbox(flat).listed()}


@homes.get("/messages/{identifier}/content", response_class=Response)
async def left_content(request: Request, flat: str, identifier: ItemId) -> Response:
    """The film or the picture."""
    content, kind = await request.app.state.world.mailbox(flat).content(identifier)
    return Response(content, media_type=kind)


@homes.get("/messages/{identifier}/thumbnail", response_class=Response)
async def left_thumbnail(request: Request, flat: str, identifier: ItemId) -> Response:
    """A small picture of it."""
    content, kind = await request.app.state.world.mailbox(flat).thumbnail(identifier)
    return Response(content, media_type=kind)


def _visit(request: Request, session: str) -> Visit:
    book: Book = request.app.state.book
    if not (visit := book.visit(session)):
        raise NotThere(f"there is no visit {session!r}; GET /visits lists them")
    return visit


def _sound(recording: Recording, seconds: float) -> Response:
    begin, sound = recording.last(seconds)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(sound)
    headers = {"X-Begin-Ms": f"{begin * 1000 / SAMPLE_RATE:.3f}"}
    return Response(file.getvalue(), media_type="audio/wav", headers=headers)


async def _told(_: Request, error: Exception) -> JSONResponse:
    status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
    return JSONResponse({"detail": str(error)}, status)


def make_app(world: World, book: Book, token: str) -> FastAPI:
    """The HTTP application of `world`, and of the `book` of its SIP messages."""
    app = FastAPI(title="Intercom simulator", description=__doc__, version="1")
    app.state.world = world
    app.state.book = book
    app.state.token = token
    for kind in STATUS:
        app.add_exception_handler(kind, _told)
    for router in (devices, community, visits, homes):
        app.include_router(router, dependencies=[token_check(token)])
    app.add_api_route("/devices/{name}/openapi.json", _device_openapi, include_in_schema=False)
    add_live(app)
    app.middleware("http")(_guard)
    app.mount("/", StaticFiles(directory=PAGE, html=True))
    return app


async def _guard(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """The page runs only its own code, and no other page may show it."""
    response = await answer(request)
    if not request.url.path.startswith("/docs"):  # FastAPI's own page brings its scripts from elsewhere
        response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


async def _device_openapi(request: Request, name: str) -> Answer:
    """The description of one device's control interface, its paths relative to its base address."""
    device_of(request, name)
    whole: Answer = request.app.openapi()
    prefix = "/devices/{name}"
    paths = {path.removeprefix(prefix): item for path, item in whole["paths"].items() if path.startswith(prefix)}
    return whole | {"paths": _without_name(paths), "servers": [{"url": f"/devices/{name}"}]}


def _without_name(paths: Answer) -> Answer:
    """The paths without the parameter that a device's base address already carries."""
    return {
        path: {
            verb: operation | {"parameters": [p for p in operation.get("parameters", []) if p["name"] != "name"]}
            for verb, operation in item.items()
        }
        for path, item in paths.items()
    }
