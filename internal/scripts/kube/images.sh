#!/usr/bin/env bash
# Makes the images of a cluster for tests: thin ones, because containers get the programs of this machine.
#
#   images.sh OUT NAME...
#
# OUT/pause.tar is the image of sandboxes. OUT/image.tar has busybox, nginx and the C loader under each NAME. By
# OUT/base.json containerd binds into every container, read-only, the C libraries, Python and the tool cache, with
# Dynamo, aiperf and the models, which are in /models too.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=internal/scripts/kube/tools.sh
source "$here/tools.sh"
out=$1
shift
mkdir -p "$out"

dynamo=$cache/dynamo-1.6.1/bin
aiperf=$cache/aiperf-0.13.0/bin
base=$("$dynamo/python" -c 'import sys; print(sys.base_prefix)')
system=/lib/$(uname -m)-linux-gnu
loader=$(readlink -f /lib64/ld-linux-x86-64.so.2)
bound=("$system" "$base" "$cache" "$cache/models=/models")
if [[ $base == /usr ]]; then bound+=(/usr/lib /usr/bin); fi

python3 "$here/mkimage.py" "$out/pause.tar" '{"Entrypoint":["/pause"]}' localhost/pause:1 "$cache/kube/pause=/pause"

# What a container finds beside the bound directories.
files=("$(command -v busybox)=/bin/busybox" "$(command -v nginx)=/usr/sbin/nginx" '->/bin/busybox=/usr/bin/env'
	"$loader=/lib64/ld-linux-x86-64.so.2"
	$'text:root:x:0:0:root:/root:/bin/sh\n=/etc/passwd' $'text:root:x:0:\n=/etc/group'
	$'text:hosts: files dns\n=/etc/nsswitch.conf')
for name in tmp models root proc sys dev etc run var workspace var/log/nginx; do files+=("dir=/$name"); done
for name in $(busybox --list); do
	case $name in
	'['* | busybox | python*) ;;
	*) files+=("->/bin/busybox=/bin/$name") ;;
	esac
done
config='{"Env":["PATH=%s:%s:/bin:/usr/bin:/usr/sbin","HOME=/root"],"WorkingDir":"/root","Cmd":["sh"]}'
# shellcheck disable=SC2059 # the format is above
python3 "$here/mkimage.py" "$out/image.tar" "$(printf "$config" "$dynamo" "$aiperf")" "$(IFS=,; echo "$*")" "${files[@]}"

# Without the limit of 1024 files, which is too few for aiperf.
ctr oci spec | python3 -c '
import json, sys
spec = json.load(sys.stdin)
spec["process"].pop("rlimits", None)
for pair in sys.argv[1:]:
    source, _, target = pair.partition("=")
    spec["mounts"].append({"destination": target or source, "type": "bind", "source": source, "options": ["rbind", "ro"]})
json.dump(spec, sys.stdout)' "${bound[@]}" >"$out/base.json"
cp "$here/crds.yaml" "$out"
