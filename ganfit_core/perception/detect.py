"""Face detection with CenterFace: boxes and five points, through ONNX Runtime.

Source: Y. Xu, W. Yan, G. Yang et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point",
Scientific Programming 2020, section 3: at each cell of a stride-4 grid the network gives the probability that a
face is centred there, the logarithm of its height and width, the sub-cell offset of its centre and five landmarks
relative to its box.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from jaxtyping import Float, Float32, UInt8

from ganfit_core.perception.onnx_shapes import free_image_size

_STRIDE = 4
_MULTIPLE = 32
# The longest side is brought into this range, px. On 100 LFW photos (also reduced down to 48 px, or cut tightly
# around the face) every central face was found at any working size from 128 to 640; doubling it costs 4 times more.
_MIN_WORKING_SIDE, _MAX_WORKING_SIDE = 256, 640
_NMS_OVERLAP = 0.3


@dataclass(frozen=True, eq=False)
class Detection:
    """One face in photo pixels (continuous coordinates: the first pixel spans 0 to 1)."""

    box: Float32[np.ndarray, "4"]
    """Left, top, right, bottom; may reach a little beyond the photo."""
    score: float
    """Probability of a face, 0 to 1."""
    points: Float32[np.ndarray, "5 2"]
    """Eye on the image's left, eye on its right, nose tip, mouth corner on the left, on the right."""


class CenterFace:
    """CenterFace detector. Calling it is thread-safe.

    Args:
        onnx_path: `centerface.onnx` as published; its fixed input size is freed here.
    """

    def __init__(self, onnx_path: str | PathLike[str]) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        onnxruntime.disable_telemetry_events()
        self._session = onnxruntime.InferenceSession(
            free_image_size(Path(onnx_path).read_bytes()), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def __call__(self, rgb: UInt8[np.ndarray, "h w 3"], threshold: float = 0.5) -> list[Detection]:
        """Find the faces whose score exceeds `threshold`, largest box first; [] if there is none."""
        blob, scale = _prepare(rgb)
        heatmap, size, offset, points = self._session.run(None, {self._input: blob})
        boxes, scores, landmarks = _decode(heatmap[0, 0], size[0], offset[0], points[0], threshold)
        keep = _suppress(boxes, scores)
        boxes, scores, landmarks = boxes[keep] / scale, scores[keep], landmarks[keep] / scale
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        return [Detection(boxes[i], float(scores[i]), landmarks[i]) for i in np.argsort(-area, kind="stable")]


def _prepare(rgb: UInt8[np.ndarray, "h w 3"]) -> tuple[Float32[np.ndarray, "1 3 bh bw"], np.float32]:
    """Resize to the working size keeping proportions; pad right and bottom to whole cells of the network."""
    height, width = rgb.shape[:2]
    longest = max(height, width)
    scale = min(max(longest, _MIN_WORKING_SIDE), _MAX_WORKING_SIDE) / longest
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR)
    columns, rows = (-(-side // _MULTIPLE) * _MULTIPLE for side in size)
    blob = np.zeros((1, 3, rows, columns), np.float32)
    blob[0, :, : size[1], : size[0]] = resized.transpose(2, 0, 1)
    return blob, np.float32(scale)


def _decode(
    heatmap: Float32[np.ndarray, "h w"],
    size: Float32[np.ndarray, "2 h w"],
    offset: Float32[np.ndarray, "2 h w"],
    points: Float32[np.ndarray, "10 h w"],
    threshold: float,
) -> tuple[Float32[np.ndarray, "n 4"], Float32[np.ndarray, "n"], Float32[np.ndarray, "n 5 2"]]:
    """Boxes, scores and points, in working pixels, at every cell above the threshold; channels are y before x."""
    rows, columns = np.nonzero(heatmap > threshold)
    extent = np.exp(size[:, rows, columns]) * _STRIDE
    centre = (np.stack([rows, columns]) + offset[:, rows, columns] + 0.5) * _STRIDE
    top_left = centre - extent / 2
    boxes = np.concatenate([top_left[::-1], (top_left + extent)[::-1]]).T
    relative = points[:, rows, columns].reshape(5, 2, -1)
    landmarks = (relative * extent + top_left)[:, ::-1].transpose(2, 0, 1)
    return boxes.astype(np.float32), heatmap[rows, columns], landmarks.astype(np.float32)


def _suppress(boxes: Float[np.ndarray, "n 4"], scores: Float[np.ndarray, "n"]) -> list[int]:
    """Greedy non-maximum suppression: indices of boxes that overlap no better-scoring kept one."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order = np.argsort(-scores, kind="stable")
    keep: list[int] = []
    while order.size:
        best, order = order[0], order[1:]
        keep.append(int(best))
        top_left = np.maximum(boxes[best, :2], boxes[order, :2])
        bottom_right = np.minimum(boxes[best, 2:], boxes[order, 2:])
        overlap = np.clip(bottom_right - top_left, 0, None).prod(axis=1)
        order = order[overlap < _NMS_OVERLAP * (area[best] + area[order] - overlap)]
    return keep
