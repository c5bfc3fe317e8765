package node

import (
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/renter"
)

func TestShunned(t *testing.T) {
	list := func(ids ...byte) (out []renter.Listed) {
		for _, id := range ids {
			out = append(out, renter.Listed{Offer: artel.Offer{Node: artel.NodeID{id}}})
		}
		return out
	}
	not := map[artel.NodeID]renter.Shunned{{1}: renter.ShunBusy, {2}: renter.ShunRests, {3}: renter.ShunFailed, {4}: renter.ShunFailed}
	for _, c := range []struct {
		suits []renter.Listed
		want  string
	}{
		{list(1, 5), ""},
		{list(), ""},
		{list(1), "1 machines suit: 1 have no slot free for it"},
		{list(1, 2, 3, 4), "4 machines suit: 1 have no slot free for it, 1 refused or failed a moment ago and are left alone, 2 have failed its tasks, which wait for others"},
	} {
		if got := shunned(renter.Waits{Not: not}, c.suits); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
