"""Pictures of the world as JPEG and PNG: what a screen shows, what the camera sees."""

import cv2
import numpy as np
from numpy.typing import NDArray

from hal.camera import Picture

Pixels = NDArray[np.uint8]
QUALITY = 80
PANEL = (640, 480)


def pixels(picture: Picture) -> Pixels:
    """The picture as blue-green-red pixels."""
    plane = np.frombuffer(picture.data, np.uint8).reshape(picture.height * 3 // 2, picture.width)
    return np.asarray(cv2.cvtColor(plane, cv2.COLOR_YUV2BGR_I420), np.uint8)


def jpeg(picture: Picture, quality: int = QUALITY) -> bytes:
    """The picture as JPEG."""
    return _encoded(".jpg", pixels(picture), [cv2.IMWRITE_JPEG_QUALITY, quality])


def png(image: Pixels) -> bytes:
    """Blue-green-red pixels as PNG."""
    return _encoded(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])


def _encoded(kind: str, image: Pixels, options: list[int]) -> bytes:
    done, data = cv2.imencode(kind, image, options)
    if not done:
        raise ValueError(f"an image of {image.shape} cannot become {kind}")
    return data.tobytes()
