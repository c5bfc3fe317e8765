package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/image/oci"
)

// work is one Ensure, Pull or Add: where bytes come from, what they may cost, who
// is told.
type work struct {
	*hold
	want   Want
	repo   *repository // nil: no registry
	limits Limits

	mu     sync.Mutex
	state  Progress
	report func(Progress)
}

func (s *Store) work(w Want, report func(Progress)) (*work, error) {
	k := &work{hold: s.hold(), want: w, limits: w.Limits.orDefault(), report: report, state: Progress{Stage: "pull"}}
	if w.Source != "" {
		repo, err := s.opts.Registries.open(w.Source)
		if err != nil {
			return nil, err
		}
		k.repo = repo
	}
	return k, nil
}

func (k *work) close() {
	k.release()
	if k.repo != nil {
		k.repo.close()
	}
}

// tell changes the progress and reports it. Reports come one at a time.
func (k *work) tell(f func(*Progress)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f(&k.state)
	if k.report != nil {
		k.report(k.state)
	}
}

// text brings a manifest, index or configuration here and returns its bytes. size
// is a claim, or 0 where there is none.
func (k *work) text(ctx context.Context, d Digest, size int64, isManifest bool) ([]byte, error) {
	if err := k.get(ctx, d, size, isManifest); err != nil {
		return nil, err
	}
	return k.s.document(ctx, d)
}

// get brings a blob here: from the own store, from peers, from the registry. Of those
// who want it at a time one fetches; if hardly anything comes, the next one does.
func (k *work) get(ctx context.Context, d Digest, size int64, isManifest bool) error {
	k.add(d)
	for losses := 0; ; losses++ {
		err := k.turn(ctx, losses, d, size, isManifest)
		if !errors.Is(err, errSlow) {
			return err
		}
	}
}

// turn is get once it is this work's turn. errSlow: it is another's.
func (k *work) turn(ctx context.Context, losses int, d Digest, size int64, isManifest bool) error {
	s := k.s
	lead, err := s.locks.lock(ctx, "blob "+d.Hex())
	if err != nil {
		return err
	}
	defer lead.unlock()
	if have, ok := s.have(ctx, d); ok {
		if size > 0 && have.size != size {
			return fmt.Errorf("%w: %s has %d bytes, the manifest says %d", ErrDigest, d, have.size, size)
		}
		k.came(d, have.size)
		k.tell(func(p *Progress) { p.Done += have.size })
		return nil
	}
	f := flow{s.opts.Pace, losses}
	var fromPeers error
	if s.opts.Peers != nil {
		fromPeers = k.fromPeers(ctx, f, d, size, func() bool { return k.repo != nil || lead.wanted() })
		if fromPeers == nil || ctx.Err() != nil || k.repo == nil && errors.Is(fromPeers, errSlow) {
			return fromPeers
		}
	}
	switch {
	case k.repo != nil:
		err = k.fromRegistry(ctx, f, d, size, isManifest, lead.wanted)
	default:
		err = fmt.Errorf("%s: %w: it is not here, and no registry was named", d, ErrNotFound)
	}
	if err != nil && fromPeers != nil && !errors.Is(fromPeers, errSlow) {
		err = fmt.Errorf("%w (peers: %w)", err, fromPeers)
	}
	return err
}

// offers is how many different roots peers may offer for one digest.
const offers = 4

func (k *work) fromPeers(ctx context.Context, f flow, d Digest, size int64, another func() bool) error {
	s := k.s
	var not []artel.Ref
	var last error
	for range offers {
		var told int64
		tell := func(done int64) {
			k.tell(func(p *Progress) { p.Done += done - told; p.Peers += done - told; told = done })
		}
		var ref artel.Ref
		err := f.keep(ctx, another, func(ctx context.Context, came func(int64)) (err error) {
			ref, err = s.opts.Peers.Fetch(ctx, d, size, not, func(done int64) { came(done - told); tell(done) })
			return err
		})
		if err != nil {
			tell(0)
			if last != nil {
				err = fmt.Errorf("%w; others: %w", last, err)
			}
			return err
		}
		unpin := s.pins.Pin(ref)
		n, err := s.verify(ctx, d, size, ref)
		if err == nil {
			err = s.keep(d, ref, n)
		}
		unpin()
		if err == nil {
			tell(n)
			k.came(d, n)
			return nil
		}
		tell(0)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		not, last = append(not, ref), err
	}
	return last
}

// verify compares a blob with the digest that it is said to have.
func (s *Store) verify(ctx context.Context, d Digest, size int64, ref artel.Ref) (int64, error) {
	f, err := blob.Open(ctx, s.blobs, ref)
	if err != nil {
		return 0, err
	}
	if size > 0 && f.Size() != size || size == 0 && f.Size() > oci.MaxDocument {
		return 0, fmt.Errorf("%w: a blob of %d bytes is offered as %s of %d", ErrDigest, f.Size(), d, size)
	}
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return n, err
	}
	if Digest(h.Sum(nil)) != d {
		return n, fmt.Errorf("%w: blob %s is offered as %s", ErrDigest, ref, d)
	}
	return n, nil
}

func (k *work) fromRegistry(ctx context.Context, f flow, d Digest, size int64, isManifest bool, another func() bool) error {
	if isManifest {
		var b []byte
		err := f.keep(ctx, another, func(ctx context.Context, _ func(int64)) (err error) {
			b, err = k.repo.manifest(ctx, d.String(), &d)
			return err
		})
		if err == nil && size > 0 && int64(len(b)) != size {
			err = fmt.Errorf("%w: manifest %s has %d bytes, the index says %d", ErrDigest, d, len(b), size)
		}
		if err != nil {
			return err
		}
		k.tell(func(p *Progress) { p.Done += int64(len(b)); p.Registry += int64(len(b)) })
		return k.s.addBytes(ctx, d, b)
	}
	// What lies in partial may be rubbish after a power cut: then once more from
	// the beginning.
	for fresh := false; ; fresh = true {
		err := k.pullBlob(ctx, f, d, size, fresh, another)
		if !errors.Is(err, errStale) {
			return err
		}
	}
}

// errStale says that a pull that went on with an earlier one's bytes gave a wrong
// digest.
var errStale = errors.New("the earlier part was not right")

// partial is the file that a blob is pulled to, and its hash.
type partial struct {
	*os.File
	sum interface {
		io.Writer
		Sum([]byte) []byte
		Reset()
	}
}

func (p *partial) Write(b []byte) (int, error) {
	n, err := p.File.Write(b)
	p.sum.Write(b[:n])
	return n, err
}

func (p *partial) restart() error {
	p.sum.Reset()
	_, err := p.Seek(0, io.SeekStart)
	return errors.Join(err, p.Truncate(0))
}

func (k *work) pullBlob(ctx context.Context, f flow, d Digest, size int64, fresh bool, another func() bool) (err error) {
	s := k.s
	name := s.path("partial", d.Hex())
	on, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return full(err)
	}
	defer on.Close()
	file := &partial{on, sha256.New()}
	had, err := io.Copy(file.sum, io.LimitReader(on, size+1))
	if err == nil && (fresh || had > size) {
		had, err = 0, file.restart()
	}
	if err != nil {
		return err
	}
	told := had
	k.tell(func(p *Progress) { p.Done += had })
	p := &pull{w: file, at: had, restart: func() error {
		k.tell(func(p *Progress) { p.Done -= told })
		told = 0
		return file.restart()
	}}
	err = f.keep(ctx, another, func(ctx context.Context, came func(int64)) error {
		p.got = func(n int) {
			came(int64(n))
			told += int64(n)
			k.tell(func(p *Progress) { p.Done += int64(n); p.Registry += int64(n) })
		}
		return k.repo.blob(ctx, d, size, p)
	})
	if err == nil && Digest(file.sum.Sum(nil)) != d {
		err = fmt.Errorf("%w: the registry sends other bytes as %s", ErrDigest, d)
		if had > 0 {
			err = errStale
		}
	}
	if err != nil {
		k.tell(func(p *Progress) { p.Done -= told })
		if errors.Is(err, ErrDigest) || errors.Is(err, errStale) {
			os.Remove(name)
		}
		return err
	}
	if _, err := on.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := s.addFile(ctx, d, on, size); err != nil {
		return err
	}
	k.came(d, size)
	return os.Remove(name)
}

// addFile keeps verified bytes.
func (s *Store) addFile(ctx context.Context, d Digest, r io.Reader, size int64) error {
	ref, n, err := blob.AddFile(ctx, s.blobs, r)
	if err == nil && n != size {
		err = fmt.Errorf("%w: %d bytes, not %d", ErrDigest, n, size)
	}
	if err != nil {
		return fmt.Errorf("keep %s: %w", d, full(err))
	}
	return s.keep(d, ref, n)
}

func (s *Store) addBytes(ctx context.Context, d Digest, b []byte) error {
	return s.addFile(ctx, d, bytes.NewReader(b), int64(len(b)))
}
