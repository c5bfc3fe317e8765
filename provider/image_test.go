package provider

import (
	"maps"
	"slices"
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
