package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/datadir"
	"github.com/artel-network/artel/host/gpuproof"
	"github.com/spf13/cobra"
)

type gpuOptions struct {
	share          float64
	passes, device uint32
	checks         int
	python         string
}

func (a *app) gpuCmd() *cobra.Command {
	o := gpuOptions{}
	c := &cobra.Command{
		Use: "gpu JOB[/TASK]", Short: "Have a running task's GPU show its memory and speed",
		Long: `Fill the memory of a running task's GPU from a seed drawn here, multiply all of it as a
matrix again and again, and recompute some of the result on this machine. The time is
taken here and compared with what other machines with the same GPU took. The task must leave the memory free
meanwhile, and its image needs python3. docs/gpu.md says what this shows and what not.
It has not been tried on a real GPU yet.`,
		Example: `  artel run --image python:3.12-slim --gpu 1 -- sleep 10m
  artel gpu 3fa9`,
		Args: exactly("JOB"), ValidArgsFunction: a.jobCompletion(""),
		RunE: func(cmd *cobra.Command, args []string) error { return a.gpu(cmd.Context(), o, args[0]) },
	}
	f := c.Flags()
	f.Float64Var(&o.share, "share", 0.9, "share of its memory to fill")
	f.Uint32Var(&o.passes, "passes", 8, "how often to multiply it: who has a part of it only, has to fill the rest each time")
	f.IntVar(&o.checks, "checks", 4, "how many MiB of all the work to recompute here, half a second each")
	f.Uint32Var(&o.device, "device", 0, "which of the task's GPUs")
	f.StringVar(&o.python, "python", "python3", "the image's Python")
	return c
}

// shown is what artel gpu prints.
type shown struct {
	Provider artel.NodeID   `json:"provider"`
	Device   gpuproof.Ready `json:"device"` // as it says itself
	gpuproof.Figures
	Checked int      `json:"checked"` // MiB of the work recomputed here
	Slower  float64  `json:"slower"`  // times as long as others of the model took; 0: none are known
	Others  int      `json:"others"`  // how many that are
	Notes   []string `json:"notes,omitempty"`
}

func (a *app) gpu(ctx context.Context, o gpuOptions, name string) error {
	if !(o.share > 0 && o.share <= 1) || o.checks < 1 || o.checks > 1000 || o.passes < 1 || o.passes > gpuproof.MaxPasses {
		return usage(fmt.Sprintf("--share above 0 and at most 1, --checks 1 to 1000, --passes 1 to %d", gpuproof.MaxPasses), "no such question can be asked")
	}
	c, t, err := a.visit(ctx, name)
	if err != nil {
		return err
	}
	defer c.Close()
	j, err := c.Job(ctx, t.job)
	if err != nil {
		return err
	}
	if j.Spec.Want.GPUs <= o.device {
		return api.Errorf(api.CodeConflict, "a task of job %s has %d GPUs", t.job, j.Spec.Want.GPUs).WithHint("artel run --gpu 1; the first is --device 0")
	}
	s := shown{Checked: o.checks}
	for _, task := range j.List {
		if task.Index == t.task {
			s.Provider = task.Provider
		}
	}
	if err := a.askGPU(ctx, c, t, o, j.Spec.Want.GPUMemory, &s); err != nil {
		if errors.Is(err, gpuproof.ErrWrong) {
			return api.Errorf(api.CodeRefused, "%v", err).WithHint("this machine does not have what it sold: artel cancel %s, and leave it out with --provider", t.job)
		}
		if errors.Is(err, gpuproof.ErrFailed) {
			return api.Errorf(api.CodeRefused, "%v", err).WithHint("does the task leave the GPU's memory free, and has its image python3? a job of its own: artel run --image python:3.12-slim --gpu 1 -- sleep 10m")
		}
		return err
	}
	if model := a.offered(ctx, c, s.Provider); model != "" && model != s.Device.Name {
		s.Notes = append(s.Notes, fmt.Sprintf("its offer names another model: %s", clean(model)))
	}
	a.compare(&s, o.device)
	return a.print(s, func() { a.gpuShown(s, o) })
}

// askGPU runs the program in the task and talks with it.
func (a *app) askGPU(ctx context.Context, c *api.Client, t target, o gpuOptions, sold uint64, s *shown) error {
	ctx, cancel := context.WithCancel(ctx)
	toIt, in := io.Pipe()
	out, fromIt := io.Pipe()
	said := &tail{}
	ended := make(chan struct{})
	p := program{VisitRequest: api.VisitRequest{Args: []string{o.python, "-c", gpuproof.Program(), strconv.Itoa(int(o.device))}}, stdin: toIt, stdout: fromIt, stderr: said}
	go func() {
		defer close(ended)
		_, err := a.runIn(ctx, c, t, p)
		_ = fromIt.CloseWithError(err) // nil: as at a file's end
	}()
	finish := sync.OnceFunc(func() {
		_ = in.Close() // the program ends with its questions
		_ = out.Close()
		cancel()
		<-ended
	})
	defer finish()
	explain := func(err error) error {
		finish() // nothing is said any more
		if text := said.String(); text != "" && errors.Is(err, gpuproof.ErrFailed) {
			return fmt.Errorf("%w; it said: %s", err, clean(text))
		}
		return err
	}
	talk, ready, err := gpuproof.Open(out, in)
	if err != nil {
		return explain(err)
	}
	s.Device = ready
	if ready.Memory < sold {
		return fmt.Errorf("%w: it has %s, the lease is for %s", gpuproof.ErrWrong, size(ready.Memory), size(sold))
	}
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return err
	}
	q := gpuproof.Fill(gpuproof.Standard, seed, ready.Memory, o.share, o.passes)
	if q.Groups == 0 {
		return fmt.Errorf("%w: it says that it has %d bytes of memory", gpuproof.ErrWrong, ready.Memory)
	}
	answer, digest, took, err := talk.Ask(q)
	if err != nil {
		return explain(err)
	}
	s.Figures = q.Measure(gpuproof.Standard, took.Seconds())
	return answer.Verify(gpuproof.Standard, q, digest, o.checks, rand.Reader)
}

// offered is the model that a node's offer names.
func (a *app) offered(ctx context.Context, c *api.Client, node artel.NodeID) string {
	offers, err := c.Offers(ctx, api.OfferQuery{GPUs: 1, Limit: 10_000})
	if err != nil {
		return ""
	}
	for _, o := range offers {
		if o.Node == node {
			return o.GPU.Model
		}
	}
	return ""
}

// known is what a device has shown before.
type known struct {
	Model  string       `json:"model"`
	Node   artel.NodeID `json:"node"`
	Device uint32       `json:"device"`
	At     time.Time    `json:"at"`
	gpuproof.Figures
}

// maxKnown bounds the file of them; the oldest go.
const maxKnown = 1000

// compare holds the figures against others of the model, and keeps them for the next.
func (a *app) compare(s *shown, device uint32) {
	p, err := a.paths()
	if err != nil {
		return
	}
	if _, err := os.Stat(p.Root()); err != nil {
		return // a daemon elsewhere
	}
	file := filepath.Join(p.Root(), "gpus.json")
	var list []known
	if b, err := os.ReadFile(file); err == nil && json.Unmarshal(b, &list) != nil {
		s.Notes = append(s.Notes, file+" cannot be read and begins anew")
		list = nil
	}
	list = slices.DeleteFunc(list, func(k known) bool { return k.Node == s.Provider && k.Device == device })
	var others []gpuproof.Figures
	for _, k := range list {
		if k.Model == s.Device.Name {
			others = append(others, k.Figures)
		}
	}
	s.Others, s.Slower = len(others), s.Figures.Slower(others)
	list = append(list, known{Model: s.Device.Name, Node: s.Provider, Device: device, At: time.Now().UTC(), Figures: s.Figures})
	b, err := json.MarshalIndent(list[max(0, len(list)-maxKnown):], "", "  ")
	if err == nil {
		err = datadir.WriteFile(file, b, 0o600)
	}
	if err != nil {
		s.Notes = append(s.Notes, "not kept for the next: "+err.Error())
	}
}

func (a *app) gpuShown(s shown, o gpuOptions) {
	fmt.Fprintf(a.out, "device     %s, %s, as it says\n", clean(s.Device.Name), size(s.Device.Memory))
	fmt.Fprintf(a.out, "filled     %s, multiplied %d times\n", size(s.Bytes), o.passes)
	fmt.Fprintf(a.out, "took       %.2f s: %.3g TFLOPS\n", s.Seconds, s.TFLOPS)
	fmt.Fprintf(a.out, "checked    %d MiB of the work recomputed here: right\n", s.Checked)
	switch {
	case s.Others == 0:
		fmt.Fprintf(a.out, "others     none of this model was asked before\n")
	case s.Slower > 1.5:
		fmt.Fprintf(a.out, "others     %.2g times as long as %d others of this model: it may have less memory than it sells, or be shared\n", s.Slower, s.Others)
	default:
		fmt.Fprintf(a.out, "others     %.2g times as long as %d others of this model\n", s.Slower, s.Others)
	}
	for _, n := range s.Notes {
		a.say("note: %s", clean(n))
	}
}
