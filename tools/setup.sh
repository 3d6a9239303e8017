#!/usr/bin/env bash
# Installs what the tests use from the system and a bare machine may lack: the OpenSSH client and HAProxy.
# Debian and Ubuntu; elsewhere it says what to install. Terraform is the one thing it cannot bring: see README.
set -euo pipefail

PATH=$PATH:/usr/sbin # where Debian keeps HAProxy, and an ordinary user's PATH does not look
missing=()
command -v ssh > /dev/null || missing+=(openssh-client)
command -v haproxy > /dev/null || missing+=(haproxy)
if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get > /dev/null; then
    echo "setup: please install: ${missing[*]}" >&2
    exit 1
  fi
  sudo=""
  [ "$(id -u)" = 0 ] || sudo=sudo
  export DEBIAN_FRONTEND=noninteractive
  $sudo apt-get update -q
  $sudo apt-get install -yq --no-install-recommends "${missing[@]}"
fi
command -v terraform > /dev/null || command -v tofu > /dev/null ||
  echo "setup: no terraform or tofu on PATH: the end-to-end tests, which build workspaces, will fail without one" >&2
