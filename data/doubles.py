"""Rows of a unit that newer ones replace, and rows that stand in a table twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute

from data.parts import columns_of, drop_rows, table_of

ROWS_OF_A_UNIT = MappingProxyType({"reconstructions": "face_index", "frames": "frame"})
"""Tables in which a unit of a collection has one row for each value of a column; the other tables have no units."""
_NEWEST = MappingProxyType({"reconstructions": "created_at", "frames": "run_id"})  # which begins with the time


def doubles(out: Path, parts: Sequence[str]) -> dict[str, list[int]]:
    """Part -> places of its rows that should go, for the parts of one partition of a table with units.

    A unit keeps the rows of the run that computed it last, and each of those once: that in the larger part, so that
    what a merge left behind goes as whole files. Rows of version 1, which do not know their collection, are of the
    same unit when one run wrote them. Raises data.parts.PartError for a part that cannot be read.
    """
    if not parts:
        return {}
    place, newest = ROWS_OF_A_UNIT[table_of(parts[0])], _NEWEST[table_of(parts[0])]
    columns = dict.fromkeys(["collection_key", "unit_id", "run_id", place, newest])
    rows = columns_of(out, parts, list(columns))
    owner = pa.compute.coalesce(rows["collection_key"], rows["run_id"])
    ranked = {"owner": owner, "unit": rows["unit_id"], "run": rows["run_id"], "place": rows[place], "age": rows[newest]}
    codes = pd.DataFrame({name: _ranks(column) for name, column in ranked.items()})
    codes["part"], codes["row"] = rows["part"].to_pandas(), rows["row"].to_numpy()
    codes["size"] = codes.groupby("part", observed=True)["row"].transform("size")
    codes = codes.sort_values(["age", "run", "size", "part", "row"], kind="stable")
    replaced = codes["run"] != codes.groupby(["owner", "unit"])["run"].transform("last")
    repeated = codes.duplicated(["owner", "unit", "run", "place"], keep="last")
    going = codes.loc[replaced | repeated, ["part", "row"]]
    return {str(part): sorted(places.tolist()) for part, places in going.groupby("part", observed=True)["row"]}


def drop_doubles(out: Path, parts: Sequence[str]) -> int:
    """Take the rows that ``doubles`` names out of their parts, and return how many they were."""
    going = doubles(out, parts)
    for part, places in going.items():
        drop_rows(out, part, places)
    return sum(map(len, going.values()))


def _ranks(column: pa.ChunkedArray) -> np.ndarray:
    """Numbers that are equal, and in order, as the values are: a tenth of their size."""
    return pa.compute.rank(column.combine_chunks(), tiebreaker="dense").to_numpy().astype(np.uint32)
