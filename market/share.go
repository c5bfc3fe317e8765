package market

import "github.com/artel-network/artel"

// owner is an account (or, unconfirmed, a node) and the records it fills.
type owner struct {
	address artel.Address
	secured bool
	records []*record
	pos     int // in its row of the crowd
}

// crowd sorts owners by how much room they take, so that the largest is found
// at once: row n holds the owners of n records. Everything is in slices and
// never in map order: a replayed history evicts the same machines.
type crowd struct {
	rows [][]*owner
	top  int // the highest row with an owner in it; 0: none
}

func (c *crowd) add(o *owner) {
	n := len(o.records)
	for len(c.rows) <= n {
		c.rows = append(c.rows, nil)
	}
	o.pos = len(c.rows[n])
	c.rows[n] = append(c.rows[n], o)
	c.top = max(c.top, n)
}

func (c *crowd) remove(o *owner) {
	n := len(o.records)
	row := c.rows[n]
	last := row[len(row)-1]
	row[o.pos], last.pos = last, o.pos
	row[len(row)-1] = nil
	c.rows[n] = row[:len(row)-1]
	for c.top > 0 && len(c.rows[c.top]) == 0 {
		c.top--
	}
}

// largest returns an owner with the most records, nil where there is none.
func (c *crowd) largest() *owner {
	if c.top == 0 {
		return nil
	}
	return c.rows[c.top][0]
}

// victim returns the record that must go so that a machine of newcomer, who
// has held records and is secured or not, may come; nil where none must.
//
// Who has no stake never displaces who has, and within its own kind a newcomer
// displaces only who has more than it will have. So a flooder with one account
// displaces itself, one with a thousand accounts holds a thousand equal shares
// among the unsecured, and neither touches a staked provider.
func (x *Index) victim(held int, secured bool) *record {
	big := x.crowds[0].largest() // the unsecured
	if secured && big == nil {
		big = x.crowds[1].largest()
	}
	if big == nil || (big.secured == secured && len(big.records) <= held+1) {
		return nil
	}
	out := big.records[0]
	for _, r := range big.records[1:] {
		if r.until < out.until {
			out = r
		}
	}
	return out
}

// give puts r into the share of the owner named; take is its inverse.
func (x *Index) give(r *record, address artel.Address, secured bool) {
	o := x.owners[address]
	if o == nil {
		o = &owner{address: address, secured: secured}
		x.owners[address] = o
	} else {
		x.crowd(o).remove(o)
		o.secured = secured
	}
	r.owner, r.pos = o, len(o.records)
	o.records = append(o.records, r)
	x.crowd(o).add(o)
}

func (x *Index) take(r *record) {
	o := r.owner
	x.crowd(o).remove(o)
	last := o.records[len(o.records)-1]
	o.records[r.pos], last.pos = last, r.pos
	o.records[len(o.records)-1] = nil
	o.records = o.records[:len(o.records)-1]
	r.owner = nil
	if len(o.records) == 0 {
		delete(x.owners, o.address)
		return
	}
	x.crowd(o).add(o)
}

func (x *Index) crowd(o *owner) *crowd {
	if o.secured {
		return &x.crowds[1]
	}
	return &x.crowds[0]
}
