#!/usr/bin/env bash
# Build a real Kubernetes node from source: etcd, API server, controllers, scheduler, kubelet and kubectl (one binary),
# containerd, runc, kube-state-metrics (two of them), metrics-server, node-exporter, Thanos, and the image of the memory
# workload. No Docker, no image registry, no release download: only Go modules (from the proxy that `go env GOPROXY`
# names) and Debian packages.
#
#   build.sh DIRECTORY [krew] [validate-krew-manifest] [kwok]
#
# What is already in DIRECTORY is left alone. Needs Linux, Go >= 1.26, gcc, curl, and root with apt: Prometheus, busybox
# and the CNI plugins are taken out of Debian's packages, libseccomp's headers are installed.
# About 15 minutes from nothing on two cores; seconds when built.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=versions
source "$HERE/versions"
BIN=${1:?usage: build.sh DIRECTORY [NAME...]}
shift
mkdir -p "$BIN"
BIN=$(cd "$BIN" && pwd)
WORK=$(mktemp -d)
trap 'chmod -R u+w "$WORK"; rm -rf "$WORK"' EXIT
export CGO_ENABLED=0 GOFLAGS=-mod=mod

say() { echo "build.sh: $*" >&2; }
have() { [ -x "$BIN/$1" ]; }
fetch() { curl -fsSL --retry 3 -m 300 -o "$2" "$(module_proxy)/$1"; }
module_proxy() {
  local first
  first=$(go env GOPROXY)
  first=${first%%[,|]*}
  case $first in
    http*) echo "${first%/}" ;;
    *) say "go env GOPROXY names no module proxy ($first): set one, this build reads single files from it"; exit 1 ;;
  esac
}

apt_ready() {
  command -v apt-get >/dev/null || { say "$1 is missing and there is no apt to get it with"; exit 1; }
  [ -n "${APT_UPDATED:-}" ] || apt-get update -qq
  APT_UPDATED=1
}

from_debian() {  # from_debian FILE PACKAGE PATH: take one file (or folder) of a package, without installing the package
  [ -e "$BIN/$1" ] && return
  apt_ready "$2"
  say "taking $1 from the package $2"
  mkdir -p "$WORK/$2"
  [ -e "$WORK/$2/usr" ] || [ -e "$WORK/$2/bin" ] ||
    (cd "$WORK/$2" && apt-get download -qq -o APT::Sandbox::User=root "$2" >/dev/null && dpkg-deb -x ./*.deb .)
  mv "$WORK/$2/$3" "$BIN/$1"
}

headers() {  # headers FILE PACKAGE: install what a C compiler needs
  [ -e "/usr/include/$1" ] && return
  apt_ready "$2"
  say "installing $2"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" </dev/null >/dev/null
}

# kubernetes itself replaces its staging modules by folders of its repository: a program that imports it must say
# instead which release of each belongs to it.
build_kubernetes() {
  local module=$WORK/kubernetes etcd
  mkdir -p "$module"
  cp "$HERE/kubernetes/main.go" "$module/"
  fetch "k8s.io/kubernetes/@v/$KUBERNETES.mod" "$WORK/kubernetes.mod"
  {
    echo "module kubernetes"
    grep -E '^(go|godebug) ' "$WORK/kubernetes.mod"
    echo "require k8s.io/kubernetes $KUBERNETES"
    sed -nE "s#^[[:space:]]*(replace )?([a-z0-9./-]+) => \./staging/src/.*#replace \2 => \2 v0.${KUBERNETES#v1.}#p" "$WORK/kubernetes.mod"
  } >"$module/go.mod"
  etcd=$(awk '$1 == "go.etcd.io/etcd/client/v3" {print $2}' "$WORK/kubernetes.mod")
  local version=k8s.io/component-base/version minor=${KUBERNETES#v1.}
  (
    cd "$module"
    go get "go.etcd.io/etcd/server/v3@$etcd"
    go mod tidy
    go build -o "$BIN/hyperkube-$KUBERNETES" -ldflags \
      "-s -w -X $version.gitVersion=$KUBERNETES -X $version.gitMajor=1 -X $version.gitMinor=${minor%%.*}" .
  )
}

install_module() {  # install_module NAME PACKAGE@VERSION [FLAGS]: as `go install` does
  have "$1" && return
  say "building $1"
  GOBIN=$WORK/bin go install "${@:3}" "$2"
  mv "$WORK/bin/$1" "$BIN/$1"
}

build_archive() {  # build_archive NAME MODULE VERSION PACKAGE [FLAGS]: for modules that `go install` refuses (replaces)
  have "$1" && return
  say "building $1"
  local source=$WORK/source-$1
  fetch "$2/@v/$3.zip" "$WORK/module.zip"
  python3 -m zipfile -e "$WORK/module.zip" "$source"
  (cd "$source/$2@$3" && GOFLAGS=-buildvcs=false go build -ldflags '-s -w' -o "$BIN/$1" "${@:5}" "$4")
}

build_image() {  # the workload with a shell and a few tools beside it
  local name
  name=hog-$(cat "$HERE/hog/main.go" "$HERE/image.py" | sha256sum | cut -c1-12).tar
  [ -f "$BIN/$name" ] && return
  say "building the hog image"
  (cd "$HERE/hog" && go build -ldflags '-s -w' -o "$WORK/hog" .)
  python3 "$HERE/image.py" "$WORK/hog" "$BIN/busybox" "$WORK/$name"
  mv "$WORK/$name" "$BIN/$name"
}

command -v go >/dev/null || { say "Go is missing: install Go 1.26 or later"; exit 1; }
from_debian prometheus prometheus usr/bin/prometheus
from_debian promtool prometheus usr/bin/promtool
from_debian victoria-metrics victoria-metrics usr/bin/victoria-metrics
from_debian busybox busybox-static bin/busybox
from_debian cni containernetworking-plugins usr/lib/cni
if ! have "hyperkube-$KUBERNETES"; then
  say "building Kubernetes $KUBERNETES (about 8 minutes from nothing)"
  build_kubernetes
fi
for part in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kubectl; do
  ln -sfn "hyperkube-$KUBERNETES" "$BIN/$part"
done
install_module containerd "github.com/containerd/containerd/v2/cmd/containerd@$CONTAINERD"
install_module containerd-shim-runc-v2 "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2@$CONTAINERD"
install_module ctr "github.com/containerd/containerd/v2/cmd/ctr@$CONTAINERD"
have runc || headers seccomp.h libseccomp-dev
CGO_ENABLED=1 install_module runc "github.com/opencontainers/runc@$RUNC" -tags seccomp
build_archive kube-state-metrics k8s.io/kube-state-metrics/v2 "$KUBE_STATE_METRICS" .
# From before it told when a container ended (2.12): some clusters run such a one, and two alert rules are for it.
build_archive kube-state-metrics-old k8s.io/kube-state-metrics/v2 "$OLD_KUBE_STATE_METRICS" .
install_module node_exporter "github.com/prometheus/node_exporter@$NODE_EXPORTER" -ldflags '-s -w'
install_module metrics-server "sigs.k8s.io/metrics-server/cmd/metrics-server@$METRICS_SERVER"
# Without this tag its gRPC panics at the first answer.
build_archive thanos github.com/thanos-io/thanos "$THANOS" ./cmd/thanos -tags slicelabels
build_image
for extra in "$@"; do
  case $extra in
    krew | validate-krew-manifest) build_archive "$extra" sigs.k8s.io/krew "$KREW" "./cmd/$extra" ;;
    kwok) build_archive kwok sigs.k8s.io/kwok "$KWOK" ./cmd/kwok ;;
    *) say "unknown part $extra"; exit 2 ;;
  esac
done
echo "$BIN"
