#!/bin/sh
# Puts together what the rig's machine is given, as it has no internet: payload.sh FOLDER
#   vmnet.tgz   the package, as `npm pack` makes it
#   suite.tar   this repository's files, without what is built or fetched
#   npm.tar     npm's cache with all libraries that package-lock.json names, kept by that file's content
#   npmrc       where the cache is from, and that nothing else is asked
# VMNET_CACHE_DIR: where npm's cache is kept (default: /var/cache/vmnet).
set -eu
umask 022
top=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
cache=${VMNET_CACHE_DIR:-/var/cache/vmnet}/rig
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

cd "$top"
npm pack --silent --pack-destination "$work" > /dev/null
mv "$work"/*.tgz "$out/vmnet.tgz"
git ls-files -z --cached --others --exclude-standard | tar --null --ignore-failed-read -T - -cf "$out/suite.tar" 2> /dev/null

registry=$(npm config get registry)
hash=$({ echo "$registry" && cat package-lock.json; } | sha256sum | cut -c 1-16)
kept=$cache/npm-$hash.tar
if [ ! -e "$kept" ]; then
  mkdir -p "$cache" "$work/locked" "$work/packed"
  cp package.json package-lock.json "$work/locked"
  (cd "$work/locked" && npm ci --silent --ignore-scripts --cache "$work/npm") >&2
  (cd "$work/packed" && npm install --silent --ignore-scripts --cache "$work/npm" "$out/vmnet.tgz") >&2
  tar -C "$work/npm" -cf "$work/npm.tar" _cacache
  mv "$work/npm.tar" "$kept"
fi
cp "$kept" "$out/npm.tar"
printf 'registry=%s\noffline=true\naudit=false\nfund=false\nupdate-notifier=false\n' "$registry" > "$out/npmrc"
