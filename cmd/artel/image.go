package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
)

// pin asks the daemon what an image's name means now, and puts that into the job.
func (a *app) pin(ctx context.Context, c *api.Client, image string, j *artel.JobSpec) error {
	public := j.Label == artel.LabelPublic
	q := api.ImageRequest{Name: image, Public: public}
	from := ""
	if isImagePath(image) {
		abs, err := filepath.Abs(image)
		if err == nil {
			_, err = os.Stat(abs)
		}
		if err != nil {
			return fmt.Errorf("open image: %w", err)
		}
		q = api.ImageRequest{Path: abs, Public: public}
		from = "machines get it from this node"
	}
	img, err := c.Image(ctx, q)
	if err != nil {
		return err
	}
	if q.Path == "" && img.Source == "" {
		from = "others cannot pull it there, so it is kept here and machines get it from this node"
	}
	if img.Source != "" {
		from = "machines get it from each other or from " + clean(img.Source)
	}
	j.Box.Image, j.Box.Source, j.Pull, j.Archs = img.Digest, img.Source, img.Bytes, archs(img.Platforms)
	if j.Name == "" {
		j.Name = imageName(image)
	}
	a.say("image %s is sha256:%s, %s, for %s", clean(image), hex.EncodeToString(img.Digest[:]), size(img.Bytes), clean(strings.Join(img.Platforms, ", ")))
	a.say("the lease names that digest, so every task runs these very bytes, whatever the name means later; %s", from)
	return nil
}

// archs are the processors for which an image has a part, of platforms like
// linux/arm64/v8.
func archs(platforms []string) (list []string) {
	for _, p := range platforms {
		if f := strings.Split(p, "/"); len(f) > 1 && f[0] == "linux" && !slices.Contains(list, f[1]) {
			list = append(list, f[1])
		}
	}
	slices.Sort(list)
	return list[:min(len(list), 32)]
}

// isImagePath tells a path from a name. What begins or ends like a path is one;
// else what is there and is an image, so that a directory python does not stand
// in the way of the image python.
func isImagePath(s string) bool {
	return strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") || filepath.IsAbs(s) ||
		strings.HasSuffix(s, ".tar") || strings.HasSuffix(s, ".tar.gz") || strings.HasSuffix(s, ".tgz") || isImageFile(s)
}

// isImageFile reports whether s is an OCI layout or, by its first bytes, a tar.
func isImageFile(s string) bool {
	fi, err := os.Stat(s)
	switch {
	case err != nil:
		return false
	case fi.IsDir():
		_, err := os.Stat(filepath.Join(s, "oci-layout"))
		return err == nil
	}
	f, err := os.Open(s)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 512)
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	return n == 512 && string(head[257:262]) == "ustar" || bytes.HasPrefix(head, []byte{0x1f, 0x8b}) || bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd})
}

// imageName is the last part of an image's name: python of docker.io/library/python:3.12.
func imageName(s string) string {
	s = path.Base(filepath.ToSlash(s))
	if i := strings.IndexAny(s, ":@"); i > 0 {
		s = s[:i]
	}
	for _, end := range []string{".gz", ".tgz", ".tar"} {
		s = strings.TrimSuffix(s, end)
	}
	return s
}
