package node

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/renter"
)

// Submit implements api.Jobs.
func (n *Node) Submit(ctx context.Context, r api.SubmitRequest) (api.Job, error) {
	if err := r.Spec.Check(); err != nil {
		return api.Job{}, api.Errorf(api.CodeInvalid, "%v", err)
	}
	for what, ref := range map[string]artel.Ref{"program": r.Spec.Program, "input": r.Spec.Input} {
		if ref.IsZero() {
			continue
		}
		if err := blob.Complete(ctx, n.blobs, ref, blob.Limits{}); err != nil {
			return api.Job{}, &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf("the job's %s is not in the blob store: %v", what, err), Hint: "add it first"}
		}
	}
	if err := n.checkInput(ctx, r.Spec); err != nil {
		return api.Job{}, err
	}
	id := artel.Keccak([]byte("artel job"), []byte(r.Key))
	begin := n.renter.Submit
	if !r.Spec.Service.IsZero() {
		begin = n.beginService
	}
	if err := begin(ctx, id, r.Spec); err != nil {
		return api.Job{}, err
	}
	j, ts, err := n.renter.Job(ctx, id)
	return jobLine(j, ts), err
}

// checkInput finds here what every provider would find wrong with a job's input.
func (n *Node) checkInput(ctx context.Context, spec artel.JobSpec) error {
	if spec.Input.IsZero() {
		return nil
	}
	if _, err := blob.ReadDir(ctx, n.blobs, spec.Input); errors.Is(err, blob.ErrKind) {
		return &api.Error{Code: api.CodeInvalid, Message: "the job's input is a file, and /in is a directory", Hint: "add a directory that holds it"}
	} else if err != nil {
		return blobError(err)
	}
	size, err := blob.Weight(ctx, n.blobs, spec.Input)
	if err != nil {
		return blobError(err)
	}
	if most := max(spec.Want.Disk, 1); uint64(size) > most {
		return &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf("the job's input has %d bytes, and a task has a disk of %d", size, most), Hint: "a larger --disk"}
	}
	return nil
}

// List implements api.Jobs.
func (n *Node) List(ctx context.Context, q api.JobQuery) ([]api.Job, error) {
	limit := q.Limit
	if limit == 0 {
		limit = 100
	}
	look := limit
	if !q.All {
		look = max(look, maxListed) // open ones may lie behind many that ended since
	}
	js, err := n.renter.Jobs(ctx, look)
	if err != nil {
		return nil, err
	}
	var out []api.Job
	for _, j := range js {
		if !q.All && j.Phase != job.Active {
			continue
		}
		if len(out) == limit {
			break
		}
		j, ts, err := n.renter.Job(ctx, j.ID)
		if err != nil {
			return nil, err
		}
		line := jobLine(j, ts)
		if !line.State.Ended() && line.Running == 0 {
			line.Message = or(or(n.whyWaiting(ctx, j), line.Message), looks)
		}
		out = append(out, line)
	}
	return out, nil
}

// maxListed is how many of the newest jobs are searched for open ones, and for one
// by the beginning of its id.
const maxListed = 10_000

// resolve finds a job by its id or a beginning of it that no other job shares.
func (n *Node) resolve(ctx context.Context, id string) (artel.Hash, error) {
	if h, err := artel.ParseHash(id); err == nil {
		return h, nil
	}
	js, err := n.renter.Jobs(ctx, maxListed)
	if err != nil {
		return artel.Hash{}, err
	}
	return beginsWith(js, id)
}

func beginsWith(js []job.Job, id string) (artel.Hash, error) {
	want := strings.TrimPrefix(id, "0x")
	var found []artel.Hash
	for _, j := range js {
		if want != "" && strings.HasPrefix(j.ID.String()[2:], want) {
			found = append(found, j.ID)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return artel.Hash{}, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("no job %q", id), Hint: "artel ps --all lists them, artel services those of services"}
	}
	return artel.Hash{}, &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf("%d jobs begin with %q", len(found), id), Hint: "more digits"}
}

func (n *Node) load(ctx context.Context, id string) (job.Job, []job.Task, error) {
	h, err := n.resolve(ctx, id)
	if err != nil {
		return job.Job{}, nil, err
	}
	j, ts, err := n.renter.Job(ctx, h)
	if errors.Is(err, renter.ErrNoJob) {
		return j, nil, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("no job %q", id), Hint: "artel ps --all lists them, artel services those of services"}
	}
	return j, ts, err
}

// Job implements api.Jobs.
func (n *Node) Job(ctx context.Context, id string) (api.JobDetail, error) {
	j, ts, err := n.load(ctx, id)
	if err != nil {
		return api.JobDetail{}, err
	}
	d := api.JobDetail{Job: jobLine(j, ts), Spec: j.Spec}
	for _, t := range ts {
		d.List = append(d.List, taskLine(j, t))
	}
	if !d.State.Ended() && d.Running == 0 {
		d.Message = or(or(n.whyWaiting(ctx, j), d.Message), looks)
	}
	if d.Message == "" {
		d.Message = thin(j, ts)
	}
	return d, nil
}

// Remove implements api.Jobs.
func (n *Node) Remove(ctx context.Context, id string) (api.Job, error) {
	j, ts, err := n.load(ctx, id)
	if err != nil {
		return api.Job{}, err
	}
	line := jobLine(j, ts)
	switch err := n.renter.Remove(ctx, j.ID); {
	case errors.Is(err, renter.ErrJobOpen) && line.State.Ended():
		return line, &api.Error{Code: api.CodeConflict, Message: fmt.Sprintf("job %s has ended, and its machines are still to be heard and paid", line.ID), Hint: "try again in some minutes; artel leases"}
	case errors.Is(err, renter.ErrJobOpen):
		return line, &api.Error{Code: api.CodeConflict, Message: fmt.Sprintf("job %s is %s", line.ID, line.State), Hint: "artel cancel " + line.ID + " ends it"}
	case errors.Is(err, renter.ErrNoJob): // somebody else has, in the same moment
	case err != nil:
		return line, err
	}
	select {
	case n.unused <- struct{}{}:
	default: // they are on their way already
	}
	return line, nil
}

// Cancel implements api.Jobs.
func (n *Node) Cancel(ctx context.Context, id string) (api.Job, error) {
	j, _, err := n.load(ctx, id)
	if err != nil {
		return api.Job{}, err
	}
	if err := n.renter.Cancel(ctx, j.ID, "cancelled by its renter"); err != nil {
		return api.Job{}, err
	}
	d, err := n.Job(ctx, j.ID.String())
	return d.Job, err
}
