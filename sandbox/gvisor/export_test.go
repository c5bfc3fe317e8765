//go:build linux && (amd64 || arm64)

package gvisor

// GroupName is for tests that look for what a box has left.
var GroupName = groupName
