"""What a registry says of an image. Imported only where somebody asked for ``--online``."""
