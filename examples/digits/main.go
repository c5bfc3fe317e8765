// Command digits trains a small neural network to read handwritten digits: one task of a
// sweep, as a WASM program for artel or as an ordinary one.
//
//	GOOS=wasip1 GOARCH=wasm go build -o digits.wasm ./examples/digits
//	artel run --wasm digits.wasm --in examples/digits/ --array 1-16
//
// Task n takes the nth setting of the grid, writes /out/model.bin and its accuracy on
// the validation digits to /out/result.json. It never looks at the test digits: with
// -evaluate, once, the winner's model is tested on them.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "digits:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("digits", flag.ContinueOnError)
	in := flags.String("in", "/in", "directory of digits.csv.gz, and of model.bin with -evaluate")
	out := flags.String("out", "/out", "directory for the result")
	task := flags.Int("task", 0, "number of the setting in the grid, from 1 (default $ARTEL_TASK)")
	rate := flags.Float64("rate", 0, "learning rate, in place of the setting's")
	hidden := flags.Int("hidden", 0, "hidden units, in place of the setting's")
	decay := flags.Float64("decay", -1, "weight decay, in place of the setting's")
	epochs := flags.Int("epochs", defaultEpochs, "how often to go over the training digits")
	seed := flags.Uint64("seed", 1, "seed of the first weights and of the order")
	evaluate := flags.Bool("evaluate", false, "test model.bin on the test digits, in place of training")
	if err := flags.Parse(args); err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(*in, "digits.csv.gz"))
	if err != nil {
		return fmt.Errorf("open the digits: %w; put digits.csv.gz into the inputs", err)
	}
	all, err := read(f)
	if err != nil {
		return err
	}
	if *evaluate {
		return test(all, *in, *out)
	}
	if *task == 0 {
		if *task, err = strconv.Atoi(os.Getenv("ARTEL_TASK")); err != nil {
			return fmt.Errorf("which setting? Run it as an array of 1-%d, or give -task", len(grid()))
		}
	}
	if *task < 1 || *task > len(grid()) {
		return fmt.Errorf("task %d: the grid has settings 1 to %d", *task, len(grid()))
	}
	s := grid()[*task-1]
	if *rate > 0 {
		s.Rate = *rate
	}
	if *hidden > 0 {
		s.Hidden = min(*hidden, maxHidden)
	}
	if *decay >= 0 {
		s.Decay = *decay
	}
	return train(all, s, *task, max(*epochs, 1), *seed, *out)
}

// defaultEpochs makes a task of a few seconds.
const defaultEpochs = 40

// result is /out/result.json of a training task.
type result struct {
	Task       int     `json:"task"`
	Setting    setting `json:"setting"`
	Validation float64 `json:"validationAccuracy"`
	Epochs     int     `json:"epochs"`
	Seed       uint64  `json:"seed"`
}

func train(all []digit, s setting, task, epochs int, seed uint64, out string) error {
	digits, validation, _ := split(all)
	fmt.Printf("setting %d: learning rate %g, %d hidden units, weight decay %g\n", task, s.Rate, s.Hidden, s.Decay)
	t := newTrainer(s, seed)
	right := 0
	for e := range epochs {
		loss := t.epoch(digits, float64(e)/float64(epochs))
		right = t.net.correct(validation)
		fmt.Printf("epoch %d/%d: loss %.4f, validation %.2f %%\n", e+1, epochs, loss, percent(right, validation))
	}
	if err := save(filepath.Join(out, "model.bin"), t.net); err != nil {
		return err
	}
	return report(out, result{
		Task: task, Setting: s, Epochs: epochs, Seed: seed,
		Validation: float64(right) / float64(len(validation)),
	})
}

// evaluation is /out/result.json of -evaluate.
type evaluation struct {
	Test    float64 `json:"testAccuracy"`
	Correct int     `json:"correct"`
	Of      int     `json:"of"`
	Hidden  int     `json:"hidden"`
}

func test(all []digit, in, out string) error {
	f, err := os.Open(filepath.Join(in, "model.bin"))
	if err != nil {
		return fmt.Errorf("open the model: %w; put the winner's model.bin into the inputs", err)
	}
	n, err := readNet(f)
	if err != nil {
		return err
	}
	_, _, digits := split(all)
	right := n.correct(digits)
	fmt.Printf("test: %d of %d right, %.2f %%\n", right, len(digits), percent(right, digits))
	return report(out, evaluation{
		Test: float64(right) / float64(len(digits)), Correct: right, Of: len(digits), Hidden: n.hidden,
	})
}

func percent(n int, of []digit) float64 { return 100 * float64(n) / float64(len(of)) }

func save(path string, n *net) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("save the model: %w", err)
	}
	if err := n.write(f); err != nil {
		return fmt.Errorf("save the model: %w", err)
	}
	return f.Close()
}

func report(out string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "result.json"), append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
