"""Sheets as the terminal's tables, as Markdown and as LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from flows.tables.sheet import Section, Sheet

_NAME_WIDTH = 32
"""Longer names go on in the next line of a terminal."""
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "[": r"{[}",  # after the \\ of a row it would be an option
        "]": r"{]}",
        "±": r"$\pm$",
        "×": r"$\times$",
        "–": "--",
        "−": "$-$",
    }
)


def show(sheet: Sheet) -> None:
    """Print a sheet, wider than the terminal where its numbers would not fit."""
    needed = sum(_widths(sheet)) + 3 * len(sheet.columns) + 1
    width = max(Console().width, needed)
    Console(highlight=False, width=width).print(terminal(sheet))


def terminal(sheet: Sheet) -> Table:
    """For rich: sections are divided by lines; names are folded, numbers are not."""
    table = Table(title=Text(sheet.title), title_justify="left", title_style="bold")
    for place, (heading, width) in enumerate(zip(sheet.columns, _widths(sheet), strict=True)):
        justify: JustifyMethod = "left" if place < sheet.names else "right"
        table.add_column(Text(heading), width=width, justify=justify, overflow="fold")
    for section in sheet.sections:
        table.add_section()
        table.add_row(Text(section.title, style="italic"), *[""] * (len(sheet.columns) - 1))
        for row in section.rows:
            table.add_row(*(Text(cell) for cell in row))
    if sheet.notes:
        table.caption, table.caption_justify = Text("\n".join(sheet.notes), style="dim"), "left"
    return table


def markdown(sheet: Sheet) -> str:
    """A pipe table below its title, the notes below it as a list."""
    rule = ["---"] * sheet.names + ["--:"] * (len(sheet.columns) - sheet.names)
    lines = [f"**{_markdown(sheet.title)}**", "", _piped(map(_markdown, sheet.columns)), _piped(rule)]
    for section in sheet.sections:
        lines.append(_piped([f"*{_markdown(section.title)}*", *[""] * (len(sheet.columns) - 1)]))
        lines += [_piped(map(_markdown, row)) for row in section.rows]
    if sheet.notes:
        lines += ["", *(f"- {_markdown(note)}" for note in sheet.notes)]
    return "\n".join(lines) + "\n"


def latex(sheet: Sheet) -> str:
    """A float with a caption; needs the package booktabs."""
    columns = "l" * sheet.names + "r" * (len(sheet.columns) - sheet.names)
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_latex(sheet.title)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _ampersands(sheet.columns),
    ]
    for section in sheet.sections:
        lines += [r"\midrule", *_latex_section(section, len(sheet.columns))]
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\footnotesize {_latex(note)}" for note in sheet.notes]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _widths(sheet: Sheet) -> list[int]:
    """Characters of each column: numbers whole, headings word by word, names up to a limit."""
    widths = []
    for place, heading in enumerate(sheet.columns):
        texts = [row[place] for section in sheet.sections for row in section.rows]
        if place == 0:
            texts += [section.title for section in sheet.sections]
        longest = max([0, *map(len, texts), *map(len, heading.split())])
        widths.append(min(longest, _NAME_WIDTH) if place < sheet.names else longest)
    return widths


def _latex_section(section: Section, columns: int) -> Iterator[str]:
    yield rf"\multicolumn{{{columns}}}{{l}}{{\emph{{{_latex(section.title)}}}}} \\"
    yield from (_ampersands(row) for row in section.rows)


def _ampersands(cells: tuple[str, ...]) -> str:
    return " & ".join(_latex(cell) for cell in cells) + r" \\"


def _latex(text: str) -> str:
    return text.translate(_LATEX)


def _piped(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown(text: str) -> str:
    """Signs that Markdown would take for its own are escaped."""
    for sign in ("\\", "|", "*", "_", "<", "~"):
        text = text.replace(sign, f"\\{sign}")
    return text
