"""What a run is shown as: a unified diff, text, JSON. Drawn from the journal and from nothing else."""
