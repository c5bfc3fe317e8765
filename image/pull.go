package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

func checkStatus(resp *http.Response) error {
	err := transport.CheckError(resp, http.StatusOK, http.StatusPartialContent)
	if err != nil {
		resp.Body.Close()
	}
	return err
}

// watched is a body that breaks off when nothing comes for a while.
type watched struct {
	ctx   context.Context
	inner io.ReadCloser
	stall time.Duration
	timer *time.Timer
}

func (w *watched) Read(p []byte) (int, error) {
	w.timer.Reset(w.stall) // the time that our own disk takes does not count
	n, err := w.inner.Read(p)
	w.timer.Stop()
	if err != nil && err != io.EOF && w.ctx.Err() != nil {
		err = context.Cause(w.ctx)
	}
	return n, err
}

func (w *watched) Close() error { return w.inner.Close() }

// pull is where a blob goes and how far it has come.
type pull struct {
	w io.Writer
	// at is how many bytes w has already.
	at int64
	// restart empties w, where the registry will not go on at an offset; nil: w is
	// a strings.Builder or bytes.Buffer.
	restart func() error
	// got is told of bytes that came.
	got func(n int)
}

func (p *pull) reset() error {
	p.at = 0
	if p.restart != nil {
		return p.restart()
	}
	if b, ok := p.w.(interface{ Reset() }); ok {
		b.Reset()
	}
	return nil
}

// blob fetches a blob's bytes from where p is to size, and goes on where it broke
// off if the registry can. The digest is for the caller to compare.
func (r *repository) blob(ctx context.Context, d Digest, size int64, p *pull) error {
	best := p.at
	err := r.retry(ctx, func() (bool, error) {
		err := r.blobOnce(ctx, d, size, p)
		progress := p.at > best
		best = max(best, p.at)
		return progress, err
	})
	if err != nil {
		return fmt.Errorf("blob %s of %s: %w", d, r.repo.Name(), err)
	}
	return nil
}

func (r *repository) blobOnce(ctx context.Context, d Digest, size int64, p *pull) error {
	header := http.Header{"Accept": {"*/*"}}
	if p.at == size && size > 0 {
		return nil
	}
	if p.at > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", p.at, size-1))
	}
	resp, done, err := r.get(ctx, "blobs/"+d.String(), header)
	if err != nil {
		var e *transport.Error
		if errors.As(err, &e) && e.StatusCode == http.StatusRequestedRangeNotSatisfiable && p.at > 0 {
			return errors.Join(errors.New("the registry refuses to go on within the blob"), p.reset())
		}
		return err
	}
	defer done()
	if p.at > 0 && !continues(resp, p.at) {
		if resp.StatusCode != http.StatusOK {
			return errors.Join(fmt.Errorf("the registry was asked for bytes from %d and answers with %.60q", p.at, resp.Header.Get("Content-Range")), p.reset())
		}
		if err := p.reset(); err != nil {
			return final(err)
		}
	}
	left := size - p.at
	if n := resp.ContentLength; n >= 0 && n != left {
		return final(fmt.Errorf("%w: the registry has %d bytes, the manifest says %d", ErrDigest, p.at+n, size))
	}
	n, err := io.CopyBuffer(counter{p}, io.LimitReader(resp.Body, left+1), make([]byte, 128<<10))
	switch {
	case n > left:
		return final(fmt.Errorf("%w: the registry sends more than the %d bytes that the manifest says", ErrDigest, size))
	case err != nil:
		return err
	case n < left:
		return fmt.Errorf("%w: %d of %d bytes came", io.ErrUnexpectedEOF, p.at, size)
	}
	return nil
}

// continues reports whether an answer begins at the byte that was asked for.
func continues(resp *http.Response, at int64) bool {
	return resp.StatusCode == http.StatusPartialContent && strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", at))
}

// counter writes to a pull. An error of the disk is final.
type counter struct{ p *pull }

func (c counter) Write(b []byte) (int, error) {
	n, err := c.p.w.Write(b)
	c.p.at += int64(n)
	if c.p.got != nil && n > 0 {
		c.p.got(n)
	}
	if err != nil {
		err = final(full(err))
	}
	return n, err
}
