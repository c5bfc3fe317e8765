package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/image"
)

// What a job says goes before what its image says, and both before what is set for all.
func TestImagesEnvironment(t *testing.T) {
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, c := range []struct {
		image, job []string
		want       map[string]string
	}{
		{nil, nil, map[string]string{"PATH": path, "OMP_WAIT_POLICY": "passive"}},
		{[]string{"PATH=/bin", "A=image"}, []string{"A=job", "B="}, map[string]string{"PATH": "/bin", "OMP_WAIT_POLICY": "passive", "A": "job", "B": ""}},
		{[]string{"OMP_WAIT_POLICY=active"}, nil, map[string]string{"PATH": path, "OMP_WAIT_POLICY": "active"}},
		{nil, []string{"OMP_WAIT_POLICY=active"}, map[string]string{"PATH": path, "OMP_WAIT_POLICY": "active"}},
	} {
		task := artel.TaskSpec{Args: []string{"go"}, Env: c.job, Want: artel.Resources{Slots: 2, Disk: 7}}
		s := spec(task)
		inImage(&s, task, &image.Image{Root: "/root", Config: image.Config{Entrypoint: []string{"enter"}, Cmd: []string{"cmd"}, Env: c.image}})
		if !maps.Equal(s.Env, c.want) {
			t.Errorf("image %q, job %q: %q, want %q", c.image, c.job, s.Env, c.want)
		}
		if !slices.Equal(s.Args, []string{"enter", "go"}) || s.Limits.CPUMillis != 2000 || s.Limits.LayerBytes != 7 || s.Root != "/root" {
			t.Errorf("the spec is %+v", s)
		}
	}
}

// An image that no box could start is its renter's to mend: the machine must not look
// broken, nor the task go from one to the next.
func TestImageWithoutProgram(t *testing.T) {
	long := make([]string, 2000)
	for i := range long {
		long[i] = fmt.Sprintf("V%d=x", i)
	}
	for name, c := range map[string]image.Config{
		"nothing": {}, "an empty name": {Entrypoint: []string{""}}, "a zero byte": {Cmd: []string{"/a\x00b"}},
		"a variable without a name": {Cmd: []string{"/a"}, Env: []string{"=x"}}, "too many variables": {Cmd: []string{"/a"}, Env: long},
		"long arguments": {Cmd: []string{"/a", strings.Repeat("x", 1<<20)}},
	} {
		s := newShop(t, 0, writes(0))
		s.Images = anImage{image.Image{Root: t.TempDir(), Config: c}}
		spec := artel.TaskSpec{Wall: 1000, Want: artel.Resources{Disk: 1 << 20}, Box: artel.Box{Image: artel.Hash{1}}}
		f := s.run(artel.NodeID{1}, 1, spec)
		if f.Reason != artel.ReasonBadProgram || f.Billed || strings.Contains(f.Message, s.Dir) {
			t.Errorf("%s: %.300v", name, f)
		}
	}
}

// anImage gives the same image to everybody.
type anImage struct{ image.Image }

func (a anImage) Ensure(context.Context, artel.NodeID, artel.Box, artel.Terms) (*image.Image, error) {
	return &a.Image, nil
}

func (anImage) Hold(string) func() { return func() {} }
