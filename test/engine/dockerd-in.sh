#!/bin/sh
# dockerd-in.sh ROOT ARGS…: the dockerd of another root file system, with this one's devices, sockets and files. It
# gets a mount namespace of its own, which ends with it: nothing is left mounted.
export CLONE="$(cd "$(dirname "$0")/../.." && pwd)"
exec unshare --mount --propagation unchanged sh -ec '
  root=$1
  shift
  # Docker makes its root private before it unpacks an image, and only a mount can be that.
  mount --bind "$root" "$root"
  for folder in /dev /sys; do
    mount --rbind "$folder" "$root$folder"
  done
  for folder in /proc /run /tmp "$CLONE"; do
    mkdir -p "$root$folder"
    mount --bind "$folder" "$root$folder"
  done
  PATH=/usr/sbin:/usr/bin:/sbin:/bin exec chroot "$root" /usr/sbin/dockerd "$@"
' sh "$@"
