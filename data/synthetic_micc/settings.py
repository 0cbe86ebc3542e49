"""How MICC's three videos of a person differ, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """One kind of video. Ranges are of uniform distributions, drawn once per video unless said otherwise."""

    filename: str
    """As released."""
    width: int
    height: int
    """Of a frame, px."""
    face_width: float
    """Of the face, px, at the mean distance."""
    distance: tuple[float, float]
    """Of the camera, mm."""
    yaw: float
    """Most that the head turns to either side, degrees."""
    pitch: float
    """Most that it nods, degrees."""
    camera_pitch: tuple[float, float]
    """How far the camera looks down on the head, degrees."""
    light_side: tuple[float, float]
    """Angle of the light to the viewing axis, degrees; the side is drawn."""
    light: tuple[float, float]
    """Strength of the directed light."""
    ambient: tuple[float, float]
    """Strength of the ambient light."""
    blur: tuple[float, float]
    """Standard deviation of the blur, px."""
    noise: float
    """Standard deviation of the sensor's noise, in 255ths."""
    quality: int
    """Of the JPEG compression, 0 to 100."""


SETTINGS = {
    "cooperative": Setting(
        filename="Indoor-Cooperative.mjpg",
        width=640,
        height=480,
        face_width=250.0,
        distance=(700.0, 900.0),
        yaw=30.0,
        pitch=8.0,
        camera_pitch=(-4.0, 4.0),
        light_side=(0.0, 30.0),
        light=(0.30, 0.45),
        ambient=(0.60, 0.70),
        blur=(0.3, 0.5),
        noise=1.5,
        quality=92,
    ),
    "indoor": Setting(
        filename="PTZ-Indoor.mjpg",
        width=704,
        height=576,
        face_width=120.0,
        distance=(2500.0, 3500.0),
        yaw=35.0,
        pitch=10.0,
        camera_pitch=(4.0, 12.0),
        light_side=(30.0, 55.0),
        light=(0.40, 0.55),
        ambient=(0.45, 0.55),
        blur=(0.7, 1.1),
        noise=3.0,
        quality=75,
    ),
    "outdoor": Setting(
        filename="PTZ-Outdoor.mjpg",
        width=704,
        height=576,
        face_width=60.0,
        distance=(6000.0, 9000.0),
        yaw=35.0,
        pitch=10.0,
        camera_pitch=(4.0, 12.0),
        light_side=(55.0, 75.0),
        light=(0.85, 1.05),
        ambient=(0.30, 0.40),
        blur=(0.6, 0.9),
        noise=5.0,
        quality=55,
    ),
}
"""By the name that the rest of the project uses."""
