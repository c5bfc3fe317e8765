package blob_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/blobtest"
	"github.com/artel-network/artel/blob/mem"
)

// TestHostileServer plays servers that break the rules, one each.
func TestHostileServer(t *testing.T) {
	store := mem.New(0)
	data := blobtest.Bytes(1, 3*blob.LeafSize)
	root := addFile(t, store, data)
	rootBlock, err := store.Get(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	leaf, leafData := blobtest.Block(1, 5)
	welcome := blob.AppendFrame(nil, blob.TypeWelcome, []byte{1})
	block := func(ref artel.Ref, data []byte) []byte {
		return blob.AppendFrame(nil, blob.TypeBlock, ref.Bytes(), data)
	}
	bad := bytes.Clone(rootBlock)
	bad[50] ^= 1
	noise := append([]byte("no node"), 1)
	noiseRef, err := blob.RefOf(artel.CodecDagPB, noise)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		root  artel.Ref
		reply []byte
		want  error
	}{
		"wrong bytes":         {root, join(welcome, block(root, bad)), blob.ErrMismatch},
		"empty block":         {root, join(welcome, block(root, nil)), blob.ErrMismatch},
		"another block":       {root, join(welcome, block(leaf, leafData)), blob.ErrProtocol},
		"absent":              {root, join(welcome, blob.AppendFrame(nil, blob.TypeAbsent, root.Bytes())), blob.ErrNotFound},
		"absent, another":     {root, join(welcome, blob.AppendFrame(nil, blob.TypeAbsent, leaf.Bytes())), blob.ErrProtocol},
		"no welcome":          {root, block(root, rootBlock), blob.ErrProtocol},
		"welcome twice":       {root, join(welcome, welcome), blob.ErrProtocol},
		"version not offered": {root, blob.AppendFrame(nil, blob.TypeWelcome, []byte{2}), blob.ErrProtocol},
		"version 0":           {root, blob.AppendFrame(nil, blob.TypeWelcome, []byte{0}), blob.ErrProtocol},
		"client's frame":      {root, join(welcome, blob.WantFrame([]artel.Ref{root})), blob.ErrProtocol},
		"unknown frame":       {root, join(welcome, blob.AppendFrame(nil, 0x99)), blob.ErrProtocol},
		"frame of no bytes":   {root, []byte{0, 0, 0, 0}, blob.ErrProtocol},
		"frame of 4 GiB":      {root, []byte{0xff, 0xff, 0xff, 0xff, 0x82}, blob.ErrProtocol},
		"block of 2 MiB + 1":  {root, join(welcome, binary.BigEndian.AppendUint32(nil, 1+36+blob.MaxBlock+1)), blob.ErrProtocol},
		"http":                {root, []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), blob.ErrProtocol},
		"noise as a node":     {noiseRef, join(welcome, block(noiseRef, noise)), blob.ErrMalformed},
		"refused":             {root, blob.RefusedFrame(blob.CodeBusy, "later"), blob.ErrRefused},
		"refused, escapes":    {root, blob.AppendFrame(nil, blob.TypeRefused, []byte("\x04\x1b[2J\xff")), blob.ErrRefused},
		"ends":                {root, nil, io.ErrUnexpectedEOF},
		"ends in a frame":     {root, join(welcome, block(root, rootBlock)[:60]), io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			to := mem.New(0)
			var wg sync.WaitGroup
			err := blob.Fetch(t.Context(), func(context.Context) (blob.Stream, error) {
				client, server := net.Pipe()
				wg.Go(func() { io.Copy(io.Discard, server) })
				wg.Go(func() { server.Write(c.reply); server.Close() })
				return client, nil
			}, to, c.root, blob.FetchOptions{})
			wg.Wait()
			wantErr(t, err, c.want)
			if strings.ContainsRune(err.Error(), 0x1b) {
				t.Fatalf("escape in %q", err)
			}
			if n, _ := count(t, to); n != 0 {
				t.Fatalf("%d blocks were kept", n)
			}
		})
	}
}

// TestHostileClient plays clients that break the rules.
func TestHostileClient(t *testing.T) {
	store := mem.New(0)
	root := sampleTree(t, store)
	refs := slices.Repeat([]artel.Ref{root}, 65)
	badRef := append(make([]byte, 0, 36), bytes.Repeat([]byte{7}, 36)...)
	for name, said := range map[string][]byte{
		"no hello":       blob.WantFrame(refs[:1]),
		"hello twice":    join(blob.HelloFrame(root), blob.HelloFrame(root)),
		"version 0":      blob.AppendFrame(nil, blob.TypeHello, []byte{0}, root.Bytes()),
		"short hello":    blob.AppendFrame(nil, blob.TypeHello, []byte{1}),
		"root no ref":    blob.AppendFrame(nil, blob.TypeHello, []byte{1}, badRef),
		"65 refs":        join(blob.HelloFrame(root), blob.WantFrame(refs)),
		"no refs":        join(blob.HelloFrame(root), blob.WantFrame(nil)),
		"half a ref":     join(blob.HelloFrame(root), blob.AppendFrame(nil, blob.TypeWant, root.Bytes()[:20])),
		"want no ref":    join(blob.HelloFrame(root), blob.AppendFrame(nil, blob.TypeWant, badRef)),
		"server's frame": join(blob.HelloFrame(root), blob.AppendFrame(nil, blob.TypeBlock, root.Bytes(), []byte("x"))),
		"4 GiB":          {0xff, 0xff, 0xff, 0xff},
		"http":           []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			client, server := net.Pipe()
			go func() { client.Write(said); io.Copy(io.Discard, client) }()
			_, err := blob.Serve(t.Context(), server, stranger, store, blob.ServeOptions{Allow: anyone})
			wantErr(t, err, blob.ErrProtocol)
		})
	}
	t.Run("asks for millions and reads slowly", func(t *testing.T) {
		client, server := net.Pipe()
		done := make(chan error, 1)
		go func() {
			_, err := blob.Serve(context.Background(), server, stranger, store, blob.ServeOptions{Allow: anyone})
			done <- err
		}()
		go func() {
			client.Write(blob.HelloFrame(root))
			for {
				if _, err := client.Write(blob.WantFrame(refs[:64])); err != nil {
					return
				}
			}
		}()
		in := io.LimitReader(client, 1<<20) // and then leaves
		if n, err := io.Copy(io.Discard, in); err != nil || n != 1<<20 {
			t.Fatal(n, err)
		}
		client.Close()
		if err := <-done; err == nil {
			t.Fatal("the server noticed nothing")
		}
	})
}

// TestIdle: in virtual time, a peer that stops gives an end, on either side.
func TestIdle(t *testing.T) {
	store := mem.New(0)
	root := addFile(t, store, blobtest.Bytes(1, 3*blob.LeafSize))
	idle := 10 * time.Second
	t.Run("server stalls", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			go io.Copy(io.Discard, server)
			start := time.Now()
			err := blob.Fetch(t.Context(), func(context.Context) (blob.Stream, error) { return client, nil }, mem.New(0), root, blob.FetchOptions{Idle: idle})
			wantErr(t, err, os.ErrDeadlineExceeded)
			if took := time.Since(start); took != idle {
				t.Fatalf("gave up after %v", took)
			}
		})
	})
	t.Run("server trickles", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			go io.Copy(io.Discard, server)
			go func() {
				for {
					if _, err := server.Write([]byte{0}[:1]); err != nil {
						return
					}
					time.Sleep(idle - time.Second)
				}
			}()
			err := blob.Fetch(t.Context(), func(context.Context) (blob.Stream, error) { return client, nil }, mem.New(0), root, blob.FetchOptions{Idle: idle})
			wantErr(t, err, os.ErrDeadlineExceeded)
			time.Sleep(idle) // the server notices
		})
	})
	t.Run("nobody reads at the server", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			defer server.Close()
			err := blob.Fetch(t.Context(), func(context.Context) (blob.Stream, error) { return client, nil }, mem.New(0), root, blob.FetchOptions{Idle: idle})
			wantErr(t, err, os.ErrDeadlineExceeded)
		})
	})
	for name, said := range map[string][]byte{
		"client says nothing":   nil,
		"client stops at hello": blob.HelloFrame(root),
		"client never reads":    join(blob.HelloFrame(root), blob.WantFrame([]artel.Ref{root})),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				defer client.Close()
				go client.Write(said)
				if name == "client stops at hello" {
					go io.Copy(io.Discard, client)
				}
				start := time.Now()
				_, err := blob.Serve(t.Context(), server, stranger, store, blob.ServeOptions{Allow: anyone, Idle: idle})
				wantErr(t, err, os.ErrDeadlineExceeded)
				if took := time.Since(start); took != idle {
					t.Fatalf("gave up after %v", took)
				}
			})
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			done := make(chan error, 1)
			go func() {
				_, err := blob.Serve(ctx, server, stranger, store, blob.ServeOptions{Allow: anyone})
				done <- err
			}()
			wantErr(t, <-done, context.Canceled)
			client.Close()

			client, server = net.Pipe()
			go io.Copy(io.Discard, server)
			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			err := blob.Fetch(ctx, func(context.Context) (blob.Stream, error) { return client, nil }, mem.New(0), root, blob.FetchOptions{})
			wantErr(t, err, context.Canceled)
		})
	})
}

func FuzzMessage(f *testing.F) {
	ref, _ := blobtest.Block(1, 1)
	f.Add(blob.HelloFrame(ref)[4:])
	f.Add(blob.WantFrame([]artel.Ref{ref, ref})[4:])
	f.Add(blob.AppendFrame(nil, blob.TypeBlock, ref.Bytes(), []byte("data"))[4:])
	f.Add(blob.AppendFrame(nil, blob.TypeAbsent, ref.Bytes())[4:])
	f.Add(blob.RefusedFrame(blob.CodeBusy, "later")[4:])
	f.Fuzz(func(t *testing.T, b []byte) {
		again, err := blob.Redo(b)
		if err != nil {
			wantErr(t, err, blob.ErrProtocol)
			return
		}
		// A refusal's text is made printable; all else comes back as it was.
		if !bytes.Equal(again, b) && b[0] != blob.TypeRefused {
			t.Fatalf("%x is read as %x", b, again)
		}
	})
}

// FuzzServe lets a client say anything.
func FuzzServe(f *testing.F) {
	store := mem.New(0)
	root := addFile(f, store, []byte("root"))
	f.Add(join(blob.HelloFrame(root), blob.WantFrame([]artel.Ref{root})))
	f.Fuzz(func(t *testing.T, said []byte) {
		client, server := net.Pipe()
		var wg sync.WaitGroup
		wg.Go(func() { io.Copy(io.Discard, client) })
		wg.Go(func() { client.Write(said); client.Close() })
		blob.Serve(t.Context(), server, stranger, store, blob.ServeOptions{Allow: anyone})
		wg.Wait()
	})
}

// FuzzFetch lets a server say anything; nothing but the root can be kept.
func FuzzFetch(f *testing.F) {
	root, data := blobtest.Block(1, 20)
	welcome := blob.AppendFrame(nil, blob.TypeWelcome, []byte{1})
	f.Add(join(welcome, blob.AppendFrame(nil, blob.TypeBlock, root.Bytes(), data)))
	f.Fuzz(func(t *testing.T, said []byte) {
		to := mem.New(0)
		var wg sync.WaitGroup
		err := blob.Fetch(t.Context(), func(context.Context) (blob.Stream, error) {
			client, server := net.Pipe()
			wg.Go(func() { io.Copy(io.Discard, server) })
			wg.Go(func() { server.Write(said); server.Close() })
			return client, nil
		}, to, root, blob.FetchOptions{})
		wg.Wait()
		n, _ := count(t, to)
		if held, _ := blob.Has(t.Context(), to, root); held != (err == nil) || n > 1 || (n == 1) != held {
			t.Fatalf("held %v, %d blocks, %v", held, n, err)
		}
	})
}
