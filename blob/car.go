package blob

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/artel-network/artel"
)

// carHeader is the DAG-CBOR of {"roots": [root], "version": 1} around the
// root's 36 bytes. Source: https://ipld.io/specs/transport/car/carv1/
var (
	carHeader = []byte("\xa2\x65roots\x81\xd8\x2a\x58\x25\x00")
	carTail   = []byte("\x67version\x01")
)

const carHeaderLen = 13 + 36 + 9

// WriteCAR writes everything below root as a CARv1, each block once, parents
// before children. ErrLimit if root has more than lim.Blocks links.
func WriteCAR(ctx context.Context, s Store, root artel.Ref, w io.Writer, lim Limits) error {
	lim = lim.orDefault()
	out := bufio.NewWriterSize(w, 64<<10)
	out.WriteByte(carHeaderLen)
	out.Write(carHeader)
	out.Write(root.Bytes())
	out.Write(carTail)
	seen, todo := map[artel.Ref]struct{}{root: {}}, []artel.Ref{root}
	for len(todo) > 0 {
		ref := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		data, err := s.Get(ctx, ref)
		if err != nil {
			return fmt.Errorf("write archive of %s: block %s: %w", root, ref, err)
		}
		out.Write(binary.AppendUvarint(nil, uint64(36+len(data))))
		out.Write(ref.Bytes())
		out.Write(data)
		for child, err := range links(ref, data) {
			if err != nil {
				return fmt.Errorf("write archive of %s: %w", root, err)
			}
			if _, ok := seen[child]; ok {
				continue
			}
			if len(seen) >= lim.Blocks {
				return fmt.Errorf("write archive of %s: %w: more than %d blocks", root, ErrLimit, lim.Blocks)
			}
			seen[child] = struct{}{}
			todo = append(todo, child)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write archive of %s: %w", root, err)
	}
	return nil
}

// ReadCAR keeps the blocks of a CARv1 and returns its root. Each block is
// compared with its ref first, and everything below the root must be there:
// else nothing of it counts and the error says why. Errors: ErrMalformed,
// ErrMismatch, ErrTooBig, ErrLimit, ErrNotFound for an archive that lacks a
// block, ErrFull, what r returns.
func ReadCAR(ctx context.Context, s Store, r io.Reader, lim Limits) (artel.Ref, error) {
	lim = lim.orDefault()
	in := bufio.NewReaderSize(r, 64<<10)
	root, err := readCARHeader(in)
	if err != nil {
		return root, fmt.Errorf("read archive: %w", err)
	}
	batch := s.Batch(ctx)
	defer batch.Close()
	pending := 0
	left, blocks := lim.Bytes, 0
	for {
		n, err := binary.ReadUvarint(in)
		if err == io.EOF {
			break
		}
		if err != nil || n < 36 || n > 36+MaxBlock {
			return root, fmt.Errorf("read archive of %s: %w: a section of %d bytes (%v)", root, ErrMalformed, n, err)
		}
		section := make([]byte, n)
		if _, err := io.ReadFull(in, section); err != nil {
			return root, fmt.Errorf("read archive of %s: %w: it is cut off: %v", root, ErrMalformed, err)
		}
		ref, err := artel.RefFromBytes(section[:36])
		if err != nil {
			return root, fmt.Errorf("read archive of %s: %w: %w", root, ErrMalformed, err)
		}
		blocks++
		if left -= int64(n) - 36; left < 0 || blocks > lim.Blocks {
			return root, fmt.Errorf("read archive of %s: %w: more than %d bytes or %d blocks", root, ErrLimit, lim.Bytes, lim.Blocks)
		}
		if err := batch.Put(ctx, ref, section[36:]); err != nil {
			return root, fmt.Errorf("read archive of %s: %w", root, err)
		}
		if pending += len(section); pending >= groupBytes {
			pending = 0
			if err := batch.Commit(ctx); err != nil {
				return root, fmt.Errorf("read archive of %s: %w", root, err)
			}
		}
	}
	if err := batch.Commit(ctx); err != nil {
		return root, fmt.Errorf("read archive of %s: %w", root, err)
	}
	return root, Complete(ctx, s, root, lim)
}

func readCARHeader(in *bufio.Reader) (artel.Ref, error) {
	h := make([]byte, 1+carHeaderLen)
	if _, err := io.ReadFull(in, h); err != nil {
		return artel.Ref{}, fmt.Errorf("%w: no header: %v", ErrMalformed, err)
	}
	body, ok := bytes.CutPrefix(h[1:], carHeader)
	if h[0] != carHeaderLen || !ok || !bytes.HasSuffix(body, carTail) {
		return artel.Ref{}, fmt.Errorf("%w: not a CARv1 with one root", ErrMalformed)
	}
	ref, err := artel.RefFromBytes(body[:36])
	if err != nil {
		return ref, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return ref, nil
}
