package wire

import (
	"github.com/artel-network/artel"
	"github.com/artel-network/artel/wire/wirepb"
)

// The parts that several messages share: documents of the ledger, task specs
// and receipts. Each has a PB function that writes it and a reader method that
// checks it.

func leasePB(l artel.Lease) *wirepb.Lease {
	return &wirepb.Lease{
		Renter: blank(l.Renter[:]), Provider: blank(l.Provider[:]), Lane: l.Lane, Start: l.Start, End: l.End,
		Penalty: amountBytes(l.Penalty), Rule: uint32(l.Rule), Terms: blank(l.Terms[:]),
	}
}

func (r *reader) lease(field string, m *wirepb.Lease) artel.Lease {
	if m == nil {
		r.fail(field, "missing")
		return artel.Lease{}
	}
	if m.Rule < uint32(artel.RuleResult) || m.Rule > uint32(artel.RuleTime) {
		r.fail(field+".rule", "%d, want 1 to 3", m.Rule)
		return artel.Lease{}
	}
	return artel.Lease{
		Renter: r.address(field+".renter", m.Renter), Provider: r.address(field+".provider", m.Provider), Lane: m.Lane,
		Start: r.atMost(field+".start", m.Start, maxTime), End: r.atMost(field+".end", m.End, maxTime),
		Penalty: r.amount(field+".penalty", m.Penalty), Rule: artel.Rule(m.Rule), Terms: r.hash(field+".terms", m.Terms),
	}
}

func reservePB(s *SignedReserve) *wirepb.SignedReserve {
	if s == nil {
		return nil
	}
	v := s.Reserve
	return &wirepb.SignedReserve{
		Renter: blank(v.Renter[:]), Provider: blank(v.Provider[:]), Lane: v.Lane, Epoch: v.Epoch,
		Cap: amountBytes(v.Cap), ValidUntil: v.ValidUntil, Signature: blank(s.Signature[:]),
	}
}

func (r *reader) reserve(field string, m *wirepb.SignedReserve) *SignedReserve {
	if m == nil {
		return nil
	}
	return &SignedReserve{
		Reserve: artel.Reserve{
			Renter: r.address(field+".renter", m.Renter), Provider: r.address(field+".provider", m.Provider), Lane: m.Lane,
			Epoch: uint32(r.atMost(field+".epoch", uint64(m.Epoch), maxEpoch)), Cap: r.amount(field+".cap", m.Cap),
			ValidUntil: r.atMost(field+".valid_until", m.ValidUntil, maxTime),
		},
		Signature: r.signature(field+".signature", m.Signature),
	}
}

func voucherPB(s *SignedVoucher) *wirepb.SignedVoucher {
	if s == nil {
		return nil
	}
	v := s.Voucher
	return &wirepb.SignedVoucher{
		Renter: blank(v.Renter[:]), Provider: blank(v.Provider[:]), Lane: v.Lane,
		Cumulative: amountBytes(v.Cumulative), Memo: blank(v.Memo[:]), Signature: blank(s.Signature[:]),
	}
}

func (r *reader) voucher(field string, m *wirepb.SignedVoucher) *SignedVoucher {
	if m == nil {
		return nil
	}
	return &SignedVoucher{
		Voucher: artel.Voucher{
			Renter: r.address(field+".renter", m.Renter), Provider: r.address(field+".provider", m.Provider), Lane: m.Lane,
			Cumulative: r.amount(field+".cumulative", m.Cumulative), Memo: r.hash(field+".memo", m.Memo),
		},
		Signature: r.signature(field+".signature", m.Signature),
	}
}

func specPB(s artel.TaskSpec) *wirepb.TaskSpec {
	return &wirepb.TaskSpec{
		Program: s.Program.Bytes(), Input: s.Input.Bytes(), Args: byteList(s.Args), Env: byteList(s.Env), Want: resourcesPB(s.Want),
		Wall: s.Wall, Log: s.Log, Seed: blank(s.Seed[:]), Epoch: s.Epoch, Box: boxPB(s.Box),
	}
}

// boxPB returns nil where there is no image: the rest says nothing then.
func boxPB(b artel.Box) *wirepb.Box {
	m := &wirepb.Box{Image: blank(b.Image[:]), Source: valid(b.Source), Dir: []byte(b.Dir), Traffic: b.Traffic}
	for _, h := range b.Network {
		m.Network = append(m.Network, valid(h))
	}
	if len(encode(m)) == 0 {
		return nil
	}
	return m
}

func (r *reader) box(field string, m *wirepb.Box) artel.Box {
	if m == nil {
		return artel.Box{}
	}
	b := artel.Box{
		Image: r.hash(field+".image", m.Image), Source: r.name(field+".source", m.Source), Dir: string(m.Dir),
		Traffic: m.Traffic,
	}
	if len(m.Dir) > maxDir {
		r.fail(field+".dir", "%d bytes, at most %d", len(m.Dir), maxDir)
	}
	for _, h := range m.Network {
		b.Network = append(b.Network, r.name(field+".network", h))
	}
	return b
}

func (r *reader) spec(field string, m *wirepb.TaskSpec) artel.TaskSpec {
	if m == nil {
		r.fail(field, "missing")
		return artel.TaskSpec{}
	}
	n := 0
	for _, b := range m.Args {
		n += len(b)
	}
	for _, b := range m.Env {
		n += len(b)
	}
	if n > maxArgsBytes {
		r.fail(field, "arguments and variables of %d bytes, at most %d", n, maxArgsBytes)
		return artel.TaskSpec{}
	}
	return artel.TaskSpec{
		Program: r.ref(field+".program", m.Program), Input: r.ref(field+".input", m.Input),
		Args: stringList(m.Args), Env: stringList(m.Env), Want: resources(m.Want),
		Wall: m.Wall, Log: m.Log, Seed: r.hash(field+".seed", m.Seed), Epoch: m.Epoch, Box: r.box(field+".box", m.Box),
	}
}

func byteList(list []string) [][]byte {
	if len(list) == 0 {
		return nil
	}
	out := make([][]byte, len(list))
	for i, s := range list {
		out[i] = []byte(s)
	}
	return out
}

func stringList(list [][]byte) []string {
	if len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = string(b)
	}
	return out
}

func receiptPB(x *artel.Receipt) *wirepb.Receipt {
	if x == nil {
		return nil
	}
	res, u := x.Result, x.Usage
	return &wirepb.Receipt{
		Result: &wirepb.Result{
			Lease: blank(res.Lease[:]), Task: res.Task, Attempt: res.Attempt, OutputRoot: blank(res.OutputRoot[:]), ExitCode: res.ExitCode,
		},
		Signature: blank(x.Signature[:]), Reason: valid(string(x.Reason)), Message: clean(x.Message, MaxText),
		Usage:  &wirepb.Usage{Wall: u.Wall, Cpu: u.CPU, Idle: u.Idle, Output: u.Output, Log: u.Log},
		Sealed: x.Sealed.Bytes(), Due: amountBytes(x.Due), Last: x.Last.Bytes(),
	}
}

func (r *reader) receipt(field string, m *wirepb.Receipt) *artel.Receipt {
	if m == nil {
		return nil
	}
	if m.Result == nil {
		r.fail(field+".result", "missing")
		return nil
	}
	res, u := m.Result, m.GetUsage()
	return &artel.Receipt{
		Result: artel.Result{
			Lease: r.hash(field+".result.lease", res.Lease), Task: res.Task, Attempt: res.Attempt,
			OutputRoot: r.hash(field+".result.output_root", res.OutputRoot), ExitCode: res.ExitCode,
		},
		Signature: r.signature(field+".signature", m.Signature), Reason: artel.Reason(r.word(field+".reason", m.Reason)),
		Message: r.text(field+".message", m.Message, MaxText),
		Usage:   artel.Usage{Wall: u.GetWall(), CPU: u.GetCpu(), Idle: u.GetIdle(), Output: u.GetOutput(), Log: u.GetLog()},
		Sealed:  r.ref(field+".sealed", m.Sealed), Due: r.amount(field+".due", m.Due), Last: r.ref(field+".last", m.Last),
	}
}
