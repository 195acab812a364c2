"""Transforms of this family; see the catalogue in docs/transforms."""
