#!/bin/sh
# Remakes wire/wirepb from wire/artel.proto. It needs protoc (any release with
# proto3); protoc-gen-go is built from the version that go.mod pins. The line
# that names protoc's release is dropped, so that every release writes the same
# file and CI can compare.
#
#   wire/generate.sh           remake
#   wire/generate.sh --check   say whether the committed file is the remade one
#                              (exit 0 yes, 1 no, 77 no protoc here)
set -eu
cd "$(dirname "$0")/.."

if ! command -v protoc >/dev/null; then
	echo "wire/generate.sh: no protoc; hint: apt-get install protobuf-compiler" >&2
	exit 77
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
go build -o "$tmp/protoc-gen-go" google.golang.org/protobuf/cmd/protoc-gen-go
protoc --plugin="$tmp/protoc-gen-go" --proto_path=wire \
	--go_out="$tmp" --go_opt=paths=source_relative artel.proto
sed '/^\/\/ [ \t]*protoc  *v/d' "$tmp/artel.pb.go" >"$tmp/out.go"

if [ "${1-}" = --check ]; then
	diff -u wire/wirepb/artel.pb.go "$tmp/out.go"
	exit
fi
mkdir -p wire/wirepb
cp "$tmp/out.go" wire/wirepb/artel.pb.go
