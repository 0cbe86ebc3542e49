"""Protocols: how a reconstruction's error is measured, as declarative recipes.

Numbers of two protocols are never comparable, which is why each has an id and a version that go with every number. What
a recipe says is split by its origin: the publication's text, code that its authors released, and our reading where both
are silent. `evaluation.measure` carries the recipes out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from evaluation.icp import Objective

ALL_LANDMARKS = tuple(range(68))
NOW_LANDMARKS = (36, 39, 42, 45, 33, 48, 54)
"""Corners of the eyes, base of the nose, corners of the mouth."""

Alignment = Literal["icp", "icp from the scan", "icp of the registered scan", "nicp"]
Crop = Literal["nose tip", "face"]
Distance = Literal["surface", "tangent plane"]
Directions = Literal["scan to prediction", "both"]
Frame = Literal["scan", "template"]
Scale = Literal["free", "none", "one for all"]
Scans = Literal["minimum", "mean", "first"]
Statistic = Literal["mean", "rmse", "median"]


@dataclass(frozen=True)
class ProtocolText:
    """What every protocol says of itself, whatever it measures."""

    id: str
    version: str
    """Rises with every change that changes numbers."""
    title: str
    from_text: str
    """What the publication says."""
    from_code: str
    """What its authors released or said elsewhere."""
    our_reading: str
    """What neither says, and we decided."""


@dataclass(frozen=True)
class Protocol(ProtocolText):
    """A recipe that turns a prediction and a scan into millimetres."""

    start: tuple[int, ...]
    """Of the 68 landmarks, those that bring the prediction near the scan (Procrustes)."""
    alignment: Alignment
    """What refines it: "icp" pairs the prediction's vertices with the closest points of the scan, "icp from the scan"
    the other way round, "icp of the registered scan" does both between the prediction and a template registered to the
    scan, "nicp" pairs vertices of the prediction with the same vertices of the registered template."""
    objective: Objective
    """What the ICP minimises."""
    icp_vertices: int | None
    """How many of the crop's vertices, evenly drawn from their order, take part in the ICP at most; None for all. The
    distances are always those of all."""
    tolerance_mm: float
    """The alignment ends when a step gains no more."""
    max_iterations: int
    scale: Scale
    """"free" fits the scale of every prediction, "none" takes millimetres as they are, "one for all" takes what
    `evaluation.measure.calibrate` finds."""
    frame: Frame
    """Whose millimetres the error is in: the person's, or those of the model's mean face, to which the scan is brought
    by a similarity of the landmarks before anything is compared."""
    crop: Crop
    """Centre of the ball that is measured: landmark 30, or the middle of the face as NoW defines it."""
    crop_radius_mm: float | None
    """None: in proportion to the face, as NoW defines it."""
    distance: Distance
    """To the closest point on the other surface, or to the plane of its triangle there; with "nicp", to the counterpart
    or to the tangent plane there."""
    directions: Directions
    """Which surface's vertices are measured from the other; both are averaged."""
    border: bool
    """Whether points count whose closest point lies on the other surface's border: where it has holes or ends."""
    statistic: Statistic
    """What of the distances of one scan is the error."""
    scans: Scans
    """What the errors of a person's scans come to."""

    @property
    def needs_registration(self) -> bool:
        """Whether the scan must be registered to the prediction's topology before."""
        return self.alignment in ("icp of the registered scan", "nicp")


_PAPER = Protocol(
    id="micc/ganfit-paper",
    version="1",
    title="MICC Florence as GANFIT's and Fast-GANFIT's text has it",
    from_text=(
        "Gecer et al. 2019 (Sec. 4.3) and 2021 (Sec. 5.3.1): 5 frames of each video, one fit of all of them; the "
        "test mesh is cropped 95 mm around the tip of the nose, following Tran et al. 2017; dense alignment by ICP "
        "(Besl and McKay 1992); the error is the average symmetric point-to-plane distance, following Genova et al. "
        "2018; mean and standard deviation over 53 people for each of three settings."
    ),
    from_code=(
        "The authors' script does something else: micc/ganfit-release. In an issue of its repository they say that "
        "the 5 frames are random, and that the smaller error of the two frontal scans counts."
    ),
    our_reading=(
        "Besl and McKay's ICP is point to point; whether the scale is free is not said, and here it is, as in "
        "Genova's and the script. The ball is Euclidean, around landmark 30 of the scan, and crops both surfaces: "
        "vertices within it are measured against the whole of the other surface. Point to plane is the distance from "
        "the plane of the closest triangle. Predictions beyond the rim or over a hole of the scan are left out. The "
        "standard deviation is the population's."
    ),
    start=ALL_LANDMARKS,
    alignment="icp",
    objective="point_to_point",
    icp_vertices=1000,
    tolerance_mm=1e-5,
    max_iterations=150,
    scale="free",
    frame="scan",
    crop="nose tip",
    crop_radius_mm=95.0,
    distance="tangent plane",
    directions="both",
    border=False,
    statistic="mean",
    scans="minimum",
)

_RELEASE = replace(
    _PAPER,
    id="micc/ganfit-release",
    title="MICC Florence as the script published with GANFIT does it",
    from_text=(
        "The same text as micc/ganfit-paper; README: landmarks first, then a rigid ICP, then the mean symmetrical "
        "point-to-plane distance, in a scenario borrowed from Genova et al. 2018."
    ),
    from_code=(
        "The scan is laid on the template by a similarity of the 68 landmarks, and the template (unit: 100 mm) is "
        "registered to it by NICP: prediction and registered scan share their topology and the template's frame, "
        "whose millimetres are the template's and not the person's. Vertices within 95 mm (subject 28: 60 mm) of "
        "landmark 30 of the moving mesh are paired first by their index, then with the closest points ON the other "
        "mesh; a similarity is estimated in every round; the rounds end when the mean distance falls by no more than "
        "0.001 mm, and that distance is the result. Once the registered scan moves, once the prediction; the two are "
        "averaged. Minimum over frontal1 and frontal2 where landmarks exist; mean and population standard deviation "
        "over 53 people."
    ),
    our_reading=(
        "The template is the mean face of the model that makes the predictions, not the authors'. Landmark 30 of the "
        "registered scan is the scan's own. The rigid-only error is taken in the person's millimetres: no scale, "
        "neither by landmarks nor in the rounds."
    ),
    alignment="icp of the registered scan",
    icp_vertices=None,
    tolerance_mm=1e-3,
    frame="template",
    distance="surface",
    border=True,
)

_DENG = replace(
    _PAPER,
    id="micc/deng",
    title="MICC Florence as Deng et al. measure it",
    from_text=(
        "As threads of issues tell of Deng et al. 2019, whose text was not at hand: ICP with an isotropic scale (a "
        "reader, issue 42 of sicxu/Deep3DFaceRecon_pytorch), then the point-to-plane distance, without the forehead "
        "(the authors, issue 23 of microsoft/Deep3DFaceReconstruction)."
    ),
    from_code=(
        "None for MICC. The authors in the same issue 23: scale and pose are estimated for each mesh; every vertex of "
        "the ground truth within 95 mm of its nose tip is measured; the error of a mesh is the root mean square; the "
        "forehead is cut as well."
    ),
    our_reading=(
        "Where the forehead is cut is unknown: here it is not. The ICP is that of micc/ganfit-paper, point to plane "
        "is the distance from the plane of the closest triangle. Of two frontal scans the mean counts, as no choice "
        "is stated."
    ),
    directions="scan to prediction",
    border=True,
    statistic="rmse",
    scans="mean",
)

_GENOVA = replace(
    _PAPER,
    id="micc/genova",
    title="MICC Florence as Genova et al. measure it",
    from_text=(
        "As Gecer et al. 2019 and the authors of Deng et al. 2019 (in the issue below) describe Genova et al. 2018: "
        "scans cropped 95 mm around the nose tip; one scale between the model and the scans for all people; ICP; "
        "average symmetric point-to-plane distance."
    ),
    from_code=(
        "Their tool is a binary. Deng et al., who were given it (issue 23 of microsoft/Deep3DFaceReconstruction): "
        "one global scale, distances only in the region where both surfaces exist, and, as they infer, a mean."
    ),
    our_reading=(
        "The scale is the least-squares one over all people's pairs of points after a similarity ICP of each. The "
        "region of both surfaces is the ball, less the points whose closest point lies on the other's border. Of two "
        "frontal scans the mean counts, as no choice is stated."
    ),
    scale="one for all",
    scans="mean",
)

_NOW = Protocol(
    id="now",
    version="1",
    title="NoW, scale free",
    from_text=(
        "Sanyal et al. 2019: the prediction is aligned by landmarks (rotation, translation, scale), then by the "
        "distances from the scan to the mesh; the error is the absolute distance from each vertex of the scan to the "
        "closest point on the mesh. Median, mean and standard deviation are reported."
    ),
    from_code=(
        "Seven landmarks: four corners of the eyes, base of the nose, corners of the mouth. The scan is cropped by a "
        "ball around a point 0.3 of the way from the nose base to the middle of the inner corners of the eyes; its "
        "radius is 0.7 times the sum of two lengths, between the outer corners of the eyes and from the nose base to "
        "that middle. The refinement has a free scale, too. Distances of all images are pooled before the statistics."
    ),
    our_reading=(
        "The distances are minimised by point-to-plane steps on at most 5,000 vertices of the crop, evenly drawn "
        "from their order; all of them are measured. What is minimised, and when it ends, is in the prediction's "
        "millimetres, as the scan is moved to the mesh; the error is in the scan's. The error of a scan is "
        "its median; means over people are means of medians, not pooled. The landmarks are ours, not the challenge's."
    ),
    start=NOW_LANDMARKS,
    alignment="icp from the scan",
    objective="point_to_plane",
    icp_vertices=5000,
    tolerance_mm=1e-4,
    max_iterations=100,
    scale="free",
    frame="scan",
    crop="face",
    crop_radius_mm=None,
    distance="surface",
    directions="scan to prediction",
    border=True,
    statistic="median",
    scans="first",
)

_NOW_METRICAL = replace(
    _NOW,
    id="now/metrical",
    title="NoW, in the prediction's own millimetres",
    from_text="The challenge's site: the same without any scale, for methods that claim to know it.",
    from_code=(
        "As for now, but the refinement moves only. The landmarks are aligned with a scale that is then left out of "
        "the transformation while its translation stays: a start that lies off by that much."
    ),
    our_reading=_NOW.our_reading + " The start is the best rigid one.",
    scale="none",
)


def _by_registration(protocol: Protocol) -> Protocol:
    """The same protocol with counterparts from a non-rigid registration in the place of closest points."""
    return replace(
        protocol,
        id=f"{protocol.id}+nicp",
        title=f"{protocol.title}; counterparts by registration",
        from_text=(
            "No benchmark's. Closest points understate errors, unevenly across methods, and change their ranking; "
            "counterparts from a non-rigid registration are nearer to the truth (Sariyanidi et al., IJCB 2023; "
            "arXiv 2505.18025)."
        ),
        from_code="None.",
        our_reading=(
            f"Crop, scale, distance and statistic are those of {protocol.id}. The model's mean face is registered to "
            "the scan by NICP (Amberg et al. 2007), and every vertex of the prediction is aligned with and measured "
            "from the same vertex of the registration. Only vertices that the registration matched count."
        ),
        alignment="nicp",
        # vertices that the registration found on the scan's rim do not count, whatever the closest points did
        border=False,
    )


_BY_CLOSEST_POINTS = (_PAPER, _RELEASE, _DENG, _GENOVA, _NOW, _NOW_METRICAL)

PROTOCOLS: dict[str, Protocol] = {
    protocol.id: protocol for base in _BY_CLOSEST_POINTS for protocol in (base, _by_registration(base))
}
"""Every protocol by its id."""
