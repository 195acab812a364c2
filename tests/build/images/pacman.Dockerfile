# Stands for Arch Linux: pacman, and a repository of one package.
FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends libarchive-tools makepkg pacman-package-manager zstd \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/packages
RUN mkdir -p /tmp/tree/usr/bin && printf '#!/bin/sh\n' >/tmp/tree/usr/bin/nginx && chmod 755 /tmp/tree/usr/bin/nginx \
    && printf '%s\n' 'pkgname = nginx' 'pkgbase = nginx' 'pkgver = 1-1' 'pkgdesc = stands for another' 'arch = any' \
        'builddate = 0' 'packager = nobody' 'size = 10' >/tmp/tree/.PKGINFO \
    && bsdtar -C /tmp/tree -cf - .PKGINFO usr | zstd -q >nginx-1-1-any.pkg.tar.zst \
    && repo-add --quiet stand-in.db.tar.gz nginx-1-1-any.pkg.tar.zst && rm -r /tmp/tree \
    && printf '%s\n' '[options]' 'Architecture = auto' 'SigLevel = Never' \
        '[stand-in]' 'Server = file:///srv/packages' >/etc/pacman.conf
WORKDIR /
