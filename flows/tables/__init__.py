"""Tables of results from Parquet rows, beside the literature's numbers.

A builder turns rows into a `Report`; flows.tables.rendering shows its sheets on a terminal, as Markdown and as LaTeX.
Ours stand with theirs in one section only where both have one protocol's id.
"""
