package gpuproof

import (
	"bufio"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

//go:embed program.py
var program string

// Program is the source of what answers, for `python3 -c`: it takes the number of a
// device as its argument.
func Program() string { return strings.Replace(program, "@PTX@", PTX(Standard), 1) }

// Ready is what the program says of the device before it is asked. It may be made up.
type Ready struct {
	Name    string `json:"name"`
	Devices int    `json:"devices"`
	Memory  uint64 `json:"memory"` // bytes
	Free    uint64 `json:"free"`
	CUDA    int    `json:"cuda"` // as cuDriverGetVersion has it: 12080
}

// Talk speaks with a running Program by its streams. What comes from it is hostile.
type Talk struct {
	in  *bufio.Reader
	out io.Writer
}

// ErrFailed is matched where the program said what kept it from answering.
var ErrFailed = errors.New("the GPU cannot be asked")

// maxLine bounds a line of the program that has no sums in it, in bytes.
const maxLine = 16 << 10

// Open waits for the program to be ready.
func Open(in io.Reader, out io.Writer) (*Talk, Ready, error) {
	t := &Talk{bufio.NewReader(in), out}
	m, err := t.read(maxLine)
	if err == nil && m.Ready == nil {
		err = fmt.Errorf("%w: it does not say that it is ready", ErrWrong)
	}
	if err != nil {
		return nil, Ready{}, fmt.Errorf("wait for the GPU: %w", err)
	}
	return t, *m.Ready, nil
}

// Ask has a question answered, and returns the time until the digest was told. The
// answer is not verified yet.
func (t *Talk) Ask(q Question) (a Answer, digest [32]byte, took time.Duration, err error) {
	fail := func(err error) (Answer, [32]byte, time.Duration, error) {
		return nil, digest, took, fmt.Errorf("ask the GPU: %w", err)
	}
	if err := q.Check(); err != nil {
		return fail(err)
	}
	begin := time.Now()
	if _, err := fmt.Fprintf(t.out, "{\"seed\": \"%x\", \"groups\": %d, \"passes\": %d}\n", q.Seed, q.Groups, q.Passes); err != nil {
		return fail(err)
	}
	m, err := t.read(maxLine)
	took = time.Since(begin)
	if err != nil {
		return fail(err)
	}
	d, err := hex.DecodeString(m.Digest)
	if err != nil || len(d) != len(digest) {
		return fail(fmt.Errorf("%w: no digest", ErrWrong))
	}
	copy(digest[:], d)
	for range q.Passes {
		m, err := t.read(base64.StdEncoding.EncodedLen(8*int(q.Groups)) + maxLine)
		if err != nil {
			return fail(err)
		}
		b, err := base64.StdEncoding.DecodeString(m.Sums)
		if err != nil || len(b) != 8*int(q.Groups) {
			return fail(fmt.Errorf("%w: %d bytes of sums for %d groups", ErrWrong, len(b), q.Groups))
		}
		sums := make([]uint64, q.Groups)
		for i := range sums {
			sums[i] = binary.LittleEndian.Uint64(b[8*i:])
		}
		a = append(a, sums)
	}
	return a, digest, took, nil
}

type message struct {
	Ready  *Ready `json:"ready"`
	Digest string `json:"digest"`
	Sums   string `json:"sums"`
	Error  string `json:"error"`
}

func (t *Talk) read(most int) (m message, err error) {
	var line []byte
	for {
		part, err := t.in.ReadSlice('\n')
		if line = append(line, part...); len(line) > most {
			return m, fmt.Errorf("%w: a line of more than %d bytes", ErrWrong, most)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("%w: it ended", ErrFailed)
			}
			return m, err
		}
	}
	if err := json.Unmarshal(line, &m); err != nil {
		return m, fmt.Errorf("%w: a line that is not JSON: %.80q", ErrWrong, line)
	}
	if m.Error != "" {
		return m, fmt.Errorf("%w: %.300q", ErrFailed, m.Error)
	}
	return m, nil
}
