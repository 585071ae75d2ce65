#!/usr/bin/env bash
# Makes a machine for the tests of several hosts: it has its own processes, mounts, network, shared memory and
# hostname. Its file system is a copy in memory of this machine's, so it has the same programs.
#
#   hosts.sh NAME    prints "ready", and lasts until its stdin ends
#
# The kernel then kills every process of the machine and removes its mounts and links, also after a kill of the
# test. It needs root.
set -euo pipefail

cache=${TOPOBENCH_CACHE:?the tool cache, which setup.sh hosts has filled}

# layers TARGET NAME LOWER: mounts LOWER on TARGET. Writes go to memory.
layers() {
	mkdir -p "/mnt/$2/upper" "/mnt/$2/work" "$1"
	mount -t overlay overlay -o "lowerdir=$3,upperdir=/mnt/$2/upper,workdir=/mnt/$2/work" "$1"
}

# inside is process 1 of the machine.
inside() {
	local root=/mnt/root packages=$cache/debs/hosts dir
	hostname "$1"
	mount -t tmpfs -o mode=755 hosts /mnt
	mkdir /mnt/packages # a layer may not be a directory of another one
	[[ ! -d $packages ]] || cp -a "$packages/." /mnt/packages
	layers "$root" system /mnt/packages:/
	# A file system in another one is not part of its layer.
	[[ $(stat -c %d "$cache") == $(stat -c %d /) ]] || layers "$root$cache" cache "$cache"
	mount -t proc proc "$root/proc"
	mount -t sysfs sysfs "$root/sys"
	mount --rbind /dev "$root/dev"
	for dir in dev/shm tmp var/tmp; do mount -t tmpfs -o mode=1777 hosts "$root/$dir"; done
	mount -t tmpfs -o mode=755 hosts "$root/run"
	exec chroot "$root" /bin/bash -c 'cd / && ip link set lo up && echo ready && while read -r; do :; done'
}

if [[ $1 == inside ]]; then
	inside "$2"
else
	exec unshare --mount --net --pid --uts --ipc --fork --kill-child "$0" inside "$1"
fi
