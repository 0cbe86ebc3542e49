"""Numbers of the literature."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa

from data import migrations, published, schemas, tables
from data.published import PUBLISHED, Published, mohaghegh


def found(method: str, metric: str, dataset: str) -> Published:
    """The only number of that name."""
    (entry,) = (
        row for row in PUBLISHED if (row.method, row.metric) == (method, metric) and row.dataset.endswith(dataset)
    )
    return entry


def test_each_number_stands_once() -> None:
    names = Counter((entry.method, entry.dataset, entry.protocol, entry.metric) for entry in PUBLISHED)
    assert {name: times for name, times in names.items() if times > 1} == {}


def test_every_table_is_whole() -> None:
    assert Counter(entry.source for entry in PUBLISHED) == {
        "Gecer et al., GANFIT (CVPR 2019), Table 1": 3,
        "Gecer et al., Fast-GANFIT (TPAMI 2021), Table 1": 17 * (3 + 3),
        "Gecer et al., Fast-GANFIT (TPAMI 2021), Table 1, which repeats Genova et al. (CVPR 2018)": 3 * 3,
        "Gecer et al., Fast-GANFIT (TPAMI 2021), Table 2": 6,
        "Gecer et al., Fast-GANFIT (TPAMI 2021), Fig. 9": 3,
        "Gecer et al., Fast-GANFIT (TPAMI 2021), Fig. 13": 8,
        "Mohaghegh et al., Robust Monocular 3D Face Reconstruction (preprint), Table 1": 2 * 6 * 5,
        "Mohaghegh et al., Robust Monocular 3D Face Reconstruction (preprint), Table 2": 5 * 5,
        "README of microsoft/Deep3DFaceReconstruction": 2,
        "README of sicxu/Deep3DFaceRecon_pytorch": 1,
    }


def test_table_one_of_the_papers() -> None:
    best = found("GANFit++", published.ERROR, "indoor")
    assert (best.value, best.std, best.unit, best.protocol) == (0.92, 0.14, "mm", "micc/ganfit-paper")
    assert found("GANFit++", published.COSINE, "outdoor").value == 0.87
    assert found("GANFit++ \\ L_lan", published.ERROR, "cooperative").value == 0.91
    first = found("GANFIT (CVPR 2019)", published.ERROR, "cooperative")
    assert (first.value, first.std) == (0.95, 0.107)
    peer = found("Genova et al.", published.ERROR, "outdoor")
    assert (peer.value, peer.std, peer.protocol) == (1.48, 0.11, "micc/genova")
    # Sec. 5.4.1 remarks on it: nothing is better on cooperative videos than to leave the landmarks out
    cooperative = [entry for entry in PUBLISHED if entry.dataset == "MICC Florence, cooperative" and entry.unit == "mm"]
    assert min(cooperative, key=lambda entry: entry.value).method == "GANFit++ \\ L_lan"


def test_table_two_of_fast_ganfit() -> None:
    values = {(entry.method, entry.dataset): entry.value for entry in published.by_protocol(published.GANFIT_FID)}
    assert values["GAN", "Ours (9358)"] == 2.95
    assert values["VAE", "Ours (9358)"] == 120.44
    assert values["GAN", "CelebA-HQ (50K)"] == 7.30


def test_figures_of_fast_ganfit() -> None:
    cosines = {entry.method: entry for entry in published.by_protocol("lfw/fast-ganfit-paper")}
    assert {name: (entry.relation, entry.value) for name, entry in cosines.items()} == {
        "GANFit": (">", 0.5),
        "Genova et al.": ("=", 0.35),
        "Tran et al.": ("=", 0.16),
    }
    errors = {entry.method: entry.value for entry in published.by_protocol("mae/fast-ganfit-figure-13")}
    # Sec. 5.4.1 names two of the eight: without any identity term, and the full model
    assert (errors["I_R \\ {L_id, L^_id, L_con}"], errors["I_R"]) == (0.032, 0.051)
    assert (errors["I_R albedo"], errors["I_R with T(p_t)"]) == (0.114, 0.064)


def test_tables_of_mohaghegh() -> None:
    own = found("Mohaghegh et al.", "PSNR", "CelebA")
    assert (own.value, own.std, own.unit) == (23.27, 2.38, "dB")
    assert found("Deng et al.", "SSIM", "AFLW2000").std == 0.034
    assert found("Lin et al.", "cosine by FaceNet", "CelebA").value == 0.953
    assert found("L_photo + L_id + L_att", "cosine by FaceNet", "CelebA").value == 0.9221
    # The full model of Table 2 is the last row of Table 1, rounded there to two digits.
    full = [found("L_photo + L_id + L_att + L_rob", metric, "CelebA").value for metric in mohaghegh.METRICS]
    same = [found("Mohaghegh et al.", metric, "CelebA").value for metric in mohaghegh.METRICS]
    assert [round(value, 3) for value in full[:-1]] == same[:-1]
    assert round(full[-1], 2) == same[-1]


def test_peers_by_dengs_protocol_are_no_rows_of_ours() -> None:
    peers = {entry.method: (entry.value, entry.std) for entry in published.by_protocol("micc/deng-paper")}
    assert peers == {
        "Genova et al.": (1.77, 0.53),
        "Deng et al. (TensorFlow)": (1.67, 0.50),
        "Deng et al. (PyTorch)": (1.53, 0.45),
    }


def test_the_numbers_come_back_from_their_table(tmp_path: Path) -> None:
    tables.write_part(published.rows(), schemas.published(), tmp_path, "all", 0)
    assert tables.read(tmp_path, "published").to_pylist() == published.rows()


def test_rows_of_the_first_version_have_nulls_for_what_they_lacked() -> None:
    row = {"method": "GAN", "dataset": "maps", "protocol": "p", "metric": "FID", "value": 2.95, "source": "paper"}
    old = pa.Table.from_pylist([row]).replace_schema_metadata({"table": "published", "version": "1"})
    (new,) = migrations.upgrade("published", old).to_pylist()
    assert new == row | {"unit": None, "std": None, "relation": None}
