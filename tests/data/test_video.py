"""Videos as they really come: counted by decoding, upright, and honest about what is damaged."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data.video import VideoError, open_video, sample_uniform

WIDTH, HEIGHT, FRAMES = 128, 96, 12


def picture(number: int) -> np.ndarray:
    """Frame `number`: that share of its columns, from the left, is bright; noise keeps files from shrinking."""
    pixels = np.random.default_rng(number).integers(0, 60, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    pixels[:, : 10 * number + 4] += 150
    return pixels


def number_of(image: np.ndarray) -> int:
    """Which picture a decoded frame shows."""
    return round((float((image.mean(axis=(0, 2)) > 100).sum()) - 4) / 10)


def encode(path: Path, codec: str = "libx264", **options: str) -> Path:
    """A video of pictures 0 to 11."""
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=24)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = 4_000_000  # every frame has some bytes
        for number in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        container.mux(stream.encode())
    return path


def jpegs() -> list[bytes]:
    """The pictures as JPEG files."""
    files = []
    for number in range(FRAMES):
        buffer = io.BytesIO()
        Image.fromarray(picture(number)).save(buffer, format="JPEG")
        files.append(buffer.getvalue())
    return files


def shown(path: Path) -> list[int]:
    return [number_of(frame.image) for frame in open_video(path).frames()]


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4"), ("a.mpg", "mpeg2video"), ("a.mov", "mpeg4")],
)
def test_every_frame_of_a_container_is_counted_and_read_in_order(tmp_path: Path, name: str, codec: str) -> None:
    video = open_video(encode(tmp_path / name, codec))
    assert (len(video), video.damage) == (FRAMES, None)
    assert [number_of(frame.image) for frame in video.frames()] == list(range(FRAMES))
    np.testing.assert_allclose(video.times, np.arange(FRAMES) / 24, atol=1.1e-3)
    assert video.rate == pytest.approx(24, rel=0.01)


def test_only_the_frames_that_are_asked_for_are_given(tmp_path: Path) -> None:
    video = open_video(encode(tmp_path / "a.mp4"))
    frames = list(video.frames([7, 2, 2, 11]))
    assert [(frame.index, number_of(frame.image)) for frame in frames] == [(2, 2), (7, 7), (11, 11)]
    assert [frame.time for frame in frames] == [video.times[i] for i in (2, 7, 11)]
    assert list(video.frames([])) == []
    for wrong in (-1, 12):
        with pytest.raises(IndexError, match="12 frames"):
            list(video.frames([3, wrong]))


@pytest.mark.parametrize("extension", [".mjpg", ".mjpeg"])
def test_a_raw_stream_of_jpegs_without_a_container(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"Indoor-Cooperative{extension}"
    path.write_bytes(b"".join(jpegs()))
    video = open_video(path)
    assert (len(video), video.damage) == (FRAMES, None)
    assert shown(path) == list(range(FRAMES))
    assert (np.diff(video.times) > 0).all()


def test_metadata_is_not_believed(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.avi", "mpeg4")
    content = path.read_bytes()
    at = content.index(b"avih") + 8 + 16  # dwTotalFrames of the main header
    assert struct.unpack_from("<I", content, at) == (FRAMES,)
    path.write_bytes(content[:at] + struct.pack("<I", 5000) + content[at + 4 :])
    assert len(open_video(path)) == FRAMES


def test_a_stream_of_jpegs_that_ends_mid_frame_keeps_the_frames_before(tmp_path: Path) -> None:
    files = jpegs()
    path = tmp_path / "a.mjpg"
    path.write_bytes(b"".join(files[:5]) + files[5][: len(files[5]) // 2])
    assert shown(path) == [0, 1, 2, 3, 4]
    assert "after frame 5" in str(open_video(path).damage)


def test_a_damaged_jpeg_does_not_take_the_ones_after_it_with_it(tmp_path: Path) -> None:
    files = jpegs()
    noise = np.random.default_rng(0).integers(0, 255, 600, np.uint8).tobytes()
    files[3] = files[3][:900] + noise + files[3][1500:]
    path = tmp_path / "a.mjpg"
    path.write_bytes(b"".join(files))
    assert shown(path) == [0, 1, 2, *range(4, FRAMES)]
    assert "after frame 3" in str(open_video(path).damage)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.mpg", "mpeg2video"), ("a.avi", "mpeg4")])
def test_a_file_that_ends_mid_frame_keeps_the_frames_before(tmp_path: Path, name: str, codec: str) -> None:
    options = {"movflags": "faststart"} if name == "a.mp4" else {}
    path = encode(tmp_path / name, codec, **options)
    path.write_bytes(path.read_bytes()[: int(0.7 * path.stat().st_size) + 13])
    frames = shown(path)
    assert 0 < len(frames) < FRAMES
    assert frames == list(range(len(frames)))
    assert open_video(path).damage


def set_rotation(path: Path) -> None:
    """Mark an MP4 as filmed by a telephone on its side: its display matrix takes x to y, and y to -x."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40
    matrix = struct.unpack_from(">9i", content, at)
    assert matrix == (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    struct.pack_into(">9i", content, at, 0, 1 << 16, 0, -(1 << 16), 0, 0, HEIGHT << 16, 0, 1 << 30)
    path.write_bytes(content)


def test_frames_are_upright(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4")
    set_rotation(path)
    (frame,) = open_video(path).frames([4])
    assert frame.image.shape == (WIDTH, HEIGHT, 3)
    assert (open_video(path).width, open_video(path).height) == (HEIGHT, WIDTH)
    # What was to the left is above now, and it still is the fourth picture.
    assert number_of(frame.image.transpose(1, 0, 2)) == 4


def test_a_folder_of_images_is_read_in_natural_order(tmp_path: Path) -> None:
    for number in range(FRAMES):
        Image.fromarray(picture(number)).save(tmp_path / f"frame{number}.png")
    (tmp_path / "notes.txt").write_text("no image")
    video = open_video(tmp_path)
    assert shown(tmp_path) == list(range(FRAMES))
    assert video.times == pytest.approx(np.arange(FRAMES) / 25)
    (tmp_path / "frame1.png").write_bytes(b"not a PNG")
    damaged = open_video(tmp_path)
    assert shown(tmp_path) == [0, *range(2, FRAMES)]
    assert "frame1.png" in str(damaged.damage)


def test_images_of_another_size_are_left_out(tmp_path: Path) -> None:
    for number in range(4):
        size = (WIDTH // 2, HEIGHT) if number == 2 else (WIDTH, HEIGHT)
        Image.fromarray(picture(number)).resize(size).save(tmp_path / f"{number}.png")
    video = open_video(tmp_path)
    assert shown(tmp_path) == [0, 1, 3]
    assert video.damage == "64x96, where the first frame has 128x96"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.mp4", b"", "empty file"),
        ("text.mp4", b"hello\n" * 100, "not a video"),
        ("text.txt", b"hello\n" * 100, "holds no video"),
        ("noise.mp4", np.random.default_rng(0).integers(0, 255, 5000, np.uint8).tobytes(), "noise.mp4"),
    ],
)
def test_what_is_no_video_is_one_line(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VideoError, match=reason) as caught:
        open_video(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_file_without_its_index_nothing_and_an_empty_folder(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(VideoError, match="ends before its index"):
        open_video(path)
    with pytest.raises(VideoError, match="no such file"):
        open_video(tmp_path / "none.mp4")
    (tmp_path / "folder").mkdir()
    with pytest.raises(VideoError, match="without images"):
        open_video(tmp_path / "folder")


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(VideoError, match="holds no video"):
        open_video(tmp_path / "a.wav")


@given(n_frames=st.integers(1, 5000), k=st.integers(1, 40))
def test_uniform_samples_are_distinct_and_evenly_spread(n_frames: int, k: int) -> None:
    chosen = sample_uniform(n_frames, k)
    assert len(chosen) == min(n_frames, k)
    assert chosen == sorted(set(chosen))
    assert chosen[0] >= 0
    assert chosen[-1] < n_frames
    if n_frames > k > 1:
        assert np.ptp(np.diff(chosen)) <= 1
        assert abs((chosen[0] + chosen[-1]) / 2 - (n_frames - 1) / 2) <= 1


def test_uniform_samples_by_hand() -> None:
    assert sample_uniform(10, 5) == [1, 3, 5, 7, 9]
    assert sample_uniform(472, 1) == [236]
    assert sample_uniform(3, 5) == [0, 1, 2]
    with pytest.raises(ValueError, match="at least one"):
        sample_uniform(3, 0)
