"""Bytes to document and back: the Dockerfile grammar as BuildKit reads it, and nothing about meaning."""
