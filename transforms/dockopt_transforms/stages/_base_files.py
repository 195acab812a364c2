"""Where a base image has its own files."""

from __future__ import annotations

#: Folders of the distribution and of what an official image brings; an application's, like /usr/src, are none of them,
#: so that a file of its own which is lost with the base image is seen.
SYSTEM_FILES = (
    "/bin/**",
    "/boot/**",
    "/etc/**",
    "/lib*/**",
    "/root/.*",
    "/root/.*/**",
    "/run/**",
    "/sbin/**",
    "/tmp/**",
    "/opt/yarn*/**",
    "/usr/bin/**",
    "/usr/games/**",
    "/usr/include/**",
    "/usr/lib*/**",
    "/usr/local/**",
    "/usr/sbin/**",
    "/usr/share/**",
    "/usr/src/python*/**",
    "/var/**",
)
