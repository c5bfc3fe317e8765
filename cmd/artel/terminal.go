package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// passphrases says where passphrases come from: a file, $ARTEL_PASSPHRASE_FILE,
// or the person at the terminal.
type passphrases struct {
	a    *app
	file string // --passphrase-file
}

// ask returns the passphrase of a key that exists.
func (p passphrases) ask() (string, error) { return p.get("Passphrase of the node key: ", false) }

// choose returns a passphrase for a new file; a person types it twice.
func (p passphrases) choose() (string, error) { return p.get("New passphrase for the key: ", true) }

func (p passphrases) get(prompt string, twice bool) (string, error) {
	file := p.file
	if file == "" {
		file = p.a.getenv("ARTEL_PASSPHRASE_FILE")
	}
	if file != "" {
		return readPassphrase(file)
	}
	if !isTerminal(p.a.in) {
		return "", errors.New("a passphrase is wanted and there is no terminal to ask at; hint: --passphrase-file FILE, or $ARTEL_PASSPHRASE_FILE")
	}
	s, err := p.prompt(prompt)
	if err != nil || !twice {
		return s, err
	}
	if s == "" {
		return "", errors.New("the passphrase is empty; hint: type one; artel up --no-passphrase makes a key that only the file's mode protects")
	}
	again, err := p.prompt("The same again: ")
	if err == nil && s != again {
		err = errors.New("the two passphrases differ; hint: try again")
	}
	return s, err
}

func (p passphrases) prompt(text string) (string, error) {
	fmt.Fprint(p.a.err, text)
	b, err := term.ReadPassword(int(p.a.in.Fd()))
	fmt.Fprintln(p.a.err)
	if err != nil {
		return "", fmt.Errorf("read passphrase: %w", err)
	}
	return string(b), nil
}

func readPassphrase(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("read passphrase: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return "", fmt.Errorf("read passphrase %s: %w", file, err)
	}
	s, _, _ := strings.Cut(string(b), "\n")
	if s = strings.TrimSuffix(s, "\r"); s == "" {
		return "", fmt.Errorf("read passphrase %s: its first line is empty; hint: put the passphrase there", file)
	}
	return s, nil
}
