"""Numbers of the literature."""

from __future__ import annotations

from pathlib import Path

from data import published, schemas, tables


def test_table_two_of_the_paper() -> None:
    assert published.uv_map_fid() == {"gan": 2.95, "pca": 65.80, "vae": 120.44, "nvae": 62.98}
    photographs = {entry.method: entry.value for entry in published.PUBLISHED if entry.dataset != "Ours (9358)"}
    assert photographs == {"GAN": 7.30, "NVAE": 40.26}


def test_the_numbers_come_back_from_their_table(tmp_path: Path) -> None:
    tables.write_part(published.rows(), schemas.published(), tmp_path, "all", 0)
    assert tables.read(tmp_path, "published").to_pylist() == published.rows()
