package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/image/internal/unpack"
	"github.com/artel-network/artel/image/oci"
)

// ratio is how many bytes one compressed byte of a layer may become. Archives of
// real files stay below 100; gzip's most is 1032, zstd's has no end.
const ratio = 400

// pulls is how many layers of an image come at a time.
const pulls = 3

// Ensure brings an image here if it is not, unpacks it once, and returns it for
// use until Release. Bytes come from the own store, from peers, from the
// registry; an Ensure that was cut short goes on where it was. Of several at a time
// for one image one unpacks it, and what hardly comes for one the next one fetches,
// from where it asks (Options.Pace). report, if set, is called as it
// goes on, by one goroutine at a time.
//
// Errors: ErrNotFound, ErrAuth, ErrRegistry, ErrPlatform, ErrDigest, ErrMalformed,
// ErrUnsupported, ErrUnsafe, ErrTooLarge, ErrFull, ErrHost, ctx's.
func (s *Store) Ensure(ctx context.Context, w Want, report func(Progress)) (*Image, error) {
	img, err := s.ensure(ctx, w, report)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", w.Digest, err)
	}
	return img, nil
}

func (s *Store) ensure(ctx context.Context, w Want, report func(Progress)) (*Image, error) {
	if !canUnpack {
		return nil, fmt.Errorf("%w; hint: on Windows, run artel in WSL2", ErrHost)
	}
	k, err := s.begin(w, report)
	if err != nil {
		return nil, err
	}
	defer k.close()
	if img := s.acquire(w.Digest, s.manifestOf(w.Digest)); img != nil {
		s.use(w.Digest)
		if w.Short {
			err = s.shorten(w.Digest)
		}
		if err != nil {
			img.Release()
			return nil, err
		}
		return img, nil
	}
	var img *Image
	err = k.twice(func() error {
		p, err := k.plan(ctx, true)
		if err == nil {
			img, err = k.unpack(ctx, p)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.use(w.Digest)
	img.Pulled = k.state
	return img, nil
}

// Pull brings an image's bytes here without unpacking them, so that peers can have
// them: of an index the part for this store's platform, of a manifest all, whatever
// it is for. Errors as those of Ensure.
func (s *Store) Pull(ctx context.Context, w Want, report func(Progress)) error {
	k, err := s.begin(w, report)
	if err == nil {
		defer k.close()
		err = k.twice(func() error {
			p, err := k.plan(ctx, false)
			if err != nil {
				return err
			}
			return k.layers(ctx, p, func(int) error { return nil })
		})
	}
	if err != nil {
		return fmt.Errorf("pull image %s: %w", w.Digest, err)
	}
	s.use(w.Digest)
	return nil
}

// begin prepares work on an image.
func (s *Store) begin(w Want, report func(Progress)) (*work, error) {
	if w.Digest.IsZero() {
		return nil, fmt.Errorf("%w: no digest was given", ErrMalformed)
	}
	k, err := s.work(w, report)
	if err == nil {
		k.add(w.Digest)
	}
	return k, err
}

// twice does something again if blocks of the own store turned out to be gone or
// rotten: now the store knows, and fetches them.
func (k *work) twice(f func() error) error {
	err := f()
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrMismatch) {
		k.tell(func(p *Progress) { p.Stage, p.Done = "pull", 0 })
		err = f()
	}
	return err
}

// plan is what an image consists of.
type plan struct {
	digest   Digest // of the manifest
	manifest *oci.Manifest
	config   *oci.Config
}

// plan brings the documents of an image here and makes room for the rest.
func (k *work) plan(ctx context.Context, toRun bool) (plan, error) {
	s, want := k.s, k.want.Digest
	b, err := k.text(ctx, want, 0, true)
	if err != nil {
		return plan{}, err
	}
	total := int64(len(b))
	doc, err := oci.Decode(b)
	if err != nil {
		return plan{}, err
	}
	p := plan{digest: want}
	if doc.Index != nil {
		platform := s.opts.Platform
		if !toRun && !k.want.Platform.IsZero() {
			platform = k.want.Platform
		}
		d, err := doc.Index.Pick(platform)
		if err != nil {
			return plan{}, err
		}
		if b, err = k.text(ctx, d.Digest, d.Size, true); err != nil {
			return plan{}, err
		}
		total += int64(len(b))
		p.digest = d.Digest
		if doc, err = oci.Decode(b); err != nil {
			return plan{}, err
		}
		if doc.Manifest == nil {
			return plan{}, fmt.Errorf("%w: an index within an index", ErrUnsupported)
		}
	}
	p.manifest = doc.Manifest
	if size := p.manifest.Size(); size > k.limits.Pull {
		return plan{}, fmt.Errorf("%w: %d bytes to pull, at most %d are allowed", ErrTooLarge, size, k.limits.Pull)
	}
	k.tell(func(r *Progress) { r.Total = total + p.manifest.Size() })
	if b, err = k.text(ctx, p.manifest.Config.Digest, p.manifest.Config.Size, false); err != nil {
		return plan{}, fmt.Errorf("configuration: %w", err)
	}
	if p.config, err = oci.DecodeConfig(b, len(p.manifest.Layers)); err != nil {
		return plan{}, err
	}
	if !s.opts.Platform.Runs(p.config.Platform) && toRun {
		return plan{}, fmt.Errorf("%w: it is for %.40q, this machine wants %s; hint: build it for %s too, or take a provider of its kind",
			ErrPlatform, p.config.Platform, s.opts.Platform, s.opts.Platform)
	}
	blobs := []Digest{want, p.digest, p.manifest.Config.Digest}
	missing := map[Digest]int64{}
	for _, l := range p.manifest.Layers {
		blobs = append(blobs, l.Digest)
		if _, ok := s.have(ctx, l.Digest); !ok {
			missing[l.Digest] = l.Size
		}
	}
	k.add(blobs...)
	if err := s.setRecord(want, p.digest, k.want.Source, k.want.Short, blobs...); err != nil {
		return plan{}, err
	}
	if err := k.reserve(ctx, missing); err != nil || !toRun {
		return p, err
	}
	// What the layers unpack to nobody says before they are here; files as large as their
	// archives are the least to expect, and where not even these fit nothing is pulled.
	if err := s.fit(ctx, p.manifest.Size()-p.manifest.Config.Size); err != nil {
		k.forgo(missing)
		return plan{}, fmt.Errorf("unpack layers of %d bytes: %w", p.manifest.Size()-p.manifest.Config.Size, err)
	}
	return p, nil
}

// layers brings the layers here, some at a time, and calls then for each of them
// in their order as soon as it is here.
func (k *work) layers(ctx context.Context, p plan, then func(i int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	list := p.manifest.Layers
	ready := make([]chan error, len(list))
	for i := range ready {
		ready[i] = make(chan error, 1)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for range min(pulls, len(list)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(list); i = int(next.Add(1)) - 1 {
				ready[i] <- k.get(ctx, list[i].Digest, list[i].Size, false)
			}
		})
	}
	for i, l := range list {
		err := <-ready[i]
		if err == nil {
			err = then(i)
		}
		if err != nil {
			return fmt.Errorf("layer %d (%s): %w", i+1, l.Digest, err)
		}
	}
	return nil
}

// unpack lays an image out and takes it into use.
func (k *work) unpack(ctx context.Context, p plan) (*Image, error) {
	s := k.s
	// Two digests that were wanted, an index and its manifest, share a root.
	var before int64
	k.tell(func(p *Progress) { before = p.Done })
	lead, err := k.await(ctx, p)
	if err != nil {
		return nil, err
	}
	defer lead.unlock()
	if img := s.acquire(k.want.Digest, p.digest); img != nil {
		return img, nil
	}
	k.tell(func(p *Progress) { p.Done = before })
	tmp := s.tempPath()
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return nil, full(err)
	}
	defer os.RemoveAll(tmp)
	meta, err := k.layOut(ctx, p, tmp)
	if err != nil {
		return nil, err
	}
	if err := s.fit(ctx, meta.Bytes); err != nil {
		return nil, err
	}
	// What might have the name is not in s.roots: nobody uses it.
	name := s.path("roots", p.digest.Hex())
	if err := os.RemoveAll(name); err != nil {
		return nil, err
	}
	if err := os.Rename(tmp, name); err != nil {
		return nil, err
	}
	if err := syncDir(filepath.Dir(name)); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.roots[p.digest] = &root{meta: meta}
	s.mu.Unlock()
	return s.acquire(k.want.Digest, p.digest), nil
}

// await waits until nobody else lays the image out. Meanwhile it gets in line for the
// layers, so that they come from where this one asks if they hardly do for the other.
func (k *work) await(ctx context.Context, p plan) (*lead, error) {
	ctx, stop := context.WithCancel(ctx)
	var helping sync.WaitGroup
	defer helping.Wait()
	defer stop()
	mine, turn := k.s.locks.join("root " + p.digest.Hex())
	if turn == nil {
		return mine, nil
	}
	// What becomes of it shows when the turn has come.
	helping.Go(func() { _ = k.layers(ctx, p, func(int) error { return nil }) })
	return mine, mine.await(ctx, turn)
}

// layOut unpacks into tmp/rootfs, writes tmp/image.json, and makes both durable.
func (k *work) layOut(ctx context.Context, p plan, tmp string) (meta rootMeta, err error) {
	lim := unpack.Limits{Bytes: k.limits.Bytes, Entries: k.limits.Entries, Ratio: ratio}
	room := k.s.room()
	lim.Bytes = min(lim.Bytes, room)
	r, err := unpack.Open(filepath.Join(tmp, "rootfs"), lim)
	if err != nil {
		return meta, full(err)
	}
	defer r.Close()
	err = k.layers(ctx, p, func(i int) error {
		k.tell(func(p *Progress) { p.Stage = "unpack" })
		return k.layer(ctx, r, p.manifest.Layers[i].Digest, p.config.RootFS.DiffIDs[i])
	})
	if errors.Is(err, ErrTooLarge) && room < k.limits.Bytes {
		err = fmt.Errorf("%w: the store's cap leaves %d bytes: %w", ErrFull, room, err)
	}
	if err != nil {
		return meta, err
	}
	dir := path.Clean("/" + p.config.Config.WorkingDir)
	if err := r.Mkdir(dir); err != nil {
		return meta, fmt.Errorf("make working directory %.200q: %w", dir, err)
	}
	root, err := os.OpenRoot(filepath.Join(tmp, "rootfs"))
	if err != nil {
		return meta, err
	}
	defer root.Close()
	user, home, err := lookupUser(root, p.config.Config.User)
	if err != nil {
		return meta, err
	}
	c := p.config.Config
	meta = rootMeta{
		Config:   Config{Entrypoint: c.Entrypoint, Cmd: c.Cmd, Env: c.Env, Dir: dir, User: user, Home: home, StopSignal: c.StopSignal},
		Platform: p.config.Platform, Bytes: r.Disk(),
	}
	b, err := json.Marshal(meta)
	if err == nil {
		err = os.WriteFile(filepath.Join(tmp, "image.json"), b, 0o600)
	}
	if err == nil {
		err = syncTree(tmp)
	}
	return meta, full(err)
}

// layer unpacks one layer and compares its uncompressed bytes with what the
// configuration names.
func (k *work) layer(ctx context.Context, r *unpack.Root, d, diff Digest) error {
	kept, ok := k.s.have(ctx, d)
	if !ok {
		return fmt.Errorf("%s: %w", d, blob.ErrNotFound)
	}
	f, err := blob.Open(ctx, k.s.blobs, kept.ref)
	if err != nil {
		return err
	}
	got, err := r.Layer(ctx, f)
	if err == nil && got != diff {
		err = fmt.Errorf("%w: it unpacks to %s, the configuration says %s", ErrDigest, got, diff)
	}
	return err
}
