// Command noop does nothing: what a start costs is what it costs to run.
package main

func main() {}
