"""Between the bytes of an image file and its pixels."""

from __future__ import annotations

import base64
import hashlib
import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 256
"""Pixels that a typed image has at most on a side."""
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
"""How the names of image files end."""

_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF")
_QUALITY = 90


class UnreadableImage(ValueError):
    """Bytes that are no image, or a damaged one."""


def decode(data: bytes) -> np.ndarray:
    """Return an image's pixels, uint8: (height, width) if it is grey, else (height, width, 3).

    Only the first frame of an animation is taken; what is transparent becomes white; the
    camera's orientation is applied.

    Raises
    ------
    UnreadableImage
        If the bytes are no image.
    """
    return np.asarray(_opened(data))


def pixels(data: bytes, width: int, height: int, *, colour: bool) -> np.ndarray:
    """Return an image at a given size, uint8: (height, width), or (height, width, 3) in colour.

    Raises
    ------
    UnreadableImage
        If the bytes are no image.
    """
    image = _opened(data)
    wanted = "RGB" if colour else "L"
    if image.mode != wanted:
        image = image.convert(wanted)
    return np.asarray(_resized(image, width, height))


def shape_and_pixels(data: bytes, width: int, height: int) -> tuple[float, np.ndarray]:
    """Return log2 of an image's width by its height, and its pixels (height, width, 3), uint8.

    Raises
    ------
    UnreadableImage
        If the bytes are no image.
    """
    image = _opened(data)
    shape = float(np.log2(image.size[0] / image.size[1]))
    return shape, np.asarray(_resized(image.convert("RGB"), width, height))


def encode(array: np.ndarray) -> bytes:
    """Return pixels as the bytes of a PNG; equal pixels give equal bytes.

    Parameters
    ----------
    array : ndarray, shape (height, width) or (height, width, 1, 3 or 4)
        uint8, or numbers that `to_bytes_scale` takes.

    Raises
    ------
    UnreadableImage
        For another shape, or an image without a pixel.
    """
    from PIL import Image

    array = np.asarray(array)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))) or not array.size:
        raise UnreadableImage(f"an array of the shape {array.shape} is no image")
    image = _flat(Image.fromarray(np.ascontiguousarray(to_bytes_scale(array))))
    return _png(_bounded(image))


def to_bytes_scale(array: np.ndarray) -> np.ndarray:
    """Return pixel values as uint8: floats up to 1 and logical values are stretched to 255.

    16-bit values keep their upper byte; other numbers are cut to 0 to 255.
    """
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint16 and array.size and array.max() > 255:
        return (array >> 8).astype(np.uint8)
    values = np.nan_to_num(np.asarray(array, dtype=np.float64), posinf=255.0, neginf=0.0)
    if np.issubdtype(array.dtype, np.floating) and values.size and 0 <= values.max() <= 1:
        values = values * 255
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def bounded(data: bytes) -> bytes:
    """Return an image of at most 256 x 256 pixels: the bytes given if they are small enough.

    Larger ones are scaled down and written again, photographs as JPEG, others as PNG.

    Raises
    ------
    UnreadableImage
        If the bytes are no image.
    """
    image = _opened(data)
    if max(image.size) <= SIDE:
        return data
    return _written(_bounded(image), lossy=data.startswith(_MAGIC[1]))


def thumbnail(data: bytes, side: int = 96) -> str:
    """Return a small copy as a ``data:`` address that an ``img`` element takes.

    Parameters
    ----------
    data : bytes
        A typed image.
    side : int
        Pixels of the longer side, at most.
    """
    try:
        image = _opened(data)
    except UnreadableImage:
        return ""
    if max(image.size) > side:
        image = image.resize(_within(image.size, side), _filter("LANCZOS"))
    small = _written(image, lossy=image.mode == "RGB")
    kind = "jpeg" if small.startswith(_MAGIC[1]) else "png"
    return f"data:image/{kind};base64,{base64.b64encode(small).decode()}"


def describe(data: bytes | None) -> str:
    """Return an image in a few words for a table of texts: its size and what tells it apart."""
    if data is None:
        return ""
    try:
        width, height = _header(data)
    except UnreadableImage:
        return "unreadable"
    return f"{width} × {height} px #{hashlib.sha256(data).hexdigest()[:8]}"


def _opened(data: bytes) -> Image:
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata, large images: neither matters here
            image: Image.Image = Image.open(io.BytesIO(data))
            if image.format == "JPEG":
                image.draft(None, (4 * SIDE, 4 * SIDE))  # read at a fraction of a huge size
            image.load()
            image = ImageOps.exif_transpose(image)
            return _flat(image)
    except Exception as error:  # Pillow's readers raise whatever a damaged file leads them to
        raise UnreadableImage(" ".join(str(error).split())[:120]) from error


def _flat(image: Image) -> Image:
    """Return an image as grey (L) or colour (RGB), white behind what is transparent."""
    from PIL import Image as pillow

    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode.startswith("I") or image.mode == "F":
        return pillow.fromarray(_stretched(np.asarray(image)))
    if image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        behind = pillow.new("RGBA", image.size, (255, 255, 255, 255))
        flat = pillow.alpha_composite(behind, image).convert("RGB")
        return flat.convert("L") if _is_grey(flat) else flat
    flat = image.convert("RGB")
    return flat.convert("L") if image.mode == "P" and _is_grey(flat) else flat


def _stretched(array: np.ndarray) -> np.ndarray:
    top = float(array.max()) if array.size else 0.0
    if 255 < top <= 65535:
        array = np.asarray(array, dtype=np.float64) / 257
    return np.clip(np.round(array), 0, 255).astype(np.uint8)


def _is_grey(image: Image) -> bool:
    red, green, blue = (np.asarray(band) for band in image.split())
    return bool((red == green).all() and (green == blue).all())


def _header(data: bytes) -> tuple[int, int]:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            width, height = Image.open(io.BytesIO(data)).size
    except Exception as error:
        raise UnreadableImage("no image") from error
    return width, height


def _filter(name: str) -> Any:
    from PIL import Image

    return getattr(Image.Resampling, name)


def _resized(image: Image, width: int, height: int) -> Image:
    if image.size == (width, height):
        return image
    return image.resize((width, height), _filter("BILINEAR"))  # averages when it makes smaller


def _within(size: tuple[int, int], side: int) -> tuple[int, int]:
    scale = side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _bounded(image: Image) -> Image:
    if max(image.size) <= SIDE:
        return image
    return image.resize(_within(image.size, SIDE), _filter("LANCZOS"))


def _written(image: Image, *, lossy: bool) -> bytes:
    if not lossy:
        return _png(image)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY, subsampling=0)
    return stream.getvalue()


def _png(image: Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def from_pillow(image: Image) -> bytes:
    """Return a Pillow image as the bytes of a PNG."""
    return _png(_bounded(_flat(image)))


def is_image(data: bytes) -> bool:
    """Whether bytes begin as those of an image file do."""
    return data.startswith(_MAGIC)
