# Stands for Fedora, CentOS and openSUSE: dnf (yum is a link to it, as on CentOS since 8) and zypper, and a repository
# of packages that hold one empty program each.
FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends createrepo-c dnf rpm zypper \
    && rm -rf /var/lib/apt/lists/* && ln -s dnf /usr/bin/yum
WORKDIR /srv/build
RUN for name in gcc git httpd jq make nginx php vim-minimal; do \
        printf '%s\n' "Name: $name" 'Version: 1' 'Release: 1' 'Summary: stands for another' 'License: MIT' \
            'BuildArch: noarch' 'AutoReqProv: no' '%description' 'Stands for another.' \
            '%install' 'mkdir -p %{buildroot}/usr/bin' 'printf "#!/bin/sh\n" >%{buildroot}/usr/bin/%{name}' \
            '%files' '%attr(755, root, root) /usr/bin/%{name}' >"$name.spec" \
        && rpmbuild -bb --quiet --define '_rpmdir /srv/packages' "$name.spec" || exit 1; \
    done && createrepo_c --quiet /srv/packages
RUN mkdir -p /etc/yum.repos.d /etc/zypp/repos.d \
    && printf '%s\n' '[local]' 'name=local' 'baseurl=file:///srv/packages' 'enabled=1' 'gpgcheck=0' \
    | tee /etc/yum.repos.d/local.repo >/etc/zypp/repos.d/local.repo
WORKDIR /
