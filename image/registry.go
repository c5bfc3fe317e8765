package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/artel-network/artel/image/oci"
)

// Registries is how registries are spoken to. The zero value reaches public ones
// over https, as nobody in particular.
type Registries struct {
	// Insecure lists registries, "host" or "host:port", that may have private
	// addresses and speak plain http. Others may not: a stranger names them, and
	// this machine's network is none of the stranger's business.
	Insecure []string
	// Loopback lets registries on this machine be used, over plain http too.
	Loopback bool
	// DockerConfig uses the credentials in this user's Docker configuration.
	DockerConfig bool
	// Stall is how long a registry may send nothing; 0: 30 s.
	Stall time.Duration
	// Backoff is how long to wait after the first failure, doubled by each further
	// one; 0: 250 ms.
	Backoff time.Duration
}

// failures in a row, none of them having brought a byte more, that end a pull.
const failures = 5

func (r Registries) stall() time.Duration {
	if r.Stall == 0 {
		return 30 * time.Second
	}
	return r.Stall
}

func (r Registries) backoff() time.Duration {
	if r.Backoff == 0 {
		return 250 * time.Millisecond
	}
	return r.Backoff
}

// Pinned is what a name meant when it was asked for.
type Pinned struct {
	// Digest of a manifest, or of an index if no platform was given.
	Digest Digest
	// Source is the repository without tag or digest.
	Source string
	// Size is what a provider pulls, in bytes as the manifest claims; of an index
	// the largest manifest that a box can run.
	Size int64
	// Platforms that it is for.
	Platforms []Platform
	// Private says that others cannot pull it from there: it took this user's
	// credentials, or the registry is on this machine.
	Private bool
}

// Resolve asks a registry what ref ("python:3.12", "ghcr.io/org/name@sha256:…")
// means now. With a platform it pins that one's manifest, else whatever the
// name stands for. Errors: ErrNotFound, ErrAuth, ErrPlatform, ErrMalformed,
// ErrUnsupported, ErrRegistry.
func (r Registries) Resolve(ctx context.Context, ref string, p Platform) (Pinned, error) {
	pin, err := r.resolve(ctx, ref, p)
	if err != nil {
		return Pinned{}, fmt.Errorf("resolve image %.200q: %w", ref, err)
	}
	return pin, nil
}

func (r Registries) resolve(ctx context.Context, ref string, p Platform) (Pinned, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return Pinned{}, fmt.Errorf("%w: %w; hint: it reads like python:3.12 or ghcr.io/org/name:tag; a file is given with its path", ErrMalformed, err)
	}
	repo, err := r.open(parsed.Context().Name())
	if err != nil {
		return Pinned{}, err
	}
	defer repo.close()
	b, err := repo.manifest(ctx, parsed.Identifier(), nil)
	if err != nil {
		return Pinned{}, err
	}
	pin := Pinned{Digest: oci.DigestOf(b), Source: parsed.Context().Name()}
	pin.Private = r.private(ctx, repo, pin.Digest)
	if want, ok := parsed.(name.Digest); ok && want.DigestStr() != pin.Digest.String() {
		return Pinned{}, fmt.Errorf("%w: %s was asked for, the registry sends %s", ErrDigest, want.DigestStr(), pin.Digest)
	}
	doc, err := oci.Decode(b)
	if err != nil {
		return Pinned{}, err
	}
	if doc.Manifest != nil {
		return pin, repo.describe(ctx, &pin, *doc.Manifest, p)
	}
	if !p.IsZero() {
		d, err := doc.Index.Pick(p)
		if err != nil {
			return Pinned{}, err
		}
		m, err := repo.part(ctx, d)
		if err != nil {
			return Pinned{}, err
		}
		pin.Digest = d.Digest
		return pin, repo.describe(ctx, &pin, *m, p)
	}
	for _, d := range doc.Index.Manifests {
		if d.Platform == nil || d.Platform.OS != "linux" {
			continue
		}
		pin.Platforms = append(pin.Platforms, *d.Platform)
		// These are the two that container boxes run on.
		if d.Platform.Arch == "amd64" || d.Platform.Arch == "arm64" {
			m, err := repo.part(ctx, d)
			if err != nil {
				return Pinned{}, err
			}
			pin.Size = max(pin.Size, m.Size())
		}
	}
	return pin, nil
}

// private reports whether only this user can have what a repository sent: nobody
// in particular is refused, or cannot even reach it.
func (r Registries) private(ctx context.Context, from *repository, d Digest) bool {
	host := from.repo.RegistryStr()
	if isLoopback(hostOf(host)) && !r.named(host) {
		return true
	}
	if !r.DockerConfig {
		return false
	}
	auth, err := authn.DefaultKeychain.Resolve(from.repo)
	if err != nil || auth == authn.Anonymous {
		return false
	}
	r.DockerConfig = false
	repo, err := r.open(from.repo.Name())
	if err != nil {
		return false
	}
	defer repo.close()
	// Who cannot tell (too many requests, say) takes it for public: then providers
	// find out, and nothing is given away.
	_, err = repo.manifest(ctx, d.String(), &d)
	return errors.Is(err, ErrAuth) || errors.Is(err, ErrNotFound)
}

// describe fills in what a manifest and its configuration say.
func (r *repository) describe(ctx context.Context, pin *Pinned, m oci.Manifest, want Platform) error {
	var buf strings.Builder
	if err := r.blob(ctx, m.Config.Digest, m.Config.Size, &pull{w: &buf}); err != nil {
		return err
	}
	c, err := oci.DecodeConfig([]byte(buf.String()), len(m.Layers))
	if err != nil {
		return err
	}
	if !want.IsZero() && !want.Runs(c.Platform) {
		return fmt.Errorf("%w: it is for %s, %s is wanted", ErrPlatform, c.Platform, want)
	}
	pin.Size, pin.Platforms = m.Size(), []Platform{c.Platform}
	return nil
}

// part fetches and checks a manifest of an index.
func (r *repository) part(ctx context.Context, d oci.Descriptor) (*oci.Manifest, error) {
	b, err := r.manifest(ctx, d.Digest.String(), &d.Digest)
	if err != nil {
		return nil, err
	}
	doc, err := oci.Decode(b)
	if err == nil && doc.Manifest == nil {
		err = fmt.Errorf("%w: an index within an index", ErrUnsupported)
	}
	return doc.Manifest, err
}

// repository is one name of one registry.
type repository struct {
	r    Registries
	repo name.Repository
	base *guard

	mu   sync.Mutex
	http *http.Client // after the first handshake
}

// close gives the connections back.
func (r *repository) close() { r.base.inner.CloseIdleConnections() }

// open prepares a repository; it talks to nobody.
func (r Registries) open(source string) (*repository, error) {
	host, _, _ := strings.Cut(source, "/")
	var opts []name.Option
	if r.allows(host) {
		opts = append(opts, name.Insecure)
	}
	ref, err := name.ParseReference(source, opts...)
	if err != nil {
		return nil, fmt.Errorf("%w: source %.200q: %w", ErrMalformed, source, err)
	}
	repo := ref.Context()
	for part := range strings.SplitSeq(repo.RepositoryStr(), "/") {
		if strings.Trim(part, ".") == "" {
			return nil, fmt.Errorf("%w: source %.200q", ErrMalformed, source)
		}
	}
	if repo.Scheme() != "https" && !r.allows(repo.RegistryStr()) {
		return nil, fmt.Errorf("%w: %s is a registry on this machine or its network, and plain http; hint: name it as an insecure registry if that is meant", ErrRegistry, repo.RegistryStr())
	}
	return &repository{r: r, repo: repo, base: newGuard(r)}, nil
}

// client shakes hands with the registry at the first call.
func (r *repository) client(ctx context.Context) (*http.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.http != nil {
		return r.http, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*r.r.stall())
	defer cancel()
	auth := authn.Anonymous
	if r.r.DockerConfig {
		a, err := authn.DefaultKeychain.Resolve(r.repo)
		if err != nil {
			return nil, fmt.Errorf("%w: read the Docker configuration: %w", ErrAuth, err)
		}
		auth = a
	}
	rt, err := transport.NewWithContext(ctx, r.repo.Registry, auth, transport.NewUserAgent(r.base, "artel"), []string{r.repo.Scope(transport.PullScope)})
	if err != nil {
		return nil, err
	}
	r.http = &http.Client{Transport: rt, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) >= 5 {
			return errors.New("more than 5 redirections")
		}
		return nil
	}}
	return r.http, nil
}

var accept = strings.Join([]string{oci.TypeIndex, oci.TypeManifest, oci.TypeDockerIndex, oci.TypeDockerManifest}, ", ")

// manifest fetches a manifest or index by tag or digest. want, if set, is its digest.
func (r *repository) manifest(ctx context.Context, id string, want *Digest) ([]byte, error) {
	var b []byte
	err := r.retry(ctx, func() (bool, error) {
		resp, done, err := r.get(ctx, "manifests/"+id, http.Header{"Accept": {accept}})
		if err != nil {
			return false, err
		}
		defer done()
		if b, err = io.ReadAll(io.LimitReader(resp.Body, oci.MaxDocument+1)); err != nil {
			return false, err
		}
		if len(b) > oci.MaxDocument {
			return false, final(fmt.Errorf("%w: manifest of more than %d bytes", ErrMalformed, oci.MaxDocument))
		}
		if want != nil && oci.DigestOf(b) != *want {
			return false, final(fmt.Errorf("%w: the registry sends other bytes as manifest %s", ErrDigest, want))
		}
		return true, nil
	})
	if err != nil {
		return nil, fmt.Errorf("manifest %s of %s: %w", id, r.repo.Name(), err)
	}
	return b, nil
}

// finalError is one that trying again does not mend.
type finalError struct{ err error }

func (f *finalError) Error() string { return f.err.Error() }
func (f *finalError) Unwrap() error { return f.err }

func final(err error) error { return &finalError{err} }

// retry calls f until it is done, its error is final, or it failed too often
// without progress.
func (r *repository) retry(ctx context.Context, f func() (progress bool, err error)) error {
	for failed := 0; ; {
		progress, err := f()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err = classify(err)
		var end *finalError
		if errors.As(err, &end) {
			return end.err
		}
		if progress {
			failed = 0
		}
		if failed++; failed >= failures {
			return fmt.Errorf("%w: %d times in a row, at last: %w", ErrRegistry, failed, err)
		}
		t := time.NewTimer(r.r.backoff() << (failed - 1))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}

// classify gives the refusals of registries the names that callers match.
func classify(err error) error {
	var refused *refusedAddress
	if errors.As(err, &refused) {
		return final(fmt.Errorf("%w: %w", ErrRegistry, err))
	}
	var e *transport.Error
	if !errors.As(err, &e) {
		return err
	}
	why := clipped(e)
	switch {
	case e.StatusCode == http.StatusUnauthorized, e.StatusCode == http.StatusForbidden:
		return final(fmt.Errorf("%w: %s; hint: it is private, or does not exist; log in with docker, or give the image as a file", ErrAuth, why))
	case e.StatusCode == http.StatusNotFound:
		return final(fmt.Errorf("%w: %s", ErrNotFound, why))
	case e.StatusCode == http.StatusTooManyRequests, e.StatusCode == http.StatusRequestTimeout, e.StatusCode >= 500:
		return errors.New(why)
	}
	return final(fmt.Errorf("%w: %s", ErrRegistry, why))
}

// clipped keeps what a registry says within a line.
func clipped(err error) string {
	s := strings.Join(strings.Fields(strings.ToValidUTF8(err.Error(), "?")), " ")
	if len(s) > 300 {
		s = s[:300] + "…"
	}
	return s
}

// allows reports whether a registry may have a private address and speak http.
func (r Registries) allows(hostport string) bool {
	return hostport != "" && (r.named(hostport) || r.Loopback && isLoopback(hostOf(hostport)))
}

// named reports whether the owner has named a registry as an insecure one.
func (r Registries) named(hostport string) bool {
	return slices.Contains(r.Insecure, hostport) || slices.Contains(r.Insecure, hostOf(hostport))
}
