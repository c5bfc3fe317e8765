//go:build !linux

package main

func probe(string, string) {}
