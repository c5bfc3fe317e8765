package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

// longTask is from what time limit on containers are checkpointed unless their user
// says otherwise, in milliseconds.
const longTask = 10 * 60 * 1000

// The words of --checkpoint.
const (
	checkpointAuto  = "auto"
	checkpointWhole = string(artel.CheckpointWhole)
	checkpointFiles = string(artel.CheckpointFiles)
	checkpointNone  = string(artel.CheckpointNone)
)

func (f *jobFlags) registerCheckpoint(c *cobra.Command) {
	fs := c.Flags()
	fs.StringVar(&f.checkpoint, "checkpoint", "", "what is saved of running tasks so that they go on elsewhere: auto, whole, files or none (default auto for containers with a --timeout of 10m or more, else none)")
	fs.StringVar(&f.every, "checkpoint-every", "5m-1h", "time between checkpoints: the least and the most, or one for both")
	fs.Uint32Var(&f.keepers, "keepers", 2, "other machines that hold each checkpoint")
	c.RegisterFlagCompletionFunc("checkpoint", cobra.FixedCompletions([]string{checkpointAuto, checkpointWhole, checkpointFiles, checkpointNone}, cobra.ShellCompDirectiveNoFileComp))
}

// survival reads how a job's tasks survive, when all else of it is known.
func (f *jobFlags) survival(j artel.JobSpec) (s artel.Survival, err error) {
	kind := f.checkpoint
	if kind == "" {
		if kind = checkpointNone; f.image != "" && j.Wall >= longTask {
			kind = checkpointAuto
		}
	}
	switch kind {
	case checkpointNone:
		return artel.Survival{}, nil
	case checkpointAuto:
	case checkpointWhole, checkpointFiles:
		s.Kind = artel.CheckpointKind(kind)
	default:
		return s, usage("auto, whole, files or none", "--checkpoint %q", clean(kind))
	}
	if s.Kind == artel.CheckpointWhole && (f.image == "" || j.Want.GPUs > 0) {
		return s, usage("--checkpoint files, which keeps what the program writes under /checkpoint", "--checkpoint whole is for containers without a GPU")
	}
	least, most, both := strings.Cut(f.every, "-")
	if !both {
		most = least
	}
	if s.Min, err = parseDuration("--checkpoint-every", least); err == nil {
		s.Max, err = parseDuration("--checkpoint-every", most)
	}
	if err != nil {
		return s, usage("like 5m-1h, or 10m", "--checkpoint-every %q is not a time, nor two of them", clean(f.every))
	}
	if f.keepers == 0 {
		return s, usage("--checkpoint none, or 1 and more", "--keepers 0 would keep a checkpoint nowhere")
	}
	s.Keepers = f.keepers
	if err := s.Check(); err != nil {
		what, hint, _ := strings.Cut(strings.TrimPrefix(err.Error(), artel.ErrInvalid.Error()+": "), "; hint: ")
		return s, usage(hint, "%s", what)
	}
	return s, nil
}

// checkpointText says in few words how a task survives.
func checkpointText(t api.Task, now time.Time) string {
	var parts []string
	if f := t.From; f != nil && f.Generation != 0 {
		parts = append(parts, fmt.Sprintf("from %d of %s", f.Generation, f.Node.Short()))
	}
	if f := t.From; f != nil && f.Message != "" {
		parts = append(parts, clean(f.Message))
	}
	if c := t.Checkpoint; c != nil {
		on := make([]string, len(c.Keepers))
		for i, k := range c.Keepers {
			on[i] = k.Short()
		}
		parts = append(parts, fmt.Sprintf("%s %d, %s ago, on %s", clean(string(c.Kind)), c.Generation, max(0, now.Sub(c.At)).Round(time.Second), strings.Join(on, " ")))
	}
	if t.Lost > 0 {
		parts = append(parts, millis(t.Lost)+" lost")
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, "; ")
}
