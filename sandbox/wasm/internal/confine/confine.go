// Package confine takes from the process that runs strangers' programs what it does not
// need. The sandbox itself is wazero; this is the second wall, for the day when a
// program breaks out of the first.
package confine

// Config says what the process keeps.
type Config struct {
	// Dirs are the directories below which files may be read and written.
	Dirs []string
	// MaxMemory is the most linear memory, in bytes, that a program may ask for.
	MaxMemory int64
}

// Applied says which parts are in force. What the kernel lacks is skipped.
type Applied struct {
	// Files: no file outside Config.Dirs can be opened, and no TCP connection (Landlock).
	Files bool
	// Calls: no new programs, sockets, namespaces, no other process can be touched (seccomp).
	Calls bool
}
