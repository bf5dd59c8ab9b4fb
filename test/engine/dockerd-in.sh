#!/bin/sh
# dockerd-in.sh ROOT ARGS…: the dockerd of another root file system, with this one's devices, sockets and files. It
# gets a mount namespace of its own, which ends with it: nothing is left mounted.
export CLONE="$(cd "$(dirname "$0")/../.." && pwd)"
exec unshare --mount sh -ec '
  root=$1
  shift
  # Only a mount can become the root.
  mount --bind "$root" "$root"
  for folder in /dev /sys; do
    mount --rbind "$folder" "$root$folder"
  done
  for folder in /proc /run /tmp "$CLONE"; do
    mkdir -p "$root$folder"
    mount --bind "$folder" "$root$folder"
  done
  export PATH=/usr/sbin:/usr/bin:/sbin:/bin
  cd "$root"
  # Where chroot would do for dockerd, what docker exec starts would get the root of the mount namespace: this machine.
  pivot_root . .
  umount --lazy .
  exec dockerd "$@"
' sh "$@"
