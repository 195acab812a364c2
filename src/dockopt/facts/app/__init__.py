"""What an application is, where it starts, on which port it answers, what its build makes.

``detect.read_apps`` is the way in. Every fact is Known with its place (``app/main.py:12``), or Unknown
with the reason; a source that does not parse makes what would be read from it Unknown.
"""
