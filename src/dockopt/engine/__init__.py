"""The engine: transforms, transactions, proof, pipeline, journal."""
