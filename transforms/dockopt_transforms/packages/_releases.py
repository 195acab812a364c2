"""Distributions whose packaged tools are too old for flags that are a matter of course today."""

from __future__ import annotations

import re

from dockopt.api import split_reference

# Debian 7 and 8 bring pip 1.1 and 1.5, Ubuntu 12.04 and 14.04 pip 1.0 and 1.5 and RubyGems 1.8.
_NAMED = re.compile(r"precise|quantal|raring|saucy|trusty|utopic|vivid|squeeze|wheezy|jessie|ubuntu-?1[0-5]\.")
_NUMBERED = {
    "ubuntu": re.compile(r"1[0-5]\."),
    "debian": re.compile(r"[5-8](\D|\Z)"),
    "baseimage": re.compile(r"0\.9\.(\d|1[0-8])(\D|\Z)"),  # phusion's, on Ubuntu 14.04 up to 0.9.18
}


def outdated_release(reference: str) -> bool:
    """Whether an image is one of Debian before 9 or Ubuntu before 16.04, as far as its name tells."""
    name, tag, _ = split_reference(reference)
    last = name.rsplit("/", 1)[-1]
    if _NAMED.search(tag) or _NAMED.search(last):
        return True
    numbered = _NUMBERED.get(last)
    return numbered is not None and numbered.match(tag) is not None
