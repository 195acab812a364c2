"""The files around the engine: finding, configuring, reading, running in parallel, writing."""
