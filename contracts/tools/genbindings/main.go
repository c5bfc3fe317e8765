// Command genbindings turns what forge compiled into Go bindings, so that a
// build of artel needs Go only.
//
//	genbindings -out DIR contracts/out
//
// For each contract it writes DIR/NAME.go: abigen's version 2 binding with the
// creation code, and beside it the runtime code with the places where the
// constructor put immutable values.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi/abigen"
)

const licence = "// SPDX-License-Identifier: Apache-2.0\n\n"

const doc = `// Package bindings holds the compiled contracts and their Go bindings.
//
// Generated from contracts/ by "make -C contracts generate"; do not edit.
// NAMEMetaData has the ABI and the creation code. NAMERuntime is the code as it
// lies on chain, with zeroes at NAMEImmutables, where the constructor writes.
package bindings
`

// contracts are the ones a network deploys, in the order of their deployment.
var contracts = []string{"Credit", "Ledger", "Stake"}

// outputType matches abigen's result structs, such as AccountsOutput.
var outputType = regexp.MustCompile(`\b[A-Z]\w*Output\b`)

// artifact is the part of forge's JSON output that a binding is made of.
type artifact struct {
	ABI              json.RawMessage `json:"abi"`
	Bytecode         code            `json:"bytecode"`
	DeployedBytecode code            `json:"deployedBytecode"`
}

type code struct {
	Object              string                `json:"object"`
	LinkReferences      map[string]any        `json:"linkReferences"`
	ImmutableReferences map[string][]spanJSON `json:"immutableReferences"`
}

type spanJSON struct {
	Start  int `json:"start"`
	Length int `json:"length"`
}

func main() {
	out := flag.String("out", "", "folder for the Go files")
	flag.Parse()
	if *out == "" || flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: genbindings -out DIR contracts/out")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *out); err != nil {
		fmt.Fprintln(os.Stderr, "genbindings:", err)
		os.Exit(1)
	}
}

func run(in, out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "doc.go"), []byte(licence+doc), 0o644); err != nil {
		return err
	}
	for _, name := range contracts {
		src, err := binding(in, name)
		if err != nil {
			return fmt.Errorf("bind %s: %w", name, err)
		}
		file := filepath.Join(out, strings.ToLower(name)+".go")
		if err := os.WriteFile(file, src, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func binding(in, name string) ([]byte, error) {
	raw, err := os.ReadFile(filepath.Join(in, name+".sol", name+".json"))
	if err != nil {
		return nil, fmt.Errorf("%w (run forge build first)", err)
	}
	var a artifact
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, err
	}
	if len(a.Bytecode.LinkReferences) != 0 {
		return nil, errors.New("needs linking, which genbindings does not do")
	}
	abi, err := compact(a.ABI)
	if err != nil {
		return nil, err
	}
	bin := strings.TrimPrefix(a.Bytecode.Object, "0x")
	src, err := abigen.BindV2([]string{name}, []string{abi}, []string{bin}, "bindings", nil, nil)
	if err != nil {
		return nil, err
	}
	// abigen names the outputs of a method after the method alone; two contracts
	// with a method of one name would collide in one package.
	src = outputType.ReplaceAllString(src, name+"$0")
	return format.Source([]byte(licence + src + runtime(name, a.DeployedBytecode)))
}

func compact(raw json.RawMessage) (string, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return "", err
	}
	return b.String(), nil
}

func runtime(name string, c code) string {
	var spans []spanJSON
	for _, s := range c.ImmutableReferences {
		spans = append(spans, s...)
	}
	sort.Slice(spans, func(i, j int) bool { return spans[i].Start < spans[j].Start })

	var b strings.Builder
	fmt.Fprintf(&b, "\n// %sRuntime is the runtime code in hex, with zeroes at %sImmutables.\n", name, name)
	fmt.Fprintf(&b, "const %sRuntime = %q\n", name, c.Object)
	fmt.Fprintf(&b, "\n// %sImmutables are the offset and length in bytes of each immutable value.\n", name)
	fmt.Fprintf(&b, "var %sImmutables = [][2]int{", name)
	for _, s := range spans {
		fmt.Fprintf(&b, "{%d, %d},", s.Start, s.Length)
	}
	b.WriteString("}\n")
	return b.String()
}
