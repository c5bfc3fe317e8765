package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
)

// submit hands in a job and returns its id.
func (b *bench) submit(ctx context.Context, c *api.Client, spec artel.JobSpec) (string, error) {
	b.keys++
	j, err := c.Submit(ctx, api.SubmitRequest{Key: key(b.keys), Spec: spec})
	return j.ID, err
}

// key names a submission, as the API wants it: at least 16 bytes.
func key(n int) string { return fmt.Sprintf("bench-%010d-%010d", os.Getpid(), n) }

// over waits until a job has ended.
func over(ctx context.Context, c *api.Client, id string) (api.JobDetail, error) {
	if err := c.Watch(ctx, id, 0, func(api.JobEvent) error { return nil }); err != nil {
		return api.JobDetail{}, err
	}
	d, err := c.Job(ctx, id)
	if err == nil && d.State != api.StateDone {
		err = fmt.Errorf("job %s is %s: %s", id, d.State, d.Message)
	}
	return d, err
}

func (b *bench) one(ctx context.Context, c *api.Client, spec artel.JobSpec) (time.Duration, error) {
	id, err := b.submit(ctx, c, spec)
	if err != nil {
		return 0, err
	}
	d, err := over(ctx, c, id)
	return d.Ended.Sub(d.Created), err
}
