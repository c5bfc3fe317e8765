package wasm

// Idle is the number of workers that wait.
func Idle(b *Box) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.idle)
}

// WorkerRSS is the resident memory and process id of an idle worker.
func WorkerRSS(b *Box) (rss int64, pid int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.idle) == 0 {
		return 0, 0
	}
	return b.idle[0].rss(), b.idle[0].cmd.Process.Pid
}

// Prune bounds the compile cache now.
func Prune(b *Box) { b.prune() }

// Confined reports what an idle worker says of its confinement.
func Confined(b *Box) (files, calls bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.idle) == 0 {
		return false, false
	}
	return b.idle[0].applied.Files, b.idle[0].applied.Calls
}

// KillWorkers kills the processes of all workers, as the kernel does when memory is short.
func KillWorkers(b *Box) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := range b.workers {
		w.kill()
	}
}

// SpeedProgram is what Speed runs.
func SpeedProgram() []byte { return speedProgram() }

// Compiles is what Compiled asks of the machine.
func Compiles(system, arch string, sse41 bool) bool { return compiles(system, arch, sse41) }
