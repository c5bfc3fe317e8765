package sandbox

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
)

// Log is an attempt's log file: written once, cut at a limit, followed while it grows.
// Adapters use it so that a log looks the same whatever ran the program.
type Log struct {
	path  string
	limit int64

	mu     sync.Mutex
	file   *os.File
	total  int64 // what the program wrote
	kept   int64 // what of it is in the file
	size   int64 // the file's size: kept and the note about the cut
	err    error // the first failure of the disk; later writes are dropped
	closed bool
	grown  chan struct{} // closed and replaced whenever size or closed changes
}

// CreateLog creates or empties the file at path, readable by its owner only. At most
// limit bytes are kept.
func CreateLog(path string, limit int64) (*Log, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create log: %w", err)
	}
	return &Log{path: path, limit: limit, file: f, grown: make(chan struct{})}, nil
}

// Write appends b as far as the limit allows; the rest is counted and dropped, and
// a note says so where the cut is. It always accepts all of b: a program must not fail,
// nor learn anything, from what becomes of its log. A failing disk shows in Close.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(b)
	cutBefore := l.total > l.limit
	l.total += int64(n)
	if l.closed || l.err != nil {
		return n, nil
	}
	if room := l.limit - l.kept; int64(len(b)) > room {
		b = b[:room]
	}
	if err := l.append(b); err != nil {
		return n, nil
	}
	l.kept += int64(len(b))
	if !cutBefore && l.total > l.limit {
		l.cut()
	}
	return n, nil
}

// Resume begins the log with what an earlier attempt has written: total bytes, of which
// kept are still there. It is called before the first Write.
func (l *Log) Resume(kept []byte, total int64) {
	_, _ = l.Write(kept)
	l.mu.Lock()
	defer l.mu.Unlock()
	cutBefore := l.total > l.limit
	l.total = max(l.total, total)
	if !cutBefore && l.total > l.limit {
		l.cut()
	}
}

// Kept returns what is in the file of what the program wrote, and how much it has written.
func (l *Log) Kept() (kept []byte, total int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := os.Open(l.path)
	if err != nil {
		return nil, 0, fmt.Errorf("read log: %w", err)
	}
	defer f.Close()
	kept = make([]byte, l.kept)
	if _, err := io.ReadFull(f, kept); err != nil {
		return nil, 0, fmt.Errorf("read log: %w", err)
	}
	return kept, l.total, nil
}

func (l *Log) cut() {
	_ = l.append(fmt.Appendf(nil, "\n[log cut here: it is limited to %d bytes]\n", l.limit))
}

func (l *Log) append(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	n, err := l.file.Write(b)
	l.size += int64(n)
	l.wake()
	if err != nil {
		l.err = fmt.Errorf("write log: %w", err)
	}
	return err
}

func (l *Log) wake() {
	close(l.grown)
	l.grown = make(chan struct{})
}

// Counts gives the bytes that were written and those that were kept.
func (l *Log) Counts() (total, kept int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total, l.kept
}

// Close ends the log and lets its followers end. It returns the first error of the disk.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return l.err
	}
	l.closed = true
	if err := l.file.Close(); err != nil && l.err == nil {
		l.err = fmt.Errorf("close log: %w", err)
	}
	l.wake()
	return l.err
}

// Follow is Run.Follow.
func (l *Log) Follow(ctx context.Context, w io.Writer) error {
	f, err := os.Open(l.path)
	if err != nil {
		return fmt.Errorf("follow log: %w", err)
	}
	defer f.Close()
	var at int64
	for {
		l.mu.Lock()
		size, closed, grown := l.size, l.closed, l.grown
		l.mu.Unlock()
		if at < size {
			n, err := io.Copy(w, io.NewSectionReader(f, at, size-at))
			at += n
			if err != nil {
				return fmt.Errorf("follow log: %w", err)
			}
			if n == 0 {
				return fmt.Errorf("follow log: %w", io.ErrUnexpectedEOF)
			}
			continue
		}
		if closed {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
