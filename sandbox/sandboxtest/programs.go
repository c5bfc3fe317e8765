package sandboxtest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/artel-network/artel/sandbox"
)

func testContract(t *testing.T, s *suite) {
	t.Run("ArgsEnvStdin", func(t *testing.T) {
		t.Setenv("ARTEL_SECRET_OF_THE_HOST", "do not show")
		j := s.job(t, "show", "two words", "", "ünïcode")
		j.spec.Env = map[string]string{"ARTEL_TASK": "7", "EMPTY": ""}
		s.run(j).wantExit(0)
		want := "args 5 show|two words||ünïcode\nenv ARTEL_TASK=7\nenv EMPTY=\nstdin 0 true\n"
		got := j.log()
		if j.spec.Root != "" { // a container's program has a home
			got = regexp.MustCompile(`(?m)^env HOME=.*\n`).ReplaceAllString(got, "")
		}
		if got != want {
			t.Errorf("the program saw\n%s\nwant\n%s", got, want)
		}
	})
	t.Run("InOut", func(t *testing.T) {
		j := s.job(t, "copy").in("a", "alpha").in("dir/b", "beta").in("dir/sub/empty", "")
		s.run(j).wantExit(0)
		if in, out := snapshot(t, j.spec.In), snapshot(t, j.spec.Out); in != out {
			t.Errorf("copied\n%s\ninto\n%s", in, out)
		}
		size, files := usage(t, j.spec.Out)
		if j.exit.OutputBytes != size || j.exit.OutputFiles != files {
			t.Errorf("counted %d bytes in %d files; there are %d in %d", j.exit.OutputBytes, j.exit.OutputFiles, size, files)
		}
	})
	t.Run("NoIn", func(t *testing.T) {
		j := s.job(t, "copy")
		j.spec.In = ""
		s.run(j).wantExit(0)
	})
	t.Run("Checkpoint", func(t *testing.T) {
		kept := filepath.Join(s.root, "checkpoint")
		if err := os.Mkdir(kept, 0o755); err != nil {
			t.Fatal(err)
		}
		for i := 1; i <= 3; i++ {
			j := s.job(t, "resume")
			j.spec.Checkpoint = kept
			s.run(j).wantExit(0).wantLog(fmt.Sprint("count ", i))
		}
		none := s.run(s.job(t, "resume")) // there is none unless asked for
		if none.spec.Root == "" {
			none.wantExit(1)
		} else if none.exit.OK() { // the image may have a directory of that name
			none.wantLog("count 1")
		}
	})
	t.Run("OneLog", func(t *testing.T) {
		j := s.run(s.job(t, "mixed")).wantExit(0)
		var want strings.Builder
		for i := range 4 {
			fmt.Fprintf(&want, "out %d\nerr %d\n", i, i)
		}
		if j.log() != want.String() {
			t.Errorf("log\n%s\nwant\n%s", j.log(), want.String())
		}
	})
	t.Run("Usage", func(t *testing.T) {
		j := s.run(s.job(t, "eat", "64", "250")).wantExit(0) // a meter may sample
		if j.exit.MemoryBytes < 56<<20 || j.exit.WallMillis < 1 {
			t.Errorf("used %d bytes of memory and %d ms", j.exit.MemoryBytes, j.exit.WallMillis)
		}
	})
	t.Run("NoKey", func(t *testing.T) {
		j := s.job(t, "exit", "5")
		j.spec.Key = ""
		s.run(j).wantExit(5)
	})
	t.Run("Panic", func(t *testing.T) { s.run(s.job(t, "panic")).wantExit(2) })
}

func testBadPrograms(t *testing.T, s *suite) {
	guest := s.target.Program
	if s.target.Root != "" {
		guest = filepath.Join(s.target.Root, "program")
	}
	program, err := os.ReadFile(guest)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name    string
		content []byte
	}{
		{"empty", nil},
		{"text", []byte("hello, I am no program")},
		{"script", []byte("#!/bin/sh\necho hello\n")},
		{"zeros", make([]byte, 1<<16)},
		{"cut short", program[:len(program)/2]},
		{"header only", program[:8]},
		{"other platform", []byte("MZ\x90\x00")},
	} {
		t.Run(row.name, func(t *testing.T) {
			j := s.job(t, "ok")
			j.spec.Program = filepath.Join(filepath.Dir(j.spec.Out), "program")
			j.spec.Key = ""
			at := j.spec.Program
			if s.target.Root != "" {
				if row.name == "script" {
					t.Skip("a script is a program where there is a shell")
				}
				j.spec.Program, j.spec.Root = "", filepath.Join(filepath.Dir(j.spec.Out), "root")
				at = filepath.Join(j.spec.Root, "program")
				if err := os.Mkdir(j.spec.Root, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(at, row.content, 0o755); err != nil {
				t.Fatal(err)
			}
			s.run(j).wantReason(sandbox.BadProgram)
			t.Log(j.exit.Message)
		})
	}
	s.run(s.job(t, "ok")).wantExit(0)
}

func testFiles(t *testing.T, s *suite) {
	t.Run("Tree", func(t *testing.T) {
		j := s.run(s.job(t, "tree")).wantExit(0)
		want := "hello|hello wo\nfull dir stays true\ninto itself refused true\nentries 301 000 c\nsame file true\n"
		if j.log() != want {
			t.Errorf("log\n%s\nwant\n%s", j.log(), want)
		}
		if j.out("end") != "end" || j.exit.OutputFiles != 1 || j.exit.OutputBytes != 3 {
			t.Errorf("left %s, counted %d bytes in %d files", snapshot(t, j.spec.Out), j.exit.OutputBytes, j.exit.OutputFiles)
		}
	})
	t.Run("InIsReadOnly", func(t *testing.T) {
		j := s.job(t, "writein").in("file", "original")
		before := snapshot(t, j.spec.In)
		s.run(j).wantExit(0)
		if strings.Contains(j.log(), "false") || snapshot(t, j.spec.In) != before {
			t.Errorf("/in was changed:\n%s", j.log())
		}
	})
	t.Run("LinksRefused", func(t *testing.T) {
		j := s.run(s.job(t, "links")).wantExit(0)
		if j.spec.Root == "" && strings.Contains(j.log(), "false") || strings.Contains(j.log(), "hard link refused false") {
			t.Errorf("a link was made:\n%s", j.log())
		}
		if _, files := usage(t, j.spec.Out); files != 1 {
			t.Errorf("left %s", snapshot(t, j.spec.Out))
		}
	})
	t.Run("Descriptors", func(t *testing.T) {
		s.run(s.job(t, "descriptor").in("file", "x")).wantExit(0).wantLog("refused after some true")
		s.run(s.job(t, "ok")).wantExit(0)
	})
}

func testEscapes(t *testing.T, s *suite) {
	secret := filepath.Join(s.root, "secret")
	if err := os.WriteFile(secret, []byte("the owner's"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Run("Paths", func(t *testing.T) {
		if s.target.Root != "" {
			t.Skip("a container has paths of its own: see Images")
		}
		other := s.job(t, "ok").in("file", "another task's")
		j := s.job(t, "escape", "/etc/passwd", "/proc/self/environ", "/proc/self/maps", "/dev/zero", secret,
			"/in/../secret", "/in/../../secret", "/out/../../secret", "/out/../log", "/in/./../out/../../secret",
			"../../secret", "/out/..", "/in/..", "/", "..", other.spec.In+"/file", "/out/a\\..\\..\\b", "/checkpoint/x")
		s.run(j).wantExit(0)
		for _, line := range strings.Split(strings.TrimSpace(j.log()), "\n") {
			if !strings.HasPrefix(line, "refused") {
				t.Errorf("%s", line)
			}
		}
	})
	t.Run("SymlinksInInputs", func(t *testing.T) {
		j := s.job(t, "peek", "/in/good", "/in/out", "/in/abs", "/in/loop", "/in/dir/secret").in("file", "inside")
		for name, to := range map[string]string{
			"good": "file", "out": "../../secret", "abs": secret, "loop": "loop", "dir": s.root,
		} {
			if err := os.Symlink(to, filepath.Join(j.spec.In, name)); err != nil {
				t.Fatal(err)
			}
		}
		s.run(j).wantExit(0).wantLog(`/in/good "inside" true`, `/in/out "" false`, `/in/abs "" false`, `/in/loop "" false`, `/in/dir/secret "" false`)
	})
	t.Run("Network", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		j := s.run(s.job(t, "reach", l.Addr().String())).wantExit(0).wantLog("dial refused true")
		if strings.Contains(j.log(), "false") {
			t.Errorf("reached:\n%s", j.log())
		}
	})
}

func testDeterministic(t *testing.T, s *suite) {
	once := func(seed byte, start int64) (string, string) {
		j := s.job(t, "random")
		j.spec.Seed[0] = seed
		j.spec.Start += start
		s.run(j).wantExit(0)
		return j.log(), snapshot(t, j.spec.Out)
	}
	log, out := once(1, 0)
	for range 4 {
		if l, o := once(1, 0); l != log || o != out {
			t.Errorf("the same spec gave\n%s%s\nand\n%s%s", log, out, l, o)
		}
	}
	if l, _ := once(2, 0); l == log {
		t.Errorf("another seed gave the same: %s", l)
	}
	if _, o := once(1, 1e9); o == out {
		t.Errorf("another start gave the same: %s", o)
	}
	j := s.job(t, "clock")
	s.run(j).wantExit(0).wantLog(fmt.Sprint("start ", j.spec.Start/1e9), "forward true")
	t.Run("Sleep", func(t *testing.T) {
		s.run(s.job(t, "sleep", "1000000")).wantExit(0).wantLog("slept true")
	})
}

func testWall(t *testing.T, s *suite) {
	j := s.job(t, "spin")
	j.spec.Limits.WallMillis = 300
	s.run(j).wantReason(sandbox.OutOfTime)
	if j.exit.WallMillis < 300 {
		t.Errorf("stopped after %d ms, limit 300", j.exit.WallMillis)
	}
	j.wantLog("spinning")
	s.run(s.job(t, "ok")).wantExit(0)
}

func testMemory(t *testing.T, s *suite) {
	j := s.job(t, "eat", "4096")
	j.spec.Limits.MemoryBytes = 64 << 20
	s.run(j).wantReason(sandbox.OutOfMemory)
	if j.exit.MemoryBytes > 64<<20 {
		t.Errorf("had %d bytes, limit %d", j.exit.MemoryBytes, 64<<20)
	}
	t.Run("Enough", func(t *testing.T) {
		j := s.job(t, "eat", "100")
		j.spec.Limits.MemoryBytes = 256 << 20
		s.run(j).wantExit(0).wantLog("ate 100")
	})
	t.Run("Recursion", func(t *testing.T) {
		j := s.job(t, "recurse")
		j.spec.Limits.WallMillis = 60_000
		s.run(j)
		// Go keeps its stack on the heap and gives up by itself; others trap.
		if j.exit.OK() || j.exit.Reason == sandbox.Lost || j.exit.Reason == sandbox.OutOfTime {
			t.Errorf("endless recursion: %v", j.exit)
		}
	})
}

func testOutput(t *testing.T, s *suite) {
	const limit = 1 << 20
	for _, row := range []struct {
		name string
		args []string
		want sandbox.Reason
	}{
		{"exactly", []string{"fill", "/out", fmt.Sprint(limit)}, sandbox.Exited},
		{"one more", []string{"fill", "/out", fmt.Sprint(limit + 1)}, sandbox.OutputLimit},
		{"without end", []string{"fill", "/out", fmt.Sprint(int64(1) << 50)}, sandbox.OutputLimit},
		{"errors ignored", []string{"ignore"}, sandbox.OutputLimit},
		{"a hole", []string{"hole", fmt.Sprint(int64(1) << 40)}, sandbox.OutputLimit},
		{"truncated long", []string{"truncate", fmt.Sprint(int64(1) << 40)}, sandbox.OutputLimit},
		{"truncated fitting", []string{"truncate", fmt.Sprint(limit)}, sandbox.Exited},
		{"empty files", []string{"files", "21"}, sandbox.OutputLimit},
		{"as many files as fit", []string{"files", "20"}, sandbox.Exited},
		{"directories", []string{"dirs", "1000000"}, sandbox.OutputLimit},
		{"unlinked but held", []string{"unlinked", "100", fmt.Sprint(limit / 4)}, sandbox.OutputLimit},
		{"written again and again", []string{"rewrite", fmt.Sprint(limit), "5"}, sandbox.Exited},
		{"checkpoint", []string{"fill", "/checkpoint", fmt.Sprint(limit + 1)}, sandbox.OutputLimit},
	} {
		t.Run(row.name, func(t *testing.T) {
			j := s.job(t, row.args...)
			j.spec.Limits.OutputBytes, j.spec.Limits.OutputFiles = limit, 20
			j.spec.Checkpoint = filepath.Join(filepath.Dir(j.spec.Out), "checkpoint")
			if err := os.Mkdir(j.spec.Checkpoint, 0o755); err != nil {
				t.Fatal(err)
			}
			s.run(j)
			if row.want == sandbox.Exited {
				j.wantExit(0)
			} else {
				j.wantReason(row.want)
			}
			for _, dir := range []string{j.spec.Out, j.spec.Checkpoint} {
				if size, files := usage(t, dir); size > limit || files > 20 {
					t.Errorf("left %d bytes in %d files in %s", size, files, filepath.Base(dir))
				}
			}
			size, files := usage(t, j.spec.Out)
			if j.exit.OutputBytes != size || j.exit.OutputFiles != files {
				t.Errorf("counted %d bytes in %d files; there are %d in %d", j.exit.OutputBytes, j.exit.OutputFiles, size, files)
			}
		})
	}
	t.Run("Deep", func(t *testing.T) {
		j := s.job(t, "deep", "100000")
		s.run(j)
		if j.exit.OK() {
			t.Error("100,000 nested directories were made")
		}
		if _, files := usage(t, j.spec.Out); files > 1000 {
			t.Errorf("left directories %d deep", files)
		}
	})
	t.Run("CheckpointOfBefore", func(t *testing.T) {
		j := s.job(t, "ok")
		j.spec.Limits.OutputBytes = 1000
		j.spec.Checkpoint = filepath.Join(filepath.Dir(j.spec.Out), "checkpoint")
		if err := os.Mkdir(j.spec.Checkpoint, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(j.spec.Checkpoint, "big"), make([]byte, 1001), 0o644); err != nil {
			t.Fatal(err)
		}
		s.run(j).wantReason(sandbox.OutputLimit)
	})
}

func testFlood(t *testing.T, s *suite) {
	j := s.job(t, "log", "1000000000")
	j.spec.Limits.LogBytes = 10_000
	s.run(j).wantReason(sandbox.LogFlood)
	if j.exit.LogKept != 10_000 || len(j.log()) > 10_100 {
		t.Errorf("kept %d bytes, the file has %d", j.exit.LogKept, len(j.log()))
	}
	if j.exit.LogBytes > 10_000*(sandbox.FloodFactor+1) {
		t.Errorf("wrote %d bytes before it was stopped", j.exit.LogBytes)
	}
	s.run(s.job(t, "ok")).wantExit(0)
}
