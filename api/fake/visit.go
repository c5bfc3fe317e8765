package fake

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/wire"
)

// Image implements api.Images: every name means an image of its own.
func (n *Node) Image(_ context.Context, r api.ImageRequest) (api.Image, error) {
	if strings.HasPrefix(r.Name, "missing") {
		return api.Image{}, api.Errorf(api.CodeNotFound, "no image %s", r.Name)
	}
	return api.Image{Digest: artel.Keccak([]byte(r.Name + r.Path)), Source: r.Name, Bytes: 1 << 20, Platforms: []string{"linux/amd64"}}, nil
}

// Images implements api.Images: one of each kind.
func (n *Node) Images(context.Context) (api.ImageList, error) {
	return api.ImageList{Images: n.images, Own: api.ImageRoom{Limit: 64 << 30, Used: 1 << 20}, Guests: api.ImageRoom{Limit: 6 << 30, Used: 3 << 30}}, nil
}

// RemoveImages implements api.Images.
func (n *Node) RemoveImages(_ context.Context, r api.RemoveImages) (f api.FreedImages, err error) {
	n.change(func() {
		n.images = slices.DeleteFunc(n.images, func(i api.StoredImage) bool {
			named := slices.Contains(r.Digests, i.Digest)
			if named && i.InUse {
				err = api.Errorf(api.CodeConflict, "image is in use: a box is using it")
			}
			if i.InUse || !named && !r.Unused {
				return false
			}
			f.Images++
			f.Bytes += i.Bytes + i.Unpacked
			return true
		})
	})
	return f, err
}

// Kept implements api.Keeper: a task of its own, and one of another's.
func (n *Node) Kept(context.Context) (api.KeptList, error) {
	l := api.KeptList{Own: api.ImageRoom{Limit: 64 << 30, Used: 3 << 20}, Others: api.ImageRoom{Limit: 4 << 30, Used: 1 << 30}}
	for i, bytes := range []uint64{3 << 20, 1 << 30} {
		l.Tasks = append(l.Tasks, api.KeptTask{
			Task: artel.Keccak([]byte{byte(i)}), Own: i == 0, Renter: key(byte(20 + i)).NodeID(), Saver: key(10).NodeID(), Attempt: uint32(i + 1),
			Kind: []artel.CheckpointKind{artel.CheckpointFiles, artel.CheckpointWhole}[i], Generation: uint64(5 + i), Held: 2, Bytes: bytes, Until: when,
		})
	}
	return l, nil
}

// OnVisit makes serve answer the visits from now on. It reads and writes frames
// (wire.ProtocolVisit, after FrameOpened), and closes the stream when it is done.
func (n *Node) OnVisit(serve func(v api.VisitRequest, s io.ReadWriteCloser)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.visits = serve
}

// Visit implements api.Visits: unless OnVisit says otherwise, a program says its
// arguments and then what it is given, a port sends back what it gets, a meter
// stands at the same figures.
func (n *Node) Visit(_ context.Context, id string, v api.VisitRequest) (io.ReadWriteCloser, error) {
	if v.Any {
		n.mu.Lock()
		j, err := n.named(id)
		n.mu.Unlock()
		if err != nil {
			return nil, err
		}
		id = j.detail.ID
	}
	d, err := n.Job(context.Background(), id)
	if err != nil {
		return nil, err
	}
	if d.State != api.StateRunning {
		return nil, api.Errorf(api.CodeConflict, "task %d of job %s does not run now", v.Task, id)
	}
	here, there := net.Pipe()
	n.mu.Lock()
	serve := n.visits
	n.mu.Unlock()
	if serve != nil {
		go serve(v, there)
		return here, nil
	}
	go func() {
		defer there.Close()
		if v.Kind == wire.VisitExec {
			wire.WriteFrame(there, wire.FrameOut, []byte(strings.Join(v.Args, " ")+"\n"))
		}
		for {
			kind, b, err := wire.ReadFrame(there, nil)
			if err != nil {
				return
			}
			switch kind {
			case wire.FrameIn:
				if v.Kind == wire.VisitUsage {
					wire.WriteFrame(there, wire.FrameReading, wire.Reading{CPU: 1500, Wall: 3000, Memory: 64 << 20, Processes: 2}.Marshal())
					continue
				}
				wire.WriteFrame(there, wire.FrameOut, b)
			case wire.FrameInEnd:
				if v.Kind == wire.VisitDial {
					wire.WriteFrame(there, wire.FrameOutEnd, nil)
					return
				}
				var code [4]byte
				if len(v.Args) > 0 && v.Args[0] == "false" {
					binary.BigEndian.PutUint32(code[:], 1)
				}
				wire.WriteFrame(there, wire.FrameExit, code[:])
				return
			}
		}
	}()
	return here, nil
}
