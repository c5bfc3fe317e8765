package wire

import (
	"github.com/artel-network/artel"
	"github.com/artel-network/artel/wire/wirepb"
)

// Marshal encodes m.
func (m ProposeRequest) Marshal() []byte {
	return encode(&wirepb.ProposeRequest{
		Lease: leasePB(m.Lease), Terms: m.Terms, Signature: blank(m.Signature[:]), Reserve: reservePB(m.Reserve), Voucher: voucherPB(m.Voucher),
	})
}

// UnmarshalProposeRequest decodes what a renter sent. It checks that the lease
// holds the hash of the terms; DecodeTerms reads those.
func UnmarshalProposeRequest(b []byte) (ProposeRequest, error) {
	var p wirepb.ProposeRequest
	if err := decode(b, MaxPropose, tolerant, &p); err != nil {
		return ProposeRequest{}, err
	}
	r := reader{message: "ProposeRequest"}
	m := ProposeRequest{
		Lease: r.lease("lease", p.Lease), Terms: p.Terms, Signature: r.signature("signature", p.Signature),
		Reserve: r.reserve("reserve", p.Reserve), Voucher: r.voucher("voucher", p.Voucher),
	}
	r.terms("terms", m.Lease, m.Terms)
	if r.err != nil {
		return ProposeRequest{}, r.err
	}
	return m, nil
}

func (r *reader) terms(field string, l artel.Lease, terms []byte) {
	switch {
	case len(terms) > MaxTerms:
		r.fail(field, "%d bytes, at most %d", len(terms), MaxTerms)
	case TermsHash(terms) != l.Terms:
		r.fail(field, "their hash is %s, the lease holds %s", TermsHash(terms).Short(), l.Terms.Short())
	}
}

// Marshal encodes m.
func (m ProposeResponse) Marshal() []byte {
	return encode(&wirepb.ProposeResponse{Signature: blank(m.Signature[:])})
}

// UnmarshalProposeResponse decodes what a provider sent.
func UnmarshalProposeResponse(b []byte) (ProposeResponse, error) {
	var p wirepb.ProposeResponse
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return ProposeResponse{}, err
	}
	r := reader{message: "ProposeResponse"}
	m := ProposeResponse{Signature: r.signature("signature", p.Signature)}
	return m, r.err
}

// Marshal encodes m.
func (m ReserveRequest) Marshal() []byte {
	return encode(&wirepb.ReserveRequest{Lease: blank(m.Lease[:]), Generation: m.Gen, Reserve: reservePB(&m.Reserve)})
}

// UnmarshalReserveRequest decodes what a renter sent.
func UnmarshalReserveRequest(b []byte) (ReserveRequest, error) {
	var p wirepb.ReserveRequest
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return ReserveRequest{}, err
	}
	r := reader{message: "ReserveRequest"}
	m := ReserveRequest{Lease: r.hash("lease", p.Lease), Gen: p.Generation}
	if s := r.reserve("reserve", p.Reserve); s != nil {
		m.Reserve = *s
	} else {
		r.fail("reserve", "missing")
	}
	if r.err != nil {
		return ReserveRequest{}, r.err
	}
	return m, nil
}

// Marshal encodes m.
func (m PayRequest) Marshal() []byte {
	p := &wirepb.PayRequest{Lease: blank(m.Lease[:]), Generation: m.Gen, Voucher: voucherPB(&m.Voucher)}
	for _, k := range m.Want {
		p.Want = append(p.Want, &wirepb.TaskKey{Task: k.Task, Attempt: k.Attempt})
	}
	return encode(p)
}

// UnmarshalPayRequest decodes what a renter sent.
func UnmarshalPayRequest(b []byte) (PayRequest, error) {
	var p wirepb.PayRequest
	if err := decode(b, MaxCancel, tolerant, &p); err != nil {
		return PayRequest{}, err
	}
	r := reader{message: "PayRequest"}
	m := PayRequest{Lease: r.hash("lease", p.Lease), Gen: p.Generation}
	if s := r.voucher("voucher", p.Voucher); s != nil {
		m.Voucher = *s
	} else {
		r.fail("voucher", "missing")
	}
	for _, k := range p.Want {
		m.Want = append(m.Want, TaskKey{k.Task, k.Attempt})
	}
	if r.err != nil {
		return PayRequest{}, r.err
	}
	return m, nil
}

// Marshal encodes m. At most MaxKeys keys are read by the other side.
func (m PayResponse) Marshal() []byte {
	p := &wirepb.PayResponse{Cumulative: amountBytes(m.Cumulative)}
	for _, k := range m.Keys {
		p.Keys = append(p.Keys, &wirepb.OutputKey{Task: k.Task, Attempt: k.Attempt, Key: k.Key})
	}
	return encode(p)
}

// UnmarshalPayResponse decodes what a provider sent.
func UnmarshalPayResponse(b []byte) (PayResponse, error) {
	var p wirepb.PayResponse
	if err := decode(b, MaxPay, tolerant, &p); err != nil {
		return PayResponse{}, err
	}
	r := reader{message: "PayResponse"}
	m := PayResponse{Cumulative: r.amount("cumulative", p.Cumulative)}
	for _, k := range p.Keys {
		if len(k.Key) == 0 || len(k.Key) > MaxKey {
			r.fail("key", "%d bytes, want 1 to %d", len(k.Key), MaxKey)
			break
		}
		m.Keys = append(m.Keys, OutputKey{TaskKey{k.Task, k.Attempt}, k.Key})
	}
	if r.err != nil {
		return PayResponse{}, r.err
	}
	return m, nil
}

// Marshal encodes m.
func (m CloseRequest) Marshal() []byte {
	return encode(&wirepb.CloseRequest{Lease: blank(m.Lease[:]), Generation: m.Gen})
}

// UnmarshalCloseRequest decodes what a renter sent.
func UnmarshalCloseRequest(b []byte) (CloseRequest, error) {
	var p wirepb.CloseRequest
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return CloseRequest{}, err
	}
	r := reader{message: "CloseRequest"}
	m := CloseRequest{Lease: r.hash("lease", p.Lease), Gen: p.Generation}
	return m, r.err
}

// Marshal encodes m.
func (m RecoverRequest) Marshal() []byte {
	return encode(&wirepb.RecoverRequest{
		Renter: blank(m.Renter[:]), Node: blank(m.Node[:]), Generation: m.Generation, Signature: blank(m.Signature[:]),
	})
}

// UnmarshalRecoverRequest decodes what a renter sent; its signature is checked
// against RecoverDigest by the provider.
func UnmarshalRecoverRequest(b []byte) (RecoverRequest, error) {
	var p wirepb.RecoverRequest
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return RecoverRequest{}, err
	}
	r := reader{message: "RecoverRequest"}
	m := RecoverRequest{
		Renter: r.address("renter", p.Renter), Node: r.node("node", p.Node), Generation: p.Generation, Signature: r.signature("signature", p.Signature),
	}
	if r.err != nil {
		return RecoverRequest{}, r.err
	}
	return m, nil
}

// Marshal encodes m. At most MaxLanes lanes of MaxHeldLeases leases each, and
// MaxRecover bytes in all, are read by the other side: where there is more, the
// open leases come first.
func (m RecoverResponse) Marshal() []byte {
	p := &wirepb.RecoverResponse{}
	for _, lane := range m.Lanes {
		pl := &wirepb.HeldLane{Lane: lane.Lane, Voucher: voucherPB(lane.Voucher), Accrued: accrualBytes(lane.Accrued)}
		for _, l := range lane.Leases {
			pl.Leases = append(pl.Leases, &wirepb.HeldLease{
				Lease: leasePB(l.Lease), Terms: l.Terms, Signature: blank(l.Signature[:]), Open: l.Open,
			})
		}
		p.Lanes = append(p.Lanes, pl)
	}
	return encode(p)
}

// UnmarshalRecoverResponse decodes what a provider sent.
func UnmarshalRecoverResponse(b []byte) (RecoverResponse, error) {
	var p wirepb.RecoverResponse
	if err := decode(b, MaxRecover, tolerant, &p); err != nil {
		return RecoverResponse{}, err
	}
	r := reader{message: "RecoverResponse"}
	var m RecoverResponse
	for _, pl := range p.Lanes {
		lane := HeldLane{Lane: pl.Lane, Voucher: r.voucher("voucher", pl.Voucher), Accrued: r.accrual("accrued", pl.Accrued)}
		for _, l := range pl.Leases {
			held := HeldLease{Lease: r.lease("lease", l.Lease), Terms: l.Terms, Signature: r.signature("signature", l.Signature), Open: l.Open}
			r.terms("terms", held.Lease, held.Terms)
			if r.err != nil {
				return RecoverResponse{}, r.err
			}
			lane.Leases = append(lane.Leases, held)
		}
		m.Lanes = append(m.Lanes, lane)
	}
	if r.err != nil {
		return RecoverResponse{}, r.err
	}
	return m, nil
}

// Marshal returns no bytes.
func (Empty) Marshal() []byte { return []byte{} }
