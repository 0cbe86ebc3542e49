"""What a camera does to a face that nothing hides: noise, blur and too little light."""

from __future__ import annotations

import math

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from ganfit_core.corruption.base import Corrupted, Face


def noise(photo: UInt8[np.ndarray, "h w 3"], face: Face, rng: np.random.Generator) -> Corrupted:
    """Gaussian noise and shot noise, whose variance grows with the brightness, independent in pixels and channels."""
    sigma, shot = rng.uniform(0.04, 0.12), rng.uniform(0.02, 0.1)
    clean = photo.astype(np.float32) / 255
    spoilt = clean + np.sqrt(sigma**2 + shot**2 * clean) * rng.standard_normal(photo.shape, np.float32)
    return _degraded(spoilt, {"sigma": sigma, "shot": shot})


def blur(photo: UInt8[np.ndarray, "h w 3"], face: Face, rng: np.random.Generator) -> Corrupted:
    """Out of focus (Gaussian) or moved (a straight line), by a share of the face's size."""
    moved, size, angle = rng.random() < 0.5, rng.uniform(0, 1), rng.uniform(0, math.pi)
    if moved:
        length = (0.05 + 0.08 * size) * face.side
        spoilt = cv2.filter2D(photo, -1, _line(length, angle), borderType=cv2.BORDER_REPLICATE)
        parameters = {"moved": 1.0, "length": length / face.side, "angle": math.degrees(angle)}
    else:
        sigma = (0.015 + 0.02 * size) * face.side
        spoilt = cv2.GaussianBlur(photo, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        parameters = {"moved": 0.0, "sigma": sigma / face.side}
    return _degraded(spoilt.astype(np.float32) / 255, parameters)


def low_light(photo: UInt8[np.ndarray, "h w 3"], face: Face, rng: np.random.Generator) -> Corrupted:
    """Fewer photons by some stops, the sensor's shot and read noise, and the tone curve of a cheap camera."""
    stops, gamma = rng.uniform(1.5, 3.3), rng.uniform(1.9, 2.3)
    photons, read = rng.uniform(600, 2500), rng.uniform(0.0008, 0.003)
    linear = (photo.astype(np.float32) / 255) ** 2.2 * 2**-stops
    linear += np.sqrt(linear / photons + read**2) * rng.standard_normal(photo.shape, np.float32)
    spoilt = np.maximum(linear, 0) ** np.float32(1 / gamma)
    return _degraded(spoilt, {"stops": stops, "gamma": gamma, "photons": photons, "read": read})


def _line(length: float, angle: float) -> Float32[np.ndarray, "k k"]:
    """Kernel of a motion along a straight line of so many pixels."""
    reach = math.ceil(length / 2) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.uint8)
    half = length / 2 * np.array([math.cos(angle), math.sin(angle)])
    start, end = np.rint((reach + np.stack([-half, half])) * 256).astype(int).tolist()
    cv2.line(kernel, start, end, 255, 1, cv2.LINE_AA, 8)
    return kernel.astype(np.float32) / kernel.sum()


def _degraded(image: Float32[np.ndarray, "h w 3"], parameters: dict[str, float]) -> Corrupted:
    pixels = np.rint(255 * image.clip(0, 1)).astype(np.uint8)
    return Corrupted(pixels, np.zeros(image.shape[:2], np.bool_), parameters)
