"""Reading photographs of any kind into one: upright 8-bit sRGB arrays of bounded size."""

from __future__ import annotations

import io
import stat
import warnings
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageCms, UnidentifiedImageError

MAX_SIDE = 2048
"""Longest side of what `read_photo` returns, px: fits work on crops of a few hundred pixels."""
MIN_SIDE = 32
"""Shortest side of a photograph that is worth looking at, px."""
MAX_PIXELS = 178_956_970
"""Larger images are refused before they are decoded (the size at which Pillow speaks of a decompression bomb)."""

_BACKGROUND = (128, 128, 128)
_EXIF_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class PhotoError(ValueError):
    """A file that is not a usable photograph; `reason` says why in a few words, fit for a table."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_photo(path: str | PathLike[str], max_side: int = MAX_SIDE) -> UInt8[np.ndarray, "h w 3"]:
    """The pixels of `read_scaled_photo`, for those who do not need to find their way back to the file's."""
    return read_scaled_photo(path, max_side)[0]


def read_scaled_photo(path: str | PathLike[str], max_side: int = MAX_SIDE) -> tuple[UInt8[np.ndarray, "h w 3"], float]:
    """Read the first frame of an image file as upright 8-bit sRGB, and say by which factor it was reduced (at most 1).

    EXIF orientation and embedded colour profiles are applied, transparency is laid over mid-grey, deeper samples are
    scaled to 8 bits, and images longer than `max_side` px are reduced to it with antialiasing.

    Raises:
        PhotoError: the file is missing, unreadable, empty, not an image, damaged, too small or too large.
    """
    with _open_file(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large sizes and odd metadata; neither is news here
        try:
            image = Image.open(file)
        except UnidentifiedImageError:
            raise PhotoError("not an image in a supported format") from None
        except Image.DecompressionBombError:
            raise PhotoError(f"too large: more than {MAX_PIXELS // 10**6} megapixels") from None
        except Exception:  # the format was recognised; plugins raise anything at all on damaged headers
            raise PhotoError("damaged: the image header cannot be read") from None
        with image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise PhotoError(f"too large: {width}x{height}, more than {MAX_PIXELS // 10**6} megapixels")
            scale = min(1.0, max_side / max(width, height))
            size = (round(width * scale), round(height * scale))
            if min(size) < MIN_SIDE:
                raise PhotoError(f"too small: {width}x{height}, at least {MIN_SIDE} px a side are needed")
            try:
                return _decode(image, size), scale
            except Exception:
                raise PhotoError("truncated or damaged image data") from None


def _open_file(path: str | PathLike[str]) -> BinaryIO:
    try:
        status = Path(path).stat()
        if stat.S_ISDIR(status.st_mode):
            raise PhotoError("a directory, not a file")
        if not stat.S_ISREG(status.st_mode):
            raise PhotoError("not a regular file")
        if status.st_size == 0:
            raise PhotoError("empty file")
        return open(path, "rb")
    except PhotoError:
        raise
    except FileNotFoundError:
        raise PhotoError("no such file") from None
    except PermissionError:
        raise PhotoError("permission denied") from None
    except OSError as error:
        raise PhotoError(f"cannot be read: {error.strerror}") from None
    except ValueError:  # a null byte inside the path
        raise PhotoError("not a valid path") from None


def _decode(image: Image.Image, size: tuple[int, int]) -> UInt8[np.ndarray, "h w 3"]:
    image.draft(None, size)  # JPEG only: decode at 1/2, 1/4 or 1/8, never below `size`
    image.load()
    # Asked after loading: Pillow turns a TIFF upright by itself, and then forgets its orientation.
    upright = _UPRIGHT.get(_orientation(image))
    profile = image.info.get("icc_profile")
    image = _eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (*_BACKGROUND, 255)), image).convert("RGB")
    elif image.mode not in ("RGB", "CMYK"):
        image = image.convert("RGB")
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if profile:
        image = _to_srgb(image, profile)
    image = image.convert("RGB")
    if upright is not None:
        image = image.transpose(upright)
    return np.array(image)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:  # broken metadata is no reason to refuse sound pixels
        return 1


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit, 32-bit and float greyscale to 8 bits, where Pillow's own conversion would clip."""
    if not image.mode.startswith(("I", "F")):
        return image
    samples = np.nan_to_num(np.asarray(image, dtype=np.float32))
    if image.mode == "F" and samples.max() <= 1.0:
        white = 1.0
    elif image.mode == "F" and samples.max() <= 255.0:
        white = 255.0
    else:
        white = max(65535.0, samples.max())
    return Image.fromarray(np.rint(np.clip(samples / white, 0.0, 1.0) * 255.0).astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert from the embedded profile (Display P3 of telephones, printers' CMYK) to sRGB; ignore unusable ones."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return image if converted is None else converted
