"""What the cookbook's queries must give, worked out from the rows without SQL."""

from __future__ import annotations

import datetime
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data import published

PORTRAIT = "Person_000003/Person_000003_0001.jpg"
"""The photograph that some queries ask for."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Made:
    """Output folders below ``root``, and the rows that they hold."""

    root: Path
    out: Rows
    frames: Rows
    micc: Rows
    old: Rows
    new: Rows
    likeness: dict[str, Rows]
    """By table."""


def ok(rows: Iterable[dict[str, Any]]) -> Rows:
    return [row for row in rows if row["status"] == "ok"]


def grouped(rows: Iterable[dict[str, Any]], *names: str) -> dict[tuple[Any, ...], Rows]:
    """Rows by the values of some columns, in the order of these."""
    found: dict[tuple[Any, ...], Rows] = defaultdict(list)
    for row in rows:
        found[tuple(row[name] for name in names)].append(row)
    return dict(sorted(found.items(), key=lambda item: [(value is None, value) for value in item[0]]))


def rows_by_method_and_status(made: Made) -> list[Any]:
    all_of = Counter(row["method"] for row in made.out)
    groups = grouped(made.out, "method", "status")
    return [(*key, len(rows), round(100 * len(rows) / all_of[key[0]], 2)) for key, rows in groups.items()]


def failures_by_stage(made: Made) -> list[Any]:
    groups = grouped([row for row in made.out if row["status"] != "ok"], "status", "stage")
    found = [(*key, len(rows), len({row["reason"] for row in rows})) for key, rows in groups.items()]
    return sorted(found, key=lambda row: -row[2])


def commonest_reasons(made: Made) -> list[Any]:
    failures = [row | {"reason": re.sub(r"\d+", "N", row["reason"])} for row in made.out if row["status"] != "ok"]
    groups = grouped(failures, "status", "reason")
    found = [(*key, len(rows), min(row["unit_id"] for row in rows)) for key, rows in groups.items()]
    assert len(found) > 12
    return sorted(found, key=lambda row: -row[2])[:12]


def worst_landmarks(made: Made) -> list[Any]:
    worst = sorted(ok(made.out), key=lambda row: -row["losses"]["landmark"])[:20]
    return [
        (row["method"], row["unit_id"], row["face_index"], row["losses"]["landmark"], f"out/{row['overlay']}")
        for row in worst
    ]


def spread(made: Made) -> list[Any]:
    found = []
    for (method,), rows in grouped(ok(made.out), "method").items():
        quantiles = [
            np.quantile([row["losses"][term] for row in rows], [0.5, 0.9, 0.99]).tolist()
            for term in ("landmark", "total")
        ]
        found.append((method, len(rows), *quantiles, np.mean([row["converged"] for row in rows])))
    return found


def seconds_per_stage(made: Made) -> list[Any]:
    found = []
    for key, rows in grouped(ok(made.out), "device", "method").items():
        means = [np.mean([row["seconds"][stage] for row in rows]) for stage in made.out[0]["seconds"]]
        found.append((*key, len(rows), *means, 1 / sum(means)))
    return found


def rows_per_second(made: Made) -> list[Any]:
    found = []
    for key, rows in grouped(made.out, "run_id", "method").items():
        times = [row["created_at"] for row in rows]
        seconds = (max(times) - min(times)) / datetime.timedelta(seconds=1)
        speed = sum(time > min(times) for time in times) / seconds if seconds else None
        found.append((*key, len(rows), seconds, speed))
    return found


def of_both(made: Made) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The rows of `fast` and of `ganfit++` of all faces that both could do."""
    groups = grouped(ok(made.out), "collection_key", "unit_id", "face_index").values()
    pairs = [{row["method"]: row for row in rows} for rows in groups]
    return [(pair["fast"], pair["ganfit++"]) for pair in pairs if len(pair) == 2]


def two_methods(made: Made) -> list[Any]:
    pairs = [(fit["losses"]["landmark"] - fast["losses"]["landmark"], fast, fit) for fast, fit in of_both(made)]
    worse = sorted([pair for pair in pairs if pair[0] > 0], key=lambda pair: -pair[0])[:20]
    return [
        (
            fast["unit_id"],
            fast["face_index"],
            *(row["losses"]["landmark"] for row in (fast, fit)),
            *(row["overlay"] for row in (fast, fit)),
        )
        for _, fast, fit in worse
    ]


def all_methods(made: Made) -> list[Any]:
    found = []
    for key, rows in grouped(ok(made.out), "collection_key", "unit_id", "face_index").items():
        landmark = {row["method"]: row["losses"]["landmark"] for row in rows}
        found.append((*key, landmark.get("fast"), landmark.get("ganfit++")))
    return found[:20]


def means_of_both(made: Made) -> list[Any]:
    landmark = np.array([[row["losses"]["landmark"] for row in pair] for pair in of_both(made)])
    return [(len(landmark), *landmark.mean(axis=0), (landmark[:, 1] < landmark[:, 0]).mean())]


def changed_statuses(made: Made) -> list[Any]:
    before, after = ({row["unit_id"]: row for row in rows} for rows in (made.old, made.new))
    changes = [
        {"before": before[unit]["status"], "after": after[unit]["status"] if unit in after else None, "unit": unit}
        for unit in before
    ]
    groups = grouped([change for change in changes if change["before"] != change["after"]], "before", "after")
    return [("fast", *key, len(rows), min(row["unit"] for row in rows)) for key, rows in groups.items()]


def ok_in_both(made: Made) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The rows before and after."""
    after = {row["unit_id"]: row for row in ok(made.new)}
    return [(row, after[row["unit_id"]]) for row in ok(made.old) if row["unit_id"] in after]


def changed_losses(made: Made) -> list[Any]:
    totals = np.array([[row["losses"]["total"] for row in pair] for pair in ok_in_both(made)])
    change = totals[:, 1] - totals[:, 0]
    return [("fast", len(change), (change != 0).mean(), np.abs(change).max(), change.mean())]


def moved_coefficients(made: Made) -> list[Any]:
    tenth = [pair for pair in ok_in_both(made) if pair[0]["content_sha256"] < "1a"]
    assert 20 < len(tenth) < 80
    moved = [np.abs(np.subtract(new["identity"], old["identity"])).max() for old, new in tenth]
    return [("fast", len(moved), np.mean(np.array(moved) > 0), np.median(moved), max(moved))]


def got_worse(made: Made) -> list[Any]:
    pairs = sorted(ok_in_both(made), key=lambda pair: pair[0]["losses"]["landmark"] - pair[1]["losses"]["landmark"])
    return [
        (
            "fast",
            old["unit_id"],
            old["face_index"],
            *(row["losses"]["landmark"] for row in (old, new)),
            f"old/{old['overlay']}",
            f"new/{new['overlay']}",
        )
        for old, new in pairs[:20]
    ]


def mean_identities(made: Made) -> list[Any]:
    people = grouped([row for row in ok(made.out) if row["method"] == "fast"], "subject")
    chosen = sorted(people, key=lambda key: (-len(people[key]), key))[:20]
    return [
        (*key, len(people[key]), np.mean([row["identity"] for row in people[key]], axis=0).tolist())
        for key in sorted(chosen)
    ]


def nearest(made: Made) -> list[Any]:
    faces = [row for row in ok(made.out) if row["method"] == "fast"]
    (asked,) = (np.array(row["identity"]) for row in faces if row["unit_id"] == PORTRAIT)
    identities = np.array([row["identity"] for row in faces])
    cosines = identities @ asked / np.linalg.norm(identities, axis=1) / np.linalg.norm(asked)
    first = np.argsort(-cosines)[:10]
    return [(faces[i]["unit_id"], faces[i]["face_index"], faces[i]["subject"], cosines[i]) for i in first]


def lineage(made: Made) -> list[Any]:
    found = []
    for row in made.out:
        if row["unit_id"] == PORTRAIT:
            files = dict(row["assets"])
            own = [row[name] for name in ("method", "run_id", "code_version", "seed")]
            found.append((*own, files["morphable"], files["regressor-gan"]))
    return sorted(found)


def rows_by_files(made: Made) -> list[Any]:
    pairs = [{"file": file, "method": row["method"]} for row in made.out for file in row["assets"]]
    return [
        (*key[0], len(rows), sorted({row["method"] for row in rows})) for key, rows in grouped(pairs, "file").items()
    ]


def stale_shards(made: Made) -> list[Any]:
    def origin(row: dict[str, Any]) -> list[Any]:
        return [row[name] for name in ("config_sha256", "code_sha256", "seed", "assets")]

    stale: Rows = []
    for rows in grouped(made.out, "collection_key", "method", "texture_model").values():
        last = origin(max(rows, key=lambda row: row["created_at"]))
        stale += [row for row in rows if row["code_sha256"] is None or origin(row) != last]
    groups = grouped(stale, "method", "shard", "code_version")
    assert [key[0] for key in groups] == ["fast", "ganfit++", "ganfit++"]
    return [(*key, len(rows)) for key, rows in groups.items()]


def part_files(made: Made) -> list[Any]:
    return [
        ("out/reconstructions/method=fast/texture_model=gan", 2, 600),
        ("out/reconstructions/method=ganfit%2B%2B/texture_model=gan", 3, 1029),
    ]


def followed_videos(made: Made) -> list[Any]:
    found = []
    videos = {row["unit_id"]: row for row in made.out if row["collection"] == "videos"}
    for (unit, method), rows in grouped(made.frames, "unit_id", "method").items():
        seen = ok(rows)
        worst = max(seen, key=lambda row: row["landmark_error"])["frame"]
        energy = (videos[unit]["losses"] or {}).get("total")
        error = np.mean([row["landmark_error"] for row in seen])
        found.append((unit, method, videos[unit]["frames"], energy, len(rows), len(seen), error, worst))
    return sorted(found, key=lambda row: -row[-2])


def measured_and_published(made: Made) -> list[Any]:
    scans = [
        row | {"name": " without ".join([row["method"], *([", ".join(row["without"])] if row["without"] else [])])}
        for row in made.micc
        if row["protocol"] == "micc/ganfit-paper"
    ]
    found: list[Any] = []
    for key, rows in grouped(scans, "name", "fusion", "setting").items():
        errors = [row["error_mm"] for row in ok(rows)]
        found.append(("measured", *key, np.mean(errors), len(errors), len(rows) - len(errors)))
    found += [
        ("published", entry.method, None, entry.dataset.split(", ")[1], entry.value, None, None)
        for entry in published.PUBLISHED
        if entry.protocol == "micc/ganfit-paper" and entry.metric == published.ERROR
    ]
    return sorted(found, key=lambda row: (row[3], row[4], row[0], row[1]))


def whole_energy(made: Made) -> Rows:
    """The rows of `micc` that the last two queries look at."""
    return [row for row in made.micc if row["protocol"] == "micc/ganfit-paper" and not row["without"]]


def same_video(made: Made) -> list[Any]:
    videos = {(row["source"][0], row["method"]): row["losses"] for row in ok(made.out)}
    found = []
    for row in ok(whole_energy(made)):
        losses = videos.get((row["source"], row["method"]))
        if losses:
            own = [row[name] for name in ("subject", "setting", "method", "fusion", "error_mm", "scale")]
            found.append((*own, losses["landmark"], losses["total"]))
    return sorted(found)


def models_behind(made: Made) -> list[Any]:
    found = []
    collections = [row | {"assets": tuple(row["assets"])} for row in made.out]
    for (collection, method, files), rows in grouped(collections, "collection", "method", "assets").items():
        for (measured, fusion), scans in grouped(whole_energy(made), "method", "fusion").items():
            if measured == method and set(files) <= set(scans[0]["assets"]):
                errors = [row["error_mm"] for row in ok(scans)]
                found.append((collection, method, len(rows), fusion, np.mean(errors), len(errors)))
    return found


def likeness(made: Made) -> list[Any]:
    found = []
    for (network, method), rows in grouped(ok(made.likeness["lfw_photos"]), "network", "method").items():
        people = [np.mean([row["cosine"] for row in own]) for own in grouped(rows, "subject").values()]
        found.append((network, method, len(rows), np.mean([row["cosine"] for row in rows]), np.mean(people)))
    return sorted(found, key=lambda row: (row[0], -row[4]))


def unrecognised(made: Made) -> list[Any]:
    groups = grouped(ok(made.likeness["lfw_photos"]), "method", "unit_id")
    best = [(*key, max(row["cosine"] for row in rows)) for key, rows in groups.items()]
    return sorted(best, key=lambda row: (row[2], *row[:2]))[:10]


def alike(made: Made) -> list[Any]:
    close: Rows = []
    for rows in grouped(ok(made.likeness["lfw_pairs"]), "network", "method").values():
        median = np.median([row["cosine"] for row in rows if row["same"]])
        close += [row for row in rows if not row["same"] and row["cosine"] > median]
    groups = grouped(close, "method", "first", "second")
    found = [(*key, len(rows), min(row["cosine"] for row in rows)) for key, rows in groups.items()]
    return sorted(found, key=lambda row: (-row[3], -row[4]))


def costs(made: Made) -> list[Any]:
    rows = ok(made.likeness["image_quality"])
    clean = {(row["method"], row["unit_id"]): row for row in rows if row["corruption"] == "none"}
    found = []
    for (method, corruption), spoilt in grouped(rows, "method", "corruption").items():
        both = [(row, clean[method, row["unit_id"]]) for row in spoilt if (method, row["unit_id"]) in clean]
        if corruption != "none":
            changes = [[a[name] - b[name] for a, b in both] for name in ("psnr_db", "mae")]
            changes.append([dict(a["cosines"])["sface"] - dict(b["cosines"])["sface"] for a, b in both])
            found.append((method, corruption, len(both), *(np.mean(change) for change in changes)))
    return found


def failures_file(made: Made) -> list[Any]:
    failures = [row | {"source": row["source"][0]} for row in made.out if row["status"] != "ok"]
    names = ("method", "unit_id", "status", "stage", "reason", "source")
    return [names, *sorted(tuple(row[name] for name in names) for row in failures)]


def figures_file(made: Made) -> list[Any]:
    found: list[Any] = [("unit_id", "face_index", "status", "landmark", "total", "overlay")]
    for row in made.out:
        if row["method"] == "ganfit++":
            losses = row["losses"] or {"landmark": "", "total": ""}
            face = "" if row["face_index"] is None else str(row["face_index"])
            own = (row["unit_id"], face, row["status"], losses["landmark"], losses["total"], row["overlay"] or "")
            found.append(own)
    return found


ANSWERS: dict[str, Callable[[Made], list[Any]]] = {
    "Rows by method and status": rows_by_method_and_status,
    "Failures by stage": failures_by_stage,
    "The twelve commonest reasons": commonest_reasons,
    "The worst landmark errors": worst_landmarks,
    "How the losses spread": spread,
    "Seconds per stage": seconds_per_stage,
    "Rows per second of every run": rows_per_second,
    "Two methods side by side": two_methods,
    "All methods side by side": all_methods,
    "Means over the faces that both methods have": means_of_both,
    "Statuses that changed": changed_statuses,
    "How many losses differ": changed_losses,
    "How far coefficients moved": moved_coefficients,
    "What got worse most": got_worse,
    "Mean identity of a person": mean_identities,
    "The nearest identities": nearest,
    "What a photograph's rows depend on": lineage,
    "Rows by the files that they depend on": rows_by_files,
    "Shards that are out of date": stale_shards,
    "Part files": part_files,
    "How well a video was followed": followed_videos,
    "Measured and published": measured_and_published,
    "The same video in both tables": same_video,
    "The error of the models behind a collection": models_behind,
    "Likeness by network and method": likeness,
    "Renderings that no network recognises": unrecognised,
    "Pairs of two people that look alike": alike,
    "What a corruption costs": costs,
    "What failed, as CSV": failures_file,
    "One method's figures, as CSV": figures_file,
}
