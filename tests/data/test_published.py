"""Numbers of the literature."""

from __future__ import annotations

from pathlib import Path

from data import published, schemas, tables


def test_table_two_of_the_paper() -> None:
    assert published.uv_map_fid() == {"gan": 2.95, "pca": 65.80, "vae": 120.44, "nvae": 62.98}
    photographs = {entry.method: entry.value for entry in published.PUBLISHED if "CelebA" in entry.dataset}
    assert photographs == {"GAN": 7.30, "NVAE": 40.26}


def test_table_one_of_the_paper() -> None:
    rows = [entry for entry in published.PUBLISHED if entry.dataset.startswith(published.MICC_DATASET)]

    def value(method: str, metric: str, setting: str) -> float:
        (row,) = (row for row in rows if (row.method, row.metric) == (method, metric) and row.dataset.endswith(setting))
        return row.value

    assert len(rows) == 17 * 9 + 3 * 6
    assert value("GANFit++", published.ERROR_MEAN, "cooperative") == 0.94
    assert value("GANFit++", published.ERROR_STD, "indoor") == 0.14
    assert value("GANFit++", published.COSINE, "outdoor") == 0.87
    assert value("GANFit++ \\ L_lan", published.ERROR_MEAN, "cooperative") == 0.91
    assert {row.protocol for row in rows if row.method == "Genova et al."} == {"micc/genova"}
    cooperative = [row for row in rows if row.metric == published.ERROR_MEAN and row.dataset.endswith("cooperative")]
    best = min(cooperative, key=lambda row: row.value)
    assert best.method == "GANFit++ \\ L_lan"


def test_the_numbers_come_back_from_their_table(tmp_path: Path) -> None:
    tables.write_part(published.rows(), schemas.published(), tmp_path, "all", 0)
    assert tables.read(tmp_path, "published").to_pylist() == published.rows()
