import os
import pickle
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from ganfit_core.perception import PhotoError, read_photo
from ganfit_core.perception.photo import read_scaled_photo


@pytest.fixture
def rgb() -> np.ndarray:
    """A smooth gradient: survives JPEG, and every flip and quarter turn of it differs."""
    y, x = np.mgrid[0:48, 0:64]
    return np.stack([x * 4, y * 5, 255 - x * 2 - y], axis=-1).astype(np.uint8)


def reason(path: Path | str) -> str:
    with pytest.raises(PhotoError) as caught:
        read_photo(path)
    assert caught.value.__context__ is None or caught.value.__suppress_context__  # no traceback of Pillow's
    assert str(caught.value) == caught.value.reason
    return caught.value.reason


def test_plain_png_is_returned_unchanged(tmp_path, rgb):
    Image.fromarray(rgb).save(tmp_path / "photo.png")
    read = read_photo(tmp_path / "photo.png")
    assert read.dtype == np.uint8
    assert read.flags.writeable
    np.testing.assert_array_equal(read, rgb)


def test_str_path_with_spaces_and_other_scripts(tmp_path, rgb):
    path = tmp_path / "мой портрет 顔 ñ.png"
    Image.fromarray(rgb).save(path)
    np.testing.assert_array_equal(read_photo(str(path)), rgb)


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "webp", "tif", "gif", "ppm"])
def test_common_formats(tmp_path, rgb, suffix):
    Image.fromarray(rgb).save(tmp_path / f"photo.{suffix}")
    assert np.abs(read_photo(tmp_path / f"photo.{suffix}").astype(int) - rgb).mean() < 12


def test_greyscale(tmp_path, rgb):
    Image.fromarray(rgb[..., 0]).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_photo(tmp_path / "grey.png"), np.repeat(rgb[..., :1], 3, axis=2))


def test_bilevel(tmp_path, rgb):
    Image.fromarray(rgb[..., 0]).convert("1").save(tmp_path / "bilevel.png")
    assert set(np.unique(read_photo(tmp_path / "bilevel.png"))) == {0, 255}


def test_cmyk_jpeg_is_not_inverted(tmp_path, rgb):
    Image.fromarray(rgb).convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    assert np.abs(read_photo(tmp_path / "cmyk.jpg").astype(int) - rgb).mean() < 4


def test_sixteen_bit_grey_png(tmp_path, rgb):
    cv2.imwrite(str(tmp_path / "grey16.png"), rgb[..., 0].astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_photo(tmp_path / "grey16.png"), np.repeat(rgb[..., :1], 3, axis=2))


def test_thirty_two_bit_integer_tiff_holding_sixteen_bits(tmp_path, rgb):
    Image.fromarray(rgb[..., 0].astype(np.int32) * 257).save(tmp_path / "grey32.tif")
    np.testing.assert_array_equal(read_photo(tmp_path / "grey32.tif")[..., 1], rgb[..., 0])


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_float_tiff(tmp_path, rgb, white):
    Image.fromarray(rgb[..., 0].astype(np.float32) / 255 * white).save(tmp_path / "float.tif")
    np.testing.assert_array_equal(read_photo(tmp_path / "float.tif")[..., 1], rgb[..., 0])


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_rgb(tmp_path, rgb, suffix):
    cv2.imwrite(str(tmp_path / f"rgb16.{suffix}"), rgb[..., ::-1].astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_photo(tmp_path / f"rgb16.{suffix}"), rgb)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_lies_over_mid_grey(tmp_path, mode):
    image = Image.new("RGBA", (40, 40), (250, 250, 250, 255))
    image.paste((250, 250, 250, 0), (0, 0, 20, 40))
    image = image.quantize(4) if mode == "P" else image.convert(mode)
    image.save(tmp_path / "clear.png")
    read = read_photo(tmp_path / "clear.png")
    np.testing.assert_allclose(read[:, :20], 128, atol=1)
    np.testing.assert_allclose(read[:, 20:], 250, atol=1)


def test_palette_with_a_transparent_index(tmp_path):
    image = Image.new("P", (40, 40), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(0, (0, 0, 20, 40))
    image.save(tmp_path / "palette.png", transparency=0)
    read = read_photo(tmp_path / "palette.png")
    assert read[5, 5].tolist() == [128, 128, 128]
    assert read[5, 35].tolist() == [0, 255, 0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_gives_the_upright_pixels(tmp_path, rgb, orientation):
    stored = {
        1: rgb,
        2: rgb[:, ::-1],
        3: rgb[::-1, ::-1],
        4: rgb[::-1],
        5: rgb.swapaxes(0, 1),
        6: np.rot90(rgb, 1),
        7: np.rot90(rgb, 2).swapaxes(0, 1),
        8: np.rot90(rgb, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read_photo(tmp_path / "turned.png"), rgb)


def test_broken_exif_does_not_cost_the_photo(tmp_path, rgb):
    Image.fromarray(rgb).save(tmp_path / "odd.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff garbage", quality=95)
    assert read_photo(tmp_path / "odd.jpg").shape == rgb.shape


def test_animated_gif_gives_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert (read_photo(tmp_path / "moving.gif") == [255, 0, 0]).all()


def test_embedded_colour_profile_is_converted_to_srgb(tmp_path):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    path = tmp_path / "lab.tif"
    Image.new("LAB", (40, 40), (128, 128, 128)).save(path, icc_profile=lab.tobytes())
    assert np.ptp(read_photo(path)[0, 0].astype(int)) < 12  # a neutral tone stays neutral


def test_unusable_colour_profile_is_ignored(tmp_path, rgb):
    Image.fromarray(rgb).save(tmp_path / "photo.png", icc_profile=b"not a profile")
    np.testing.assert_array_equal(read_photo(tmp_path / "photo.png"), rgb)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_sixty_megapixels_are_reduced_on_reading(tmp_path, suffix):
    Image.new("RGB", (9000, 6700), (200, 120, 40)).save(tmp_path / f"huge.{suffix}")
    read = read_photo(tmp_path / f"huge.{suffix}")
    assert read.shape == (1525, 2048, 3)
    np.testing.assert_allclose(read[::100, ::100].reshape(-1, 3), [[200, 120, 40]] * 336, atol=3)


def test_max_side_bounds_the_longest_side_and_keeps_the_picture(tmp_path, rgb):
    large = cv2.resize(rgb, (640, 480), interpolation=cv2.INTER_LINEAR)
    Image.fromarray(large).save(tmp_path / "large.jpg", quality=95)
    read = read_photo(tmp_path / "large.jpg", max_side=64)
    assert read.shape == (48, 64, 3)
    assert np.abs(read.astype(int) - rgb).mean() < 3


def test_missing_directory_and_impossible_paths(tmp_path):
    assert reason(tmp_path / "none.jpg") == "no such file"
    assert reason(tmp_path) == "a directory, not a file"
    assert reason("bad\0name.jpg") == "not a valid path"
    assert reason("a" * 5000).startswith("cannot be read")


def test_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reason(tmp_path / "pipe.jpg") == "not a regular file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path, rgb):
    Image.fromarray(rgb).save(tmp_path / "secret.png")
    (tmp_path / "secret.png").chmod(0)
    assert reason(tmp_path / "secret.png") == "permission denied"


def test_permission_error_is_translated(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "secret.png").write_bytes(b"x")
    monkeypatch.setattr("builtins.open", refuse)
    assert reason(tmp_path / "secret.png") == "permission denied"


def test_empty_file(tmp_path):
    (tmp_path / "empty.jpg").touch()
    assert reason(tmp_path / "empty.jpg") == "empty file"


@pytest.mark.parametrize(
    "content", [b"dear diary\n" * 50, b"\0" * 4096, bytes(range(255, -1, -1)) * 9, b"\xff\xd8\xff"]
)
def test_not_an_image(tmp_path, content):
    (tmp_path / "photo.jpg").write_bytes(content)
    assert reason(tmp_path / "photo.jpg") == "not an image in a supported format"


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "bmp"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_truncated(tmp_path, suffix, share):
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    path = tmp_path / f"cut.{suffix}"
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert reason(path) in (
        "truncated or damaged image data",
        "damaged: the image header cannot be read",
        "not an image in a supported format",
    )


def test_damaged_bytes_never_raise_anything_else(tmp_path, rgb):
    generator = np.random.default_rng(1)
    for suffix in ("jpg", "png", "gif", "tif", "webp", "bmp"):
        path = tmp_path / f"photo.{suffix}"
        Image.fromarray(rgb).save(path)
        sound = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(25):
            damaged = sound.copy()
            damaged[generator.integers(0, len(damaged), 8)] = generator.integers(0, 256, 8)
            path.write_bytes(damaged.tobytes())
            with suppress(PhotoError):
                assert read_photo(path).shape[2] == 3


@pytest.mark.parametrize("size", [(1, 1), (31, 500), (500, 31), (6000, 40)])
def test_too_small(tmp_path, size):
    Image.new("RGB", size).save(tmp_path / "small.png")
    assert reason(tmp_path / "small.png").startswith(f"too small: {size[0]}x{size[1]}")


def test_decompression_bomb_is_refused_before_decoding(tmp_path):
    def chunk(name: bytes, payload: bytes) -> bytes:
        return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    assert reason(tmp_path / "bomb.png").startswith("too large")


def test_photo_error_survives_pickling():
    error = pickle.loads(pickle.dumps(PhotoError("empty file")))
    assert isinstance(error, ValueError)
    assert error.reason == "empty file"


def test_tiff_orientation_is_applied_once(tmp_path, rgb):
    image = Image.fromarray(rgb)
    exif = image.getexif()
    exif[0x0112] = 6
    image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.tif", exif=exif)
    np.testing.assert_array_equal(read_photo(tmp_path / "turned.tif"), rgb)


def test_scale_leads_back_to_the_pixels_of_the_file(tmp_path, rgb):
    Image.fromarray(rgb).resize((400, 300)).save(tmp_path / "large.png")
    photo, scale = read_scaled_photo(tmp_path / "large.png", max_side=200)
    assert photo.shape == (150, 200, 3)
    assert scale == 0.5
    assert read_scaled_photo(tmp_path / "large.png")[1] == 1.0
