// Package wirepb is the generated Go of wire/artel.proto; wire/generate.sh
// remakes it. Only package wire uses it: it checks what this package does not.
package wirepb
