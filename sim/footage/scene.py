"""The visitor's scene: a person cut out of a photograph, who walks up to an entrance drawn from two textures.

Photograph: Eileen Collins, NASA, public domain (`skimage.data.astronaut`). Textures: `skimage.data.brick` and
`skimage.data.gravel`, CC0. Everything here runs once, when the clip is made; the simulator only plays the clip.
"""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

WIDTH, HEIGHT = 640, 480
Pixels = NDArray[np.uint8]
Alpha = NDArray[np.float32]

_MAYBE = [(150, 130), (140, 70), (160, 25), (200, 2), (260, 2), (300, 30), (312, 80), (300, 135), (310, 200),
          (352, 262), (372, 300), (372, 340), (420, 338), (480, 360), (511, 410), (511, 511), (5, 511), (8, 430),
          (30, 320), (50, 250), (100, 205), (102, 175)]  # fmt: skip
_LIKELY = [(172, 120), (154, 80), (165, 40), (200, 15), (250, 17), (290, 45), (298, 90), (272, 130), (262, 165),
           (285, 188), (306, 235), (345, 265), (360, 300), (362, 345), (420, 345), (480, 375), (500, 420), (500, 511),
           (20, 511), (24, 430), (42, 330), (60, 262), (112, 215), (115, 180)]  # fmt: skip
_SURE = [(185, 110), (168, 80), (180, 45), (210, 28), (245, 30), (280, 55), (285, 90), (262, 130), (254, 160),
         (256, 182), (278, 202), (294, 225), (290, 260), (330, 275), (345, 310), (345, 360), (420, 360), (470, 390),
         (485, 430), (485, 511), (40, 511), (45, 430), (62, 330), (80, 270), (125, 230), (125, 190), (150, 160),
         (195, 150)]  # fmt: skip
"""Outlines of the person in the photograph, from "may belong to her" to "does": where the cutting begins."""


@dataclass(frozen=True, slots=True)
class Cutout:
    """A person without background: BGR and how opaque each pixel is (0 to 1)."""

    pixels: Pixels
    alpha: Alpha


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the person stands in the picture: her photograph's scale, and where its point (225, 80) is, the face."""

    scale: float
    x: float
    y: float
    tilt: float
    """Degrees."""


def _image(name: str) -> Pixels:
    """One of scikit-image's pictures that come with its wheel: nothing is downloaded."""
    picture: Pixels = getattr(data, name)()
    return picture


def person() -> Cutout:
    """The visitor, cut out of her photograph."""
    pixels: Pixels = np.ascontiguousarray(_image("astronaut")[:, :, ::-1])
    alpha = cv2.GaussianBlur(cv2.erode(_mask(pixels), np.ones((3, 3), np.uint8)), (0, 0), 1.2)
    return Cutout(pixels, (alpha / 255).astype(np.float32))


def _mask(pixels: Pixels) -> Pixels:
    mask = np.full(pixels.shape[:2], cv2.GC_BGD, np.uint8)
    for outline, value in ((_MAYBE, cv2.GC_PR_BGD), (_LIKELY, cv2.GC_PR_FGD), (_SURE, cv2.GC_FGD)):
        cv2.fillPoly(mask, [np.array(outline, np.int32)], (value,))
    cv2.setRNGSeed(1)
    cv2.grabCut(pixels, mask, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 6, cv2.GC_INIT_WITH_MASK)
    belongs: Pixels = np.where((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD), 255, 0).astype(np.uint8)
    _, labels, parts, _ = cv2.connectedComponentsWithStats(belongs)
    largest = 1 + int(parts[1:, cv2.CC_STAT_AREA].argmax())
    only: Pixels = np.where(labels == largest, 255, 0).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(only, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), np.uint8)


def entrance() -> Pixels:
    """What a door station sees in daylight: the street, the house opposite, brick walls left and right. BGR."""
    street = _sky()
    _house_opposite(street)
    _pavement(street)
    street = _out_of_focus(street)
    _side_wall(street, [(0, 0), (118, 60), (118, 350), (0, 480)])
    _side_wall(street, [(WIDTH, 0), (560, 50), (560, 345), (WIDTH, 480)])
    return _vignette(street)


def _sky() -> Pixels:
    rows = np.linspace(0.0, 1.0, HEIGHT)[:, None]
    top, bottom = np.array([222, 196, 168]), np.array([236, 228, 218])
    gradient = top * (1 - rows) + bottom * rows
    return np.ascontiguousarray(np.broadcast_to(gradient[:, None, :], (HEIGHT, WIDTH, 3)).astype(np.uint8))


def _house_opposite(street: Pixels) -> None:
    """A rendered front with two rows of windows, a hedge below it and a tree beside it."""
    cv2.rectangle(street, (150, 70), (500, 320), (178, 196, 205), -1)
    cv2.fillPoly(street, [np.array([(138, 72), (512, 72), (470, 18), (180, 18)])], (92, 100, 128))
    for top in (98, 198):
        for left in (176, 262, 348, 434):
            cv2.rectangle(street, (left, top), (left + 42, top + 66), (232, 236, 238), -1)
            cv2.rectangle(street, (left + 5, top + 5), (left + 37, top + 61), (120, 104, 88), -1)
            cv2.line(street, (left + 21, top + 5), (left + 21, top + 61), (232, 236, 238), 4)
    cv2.rectangle(street, (100, 288), (600, 338), (64, 104, 74), -1)
    for x, y, radius in ((540, 150, 62), (575, 205, 60), (520, 215, 55), (560, 110, 48)):
        cv2.circle(street, (x, y), radius, (70, 120, 84), -1)
    cv2.rectangle(street, (543, 240), (556, 335), (58, 76, 92), -1)


def _pavement(street: Pixels) -> None:
    texture = cv2.cvtColor(_image("gravel"), cv2.COLOR_GRAY2BGR)
    ground = np.array([(0, 330), (WIDTH, 330), (WIDTH + 260, HEIGHT), (-260, HEIGHT)], np.float32)
    _paint(street, (texture // 3 + 118).astype(np.uint8), ground)
    cv2.rectangle(street, (0, 330), (WIDTH, 338), (150, 154, 156), -1)


def _out_of_focus(street: Pixels) -> Pixels:
    """Far away is soft; the plaster's and the leaves' unevenness keeps it from looking drawn."""
    grain = cv2.resize(_image("gravel").astype(np.float32) - 128, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    uneven = np.clip(street + 0.12 * cv2.GaussianBlur(grain, (0, 0), 2.0)[:, :, None], 0, 255).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(uneven, (0, 0), 2.6), np.uint8)


def _side_wall(street: Pixels, corners: list[tuple[int, int]]) -> None:
    bricks = cv2.GaussianBlur(np.rot90(_image("brick")).astype(np.float32) / 255, (0, 0), 1.5)
    wall = np.clip(bricks[:, :, None] * np.array([150, 172, 226]) + 18, 0, 255).astype(np.uint8)
    _paint(street, wall, np.array(corners, np.float32))


def _paint(street: Pixels, texture: Pixels, corners: NDArray[np.float32]) -> None:
    """Put `texture` onto the four `corners` (clockwise from its top left), seen in perspective."""
    height, width = texture.shape[:2]
    flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    view = cv2.getPerspectiveTransform(flat, corners)
    warped = cv2.warpPerspective(texture, view, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
    covered = cv2.warpPerspective(np.full((height, width), 255, np.uint8), view, (WIDTH, HEIGHT)) > 127
    street[covered] = warped[covered]


def _vignette(picture: Pixels) -> Pixels:
    x, y = np.meshgrid(np.linspace(-1, 1, WIDTH), np.linspace(-1, 1, HEIGHT))
    light = 1 - 0.16 * (x * x + y * y)
    return np.asarray(picture * light[:, :, None], np.uint8)


def pose(seconds: float, duration: float) -> Pose:
    """She steps up to the camera, waits, leans in to listen and steps back; the end meets the beginning."""
    turn = 2 * math.pi * seconds / duration
    near = 1.32 - 0.2 * math.cos(turn) + 0.05 * math.cos(2 * turn)
    sway = 16 * math.sin(turn) + 7 * math.sin(3 * turn + 0.6)
    nod = 4 * math.sin(5 * turn) + 2 * math.sin(8 * turn)
    return Pose(scale=near, x=322 + sway, y=212 - 36 * (near - 1.32) + nod, tilt=2.2 * math.sin(2 * turn + 0.4))


def compose(background: Pixels, visitor: Cutout, at: Pose) -> Pixels:
    """One picture of the clip, BGR."""
    view: Any = cv2.getRotationMatrix2D((225, 80), at.tilt, at.scale)
    view[:, 2] += (at.x - 225, at.y - 80)
    size = (WIDTH, HEIGHT)
    pixels = cv2.warpAffine(visitor.pixels, view, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(visitor.alpha, view, size, flags=cv2.INTER_LINEAR)[:, :, None]
    return np.asarray(pixels * alpha + background * (1 - alpha), np.uint8)
