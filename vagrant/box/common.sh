# What the scripts that build boxes share. Sets $boxes, the folder that boxes are kept in.
cache=${VMNET_CACHE_DIR:-/var/cache/vmnet}
boxes=$cache/boxes

# die WHAT NEXT
die() {
  printf 'box: %s\n  %s\n' "$1" "$2" >&2
  exit 1
}

# need PROGRAM PACKAGE
need() {
  command -v "$1" > /dev/null 2>&1 || die "$1 is not installed." "apt-get install --no-install-recommends $2"
}

# Sets $kernel, the image; $release, its version; $tree, the folder that its lib/modules is in. The one that
# scripts/setup.sh unpacked, else this machine's own.
find_kernel() {
  for kernel in "$cache"/kernel/boot/vmlinuz-* "/boot/vmlinuz-$(uname -r)"; do
    release=${kernel##*/vmlinuz-}
    for tree in "$cache/kernel" /; do
      [ -r "$kernel" ] && [ -r "$tree/lib/modules/$release/modules.dep" ] && return 0
    done
  done
  die 'there is no kernel for the box.' "sh scripts/setup.sh unpacks one into $cache/kernel."
}

# A folder beside the boxes, $work, that goes when the script ends.
start_work() {
  mkdir -p "$boxes"
  work=$(mktemp -d "$boxes/work.XXXXXX")
  # shellcheck disable=SC2064 # now: $work is what has to go
  trap "rm -rf '$work'" EXIT
  trap 'exit 130' HUP INT TERM
}

# pack FILE…: these files of $work become $box, whole or not at all. A plain tar: gzip takes longer than all the rest.
pack() {
  tar -C "$work" -cf "$work/box.tar" "$@"
  mv "$work/box.tar" "$box"
  echo "$box"
}
