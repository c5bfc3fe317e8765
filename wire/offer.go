package wire

import (
	"fmt"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/wire/wirepb"
)

// SealOffer encodes o and signs it with its node's key, for o.Network. Another
// key than o.Node's makes an offer that nobody opens.
func SealOffer(o artel.Offer, key artel.Key) []byte {
	return seal(kindOffer, o.Network, encode(offerPB(o)), key)
}

// OpenOffer reads what SealOffer wrote and checks its size, its shape, that it
// is for network and that o.Node signed it. What it claims, and whether it is
// still alive, is Offer.Check's question. The id is the hash of what was
// signed; it is what Terms.Offer names.
//
// Errors match artel.ErrInvalid or artel.ErrSignature.
func OpenOffer(b []byte, network artel.Hash) (o artel.Offer, id artel.Hash, err error) {
	s, err := open(kindOffer, network, b, MaxOffer)
	if err != nil {
		return artel.Offer{}, artel.Hash{}, fmt.Errorf("open offer: %w", err)
	}
	if o, err = readOffer(s.body); err != nil {
		return artel.Offer{}, artel.Hash{}, fmt.Errorf("open offer: %w", err)
	}
	if o.Network != network {
		return artel.Offer{}, artel.Hash{}, fmt.Errorf("open offer: %w",
			artel.Invalid("it is for network %s, this is %s; hint: both sides need the same network file", o.Network.Short(), network.Short()))
	}
	if err = s.by(o.Node); err != nil {
		return artel.Offer{}, artel.Hash{}, fmt.Errorf("open offer: %w", err)
	}
	return o, s.digest, nil
}

func offerPB(o artel.Offer) *wirepb.Offer {
	m := &wirepb.Offer{
		Network: blank(o.Network[:]), Node: blank(o.Node[:]), Account: blank(o.Account[:]), Machine: blank(o.Machine[:]),
		Seq: o.Seq, Issued: o.Issued, Expires: o.Expires,
		Resources: resourcesPB(o.Resources), Price: uint64(o.Price), Region: valid(o.Region),
		Speed: o.Speed, UpSince: o.UpSince, MaxUnpaid: amountBytes(o.MaxUnpaid), Prepay: o.Prepay, MaxUnit: o.MaxUnit,
		PullFree: o.PullFree, PullPrice: uint64(o.PullPrice), Moves: valid(o.Moves), Keeps: o.Keeps, Strict: o.Strict,
	}
	if c := o.CPU; c.Arch != "" || c.Vendor != "" || len(c.Features) > 0 {
		m.Cpu = &wirepb.CPU{Arch: valid(c.Arch), Vendor: valid(c.Vendor)}
		for _, f := range c.Features {
			m.Cpu.Features = append(m.Cpu.Features, valid(f))
		}
	}
	if g := o.GPU; g != (artel.GPU{}) {
		m.Gpu = &wirepb.GPU{Model: valid(g.Model), Driver: valid(g.Driver)}
	}
	for _, s := range o.Sandboxes {
		m.Sandboxes = append(m.Sandboxes, valid(s))
	}
	for _, a := range o.Addrs {
		m.Addrs = append(m.Addrs, valid(a))
	}
	return m
}

func readOffer(b []byte) (artel.Offer, error) {
	var m wirepb.Offer
	if err := decode(b, MaxOffer, tolerant, &m); err != nil {
		return artel.Offer{}, err
	}
	r := reader{message: "Offer"}
	o := artel.Offer{
		Network: r.hash("network", m.Network), Node: r.node("node", m.Node), Account: r.address("account", m.Account),
		Seq: m.Seq, Issued: r.atMost("issued", m.Issued, maxTime), Expires: r.atMost("expires", m.Expires, maxTime),
		Resources: resources(m.Resources), Price: artel.Price(m.Price), Region: r.name("region", m.Region),
		Speed: m.Speed, UpSince: r.atMost("up_since", m.UpSince, maxTime),
		MaxUnpaid: r.amount("max_unpaid", m.MaxUnpaid), Prepay: m.Prepay, MaxUnit: m.MaxUnit,
		PullFree: m.PullFree, PullPrice: artel.Price(m.PullPrice), Moves: r.name("moves", m.Moves), Keeps: m.Keeps, Strict: m.Strict,
		GPU: artel.GPU{Model: r.name("gpu.model", m.Gpu.GetModel()), Driver: r.name("gpu.driver", m.Gpu.GetDriver())},
		CPU: artel.CPU{Arch: r.name("cpu.arch", m.Cpu.GetArch()), Vendor: r.name("cpu.vendor", m.Cpu.GetVendor())},
	}
	for _, f := range m.Cpu.GetFeatures() {
		o.CPU.Features = append(o.CPU.Features, r.name("cpu.features", f))
	}
	r.fixed("machine", o.Machine[:], m.Machine)
	for _, s := range m.Sandboxes {
		o.Sandboxes = append(o.Sandboxes, r.name("sandboxes", s))
	}
	for _, a := range m.Addrs {
		o.Addrs = append(o.Addrs, r.name("addrs", a))
	}
	if r.err != nil {
		return artel.Offer{}, r.err
	}
	return o, nil
}

// resourcesPB returns nil for zero resources: they have nothing to say.
func resourcesPB(x artel.Resources) *wirepb.Resources {
	if x == (artel.Resources{}) {
		return nil
	}
	return &wirepb.Resources{Slots: x.Slots, Memory: x.Memory, Disk: x.Disk, Gpus: x.GPUs, GpuMemory: x.GPUMemory}
}

func resources(m *wirepb.Resources) artel.Resources {
	return artel.Resources{Slots: m.GetSlots(), Memory: m.GetMemory(), Disk: m.GetDisk(), GPUs: m.GetGpus(), GPUMemory: m.GetGpuMemory()}
}
