"""Container engines: build both sides of a rewrite, compare them, run them, measure them."""
