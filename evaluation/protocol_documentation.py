"""docs/protocols.md, made from the protocols: `python -m evaluation.protocol_documentation docs/protocols.md`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from evaluation.likeness_protocols import LIKENESS_PROTOCOLS, LikenessProtocol
from evaluation.protocols import ALL_LANDMARKS, PROTOCOLS, Protocol, ProtocolText

_PREFACE = """\
# Protocols

Made from `evaluation/protocols.py` and `evaluation/likeness_protocols.py` by `make docs`; a test keeps them equal.

A number without its protocol says nothing: the same prediction measures 1 mm by one and 2 mm by another.
Beside every error stand the scale that the alignment chose and the error without any scaling (rigid only):
a free scale hides errors of size. Protocols of likeness follow those of shape; a cosine says nothing without the
network that it is of, whose name and hash every number carries."""


def describe(protocol: Protocol) -> str:
    """Markdown of a protocol of shape."""
    marks = "all 68" if protocol.start == ALL_LANDMARKS else ", ".join(map(str, protocol.start))
    by_icp = protocol.alignment != "nicp"
    radius = "in proportion to the face" if protocol.crop_radius_mm is None else f"{protocol.crop_radius_mm:g} mm"
    who = "all vertices" if protocol.icp_vertices is None else f"{protocol.icp_vertices:,} vertices at most"
    steps = (
        f"{protocol.objective.replace('_', ' ')} over {who}, until a step gains "
        f"{protocol.tolerance_mm:g} mm or less, at most {protocol.max_iterations} steps"
    )
    rows = {
        "start": f"landmarks {marks}",
        "alignment": protocol.alignment,
        "objective": steps if by_icp else "least squares over the counterparts",
        "scale": protocol.scale,
        "millimetres": f"the {protocol.frame}'s",
        "crop": f"ball around the {protocol.crop}, {radius}",
        "distance": f"to the {protocol.distance}" if by_icp else f"to the counterpart's {protocol.distance}",
        "directions": protocol.directions,
        "points at the other's border": "count" if protocol.border else "do not count",
        "statistic of a scan": protocol.statistic,
        "over a person's scans": protocol.scans,
    }
    return _section(protocol, rows)


def describe_likeness(protocol: LikenessProtocol) -> str:
    """Markdown of a protocol of likeness."""
    rows = {
        "compared": protocol.compared,
        "pose, expression and light": protocol.view,
        "a network's crop": protocol.crop,
        "embedding": protocol.embedding,
        "numbers": protocol.numbers,
    }
    return _section(protocol, rows)


def documentation() -> str:
    """Markdown of every protocol."""
    shape = map(describe, PROTOCOLS.values())
    likeness = map(describe_likeness, LIKENESS_PROTOCOLS.values())
    return "\n\n".join([_PREFACE, *shape, *likeness]) + "\n"


def _section(protocol: ProtocolText, rows: Mapping[str, str]) -> str:
    return "\n".join(
        [
            f"## `{protocol.id}`",
            "",
            f"{protocol.title}.",
            "",
            f"- version: {protocol.version}",
            *(f"- {name}: {text}" for name, text in rows.items()),
            "",
            f"From the text. {protocol.from_text}",
            "",
            f"From code. {protocol.from_code}",
            "",
            f"Our reading. {protocol.our_reading}",
        ]
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(documentation(), encoding="utf-8")
