# Sourced by the scripts beside it: finds the programs that setup.sh kube unpacked.
cache=${TOPOBENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/topobench}
root=$cache/debs/kube
libraries=$root/usr/lib/$(uname -m)-linux-gnu
export PATH=$cache/kube:$PATH:/usr/sbin:/sbin:$root/usr/sbin:$root/usr/bin:$root/sbin:$root/bin:$cache/debs/root/usr/sbin
export LD_LIBRARY_PATH=$libraries:$root/lib/$(uname -m)-linux-gnu
if [[ -d $libraries/xtables ]]; then export XTABLES_LIBDIR=$libraries/xtables; fi
if [[ -d $root/usr/lib/cni ]]; then export CNI_PLUGINS=$root/usr/lib/cni; fi
