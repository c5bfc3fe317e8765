package egress

import (
	"context"
	"errors"
	"net/netip"

	"golang.org/x/net/dns/dnsmessage"
)

// ttl of answers, in seconds. They hold for the whole attempt; the box may ask again.
const ttl = 300

// answerDNS answers one query of the box (RFC 1035), whatever it is: addresses of
// listed names, nothing for their other records, NXDOMAIN for other names. What is no
// query gets nil, no answer. The error is why a name was refused, for people.
func answerDNS(ctx context.Context, query []byte, lookup func(context.Context, string) ([]netip.Addr, error)) (reply []byte, name string, refused error) {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil || h.Response {
		return nil, "", nil
	}
	head := dnsmessage.Header{ID: h.ID, Response: true, OpCode: h.OpCode, RecursionDesired: h.RecursionDesired, RecursionAvailable: true}
	fail := func(code dnsmessage.RCode) []byte {
		head.RCode = code
		m := dnsmessage.Message{Header: head}
		b, err := m.Pack()
		if err != nil {
			return nil
		}
		return b
	}
	if h.OpCode != 0 {
		return fail(dnsmessage.RCodeNotImplemented), "", nil
	}
	q, err := p.Question()
	if err != nil {
		return fail(dnsmessage.RCodeFormatError), "", nil
	}
	if _, err := p.Question(); !errors.Is(err, dnsmessage.ErrSectionDone) {
		return fail(dnsmessage.RCodeFormatError), "", nil
	}
	name = q.Name.String()
	var addrs []netip.Addr
	if q.Class != dnsmessage.ClassINET {
		head.RCode, refused = dnsmessage.RCodeRefused, errNotListed
	} else {
		addrs, err = lookup(ctx, name)
		switch {
		case err == nil:
		case errors.Is(err, errNotListed), errors.Is(err, errClosed):
			// Not REFUSED, which C libraries take for a fault and ask again.
			head.RCode, refused = dnsmessage.RCodeNameError, err
		case errors.Is(err, errNoName):
			head.RCode = dnsmessage.RCodeNameError
		case errors.Is(err, errTooMany), errors.Is(err, errCapped):
			head.RCode, refused = dnsmessage.RCodeRefused, err
		default:
			head.RCode = dnsmessage.RCodeServerFailure
		}
	}
	return pack(head, q, addrs), name, refused
}

// pack builds an answer of at most 512 bytes: 12 of header, 259 of question at most,
// 8 × 28 of addresses of one family.
func pack(head dnsmessage.Header, q dnsmessage.Question, addrs []netip.Addr) []byte {
	b := dnsmessage.NewBuilder(make([]byte, 0, 512), head)
	b.EnableCompression()
	err := b.StartQuestions()
	if err == nil {
		err = b.Question(q)
	}
	if err == nil {
		err = b.StartAnswers()
	}
	rh := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: ttl}
	for _, a := range addrs {
		switch {
		case err != nil:
		case a.Is4() && q.Type == dnsmessage.TypeA:
			err = b.AResource(rh, dnsmessage.AResource{A: a.As4()})
		case a.Is6() && q.Type == dnsmessage.TypeAAAA:
			err = b.AAAAResource(rh, dnsmessage.AAAAResource{AAAA: a.As16()})
		}
	}
	if err != nil {
		return nil
	}
	msg, err := b.Finish()
	if err != nil {
		return nil
	}
	return msg
}
