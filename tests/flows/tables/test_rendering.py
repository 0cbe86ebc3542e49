"""Sheets on the terminal, as Markdown and as LaTeX."""

from __future__ import annotations

import pytest

from flows.tables.rendering import latex, markdown, show
from flows.tables.sheet import NONE, Section, Sheet, mean_and_std, number, printed

SHEET = Sheet(
    "Errors_1, lower is better",
    ("method", "dataset", "error, mm"),
    (
        Section("ours@1", (("ganfit++ \\ L^_id", "people & pets", "1.50 ± 0.20"), ("[fast]", "a|b", NONE))),
        Section("theirs", (("{L_id} > 50 %", "$", "1.00"),)),
    ),
    ("Not *comparable*.",),
    names=2,
)


def test_markdown_is_a_table_with_its_notes_as_a_list() -> None:
    assert markdown(SHEET).splitlines() == [
        "**Errors\\_1, lower is better**",
        "",
        "| method | dataset | error, mm |",
        "| --- | --- | --: |",
        "| *ours@1* |  |  |",
        "| ganfit++ \\\\ L^\\_id | people & pets | 1.50 ± 0.20 |",
        "| [fast] | a\\|b | – |",
        "| *theirs* |  |  |",
        "| {L\\_id} > 50 % | $ | 1.00 |",
        "",
        "- Not \\*comparable\\*.",
    ]


def test_latex_is_a_float_for_booktabs_with_its_signs_escaped() -> None:
    assert latex(SHEET).splitlines() == [
        r"\begin{table}",
        r"\centering",
        r"\caption{Errors\_1, lower is better}",
        r"\begin{tabular}{llr}",
        r"\toprule",
        r"method & dataset & error, mm \\",
        r"\midrule",
        r"\multicolumn{3}{l}{\emph{ours@1}} \\",
        r"ganfit++ \textbackslash{} L\textasciicircum{}\_id & people \& pets & 1.50 $\pm$ 0.20 \\",
        r"{[}fast{]} & a\textbar{}b & -- \\",
        r"\midrule",
        r"\multicolumn{3}{l}{\emph{theirs}} \\",
        r"\{L\_id\} \textgreater{} 50 \% & \$ & 1.00 \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\footnotesize Not *comparable*.",
        r"\end{table}",
    ]


def test_a_narrow_terminal_folds_names_and_keeps_numbers_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    long = "a method with a name that is longer than any column of names may be"
    show(Sheet("Title", ("method", "a heading of words"), (Section("ours", ((long, "12345.678 ± 0.123 (20)"),)),)))
    printed = capsys.readouterr().out
    assert "12345.678 ± 0.123 (20)" in printed
    folded = [line.split("│")[1].strip() for line in printed.splitlines() if line.startswith("│")]
    assert " ".join(folded) == f"ours {long}"


def test_what_looks_like_markup_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    show(Sheet("[bold]", ("[red]",), (Section("[/]", (("[blue]x[/blue]",),)),), ("[note]",)))
    printed = capsys.readouterr().out
    assert all(text in printed for text in ("[bold]", "[red]", "[/]", "[blue]x[/blue]", "[note]"))


def test_rows_that_do_not_fit_the_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="2 columns, but a row of 'ours' has 1"):
        Sheet("title", ("method", "error"), (Section("ours", (("fast",),)),))


def test_cells() -> None:
    assert mean_and_std([1.0, 3.0], 2) == "2.00 ± 1.00"
    assert mean_and_std([], 2) == number(None, 2) == NONE
    assert number(1.2345, 3) == "1.234"


def test_published_numbers_keep_the_digits_that_they_were_printed_with() -> None:
    assert [printed(value, 2) for value in (0.107, 0.5, 120.44, 0.9221)] == ["0.107", "0.50", "120.44", "0.9221"]
