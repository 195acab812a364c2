"""How the file is laid out."""
