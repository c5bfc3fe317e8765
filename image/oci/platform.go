package oci

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// Platform is the kind of machine that an image is for.
type Platform struct {
	OS      string `json:"os"`
	Arch    string `json:"architecture"` // as Go's GOARCH
	Variant string `json:"variant,omitempty"`
}

// Host is the platform of images for this machine. Its system is always linux:
// it is the box's, not the machine's.
func Host() Platform {
	p := Platform{OS: "linux", Arch: runtime.GOARCH}
	if p.Arch == "arm" {
		p.Variant = "v7"
	}
	return p
}

// IsZero reports whether p says nothing.
func (p Platform) IsZero() bool { return p == Platform{} }

// String is the platform as people write it.
func (p Platform) String() string {
	s := p.OS + "/" + p.Arch
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// rank says how well an image for other suits a machine of kind p: 0 not at
// all, more is better. An arm machine runs what is for an older arm.
func (p Platform) rank(other Platform) int {
	if p.OS != other.OS || p.Arch != other.Arch {
		return 0
	}
	have, want := p.level(), other.level()
	if want > have {
		return 0
	}
	return 1 + want
}

// level orders the variants of an architecture; 100 is one that is not known.
func (p Platform) level() int {
	base := map[string]int{"arm64": 8, "arm": 7, "amd64": 1}[p.Arch]
	if p.Variant == "" {
		return base
	}
	if len(p.Variant) == 2 && p.Variant[0] == 'v' && p.Variant[1] >= '1' && p.Variant[1] <= '9' {
		return int(p.Variant[1] - '0')
	}
	return 100
}

// Runs reports whether a machine of kind p runs images for other.
func (p Platform) Runs(other Platform) bool { return p.rank(other) > 0 }

// Pick returns the manifest of an index that suits a machine of kind p best, the
// first of equals. ErrPlatform names what there is instead.
func (x Index) Pick(p Platform) (Descriptor, error) {
	var best Descriptor
	var there []string
	rank := 0
	for _, d := range x.Manifests {
		if d.Platform == nil || d.Platform.OS == "unknown" || d.MediaType != "" && d.MediaType != TypeManifest && d.MediaType != TypeDockerManifest {
			continue // an attestation, an index within the index
		}
		if r := p.rank(*d.Platform); r > rank {
			best, rank = d, r
		}
		if s := d.Platform.String(); !slices.Contains(there, s) && len(there) < 16 {
			there = append(there, clipBare(s))
		}
	}
	if rank == 0 {
		list := strings.Join(there, ", ")
		if list == "" {
			list = "no platform that it names"
		}
		return Descriptor{}, fmt.Errorf("%w: it is for %s, this machine wants %s; hint: build it for %s too, or take a provider of its kind", ErrPlatform, list, p, p)
	}
	return best, nil
}

// clipBare is clip without quotes for plain words.
func clipBare(s string) string {
	if q := clip(s); len(s) > 60 || q != `"`+s+`"` {
		return q
	}
	return s
}
