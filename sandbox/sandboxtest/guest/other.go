//go:build !linux || !(amd64 || arm64)

package main

func containerVerbs() map[string]func([]string) error { return nil }
