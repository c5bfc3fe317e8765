package wire

import (
	"errors"
	"testing"

	"github.com/artel-network/artel"
)

// A grant is good for its node, its image, its owner and its network, until it ends.
func TestGrant(t *testing.T) {
	owner, node := testKey(1), testKey(2).NodeID()
	img := artel.Hash{7}
	sound := SignGrant(testNetwork(), owner, img, node, 1000)
	if err := sound.Check(testNetwork(), owner.NodeID(), img, node, 999); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		g   *Grant
		net artel.Hash
		by  artel.NodeID
		img artel.Hash
		who artel.NodeID
		now uint64
	}{
		"none":              {nil, testNetwork(), owner.NodeID(), img, node, 999},
		"shown by another":  {&sound, testNetwork(), owner.NodeID(), img, testKey(3).NodeID(), 999},
		"for another image": {&sound, testNetwork(), owner.NodeID(), artel.Hash{8}, node, 999},
		"of another":        {&sound, testNetwork(), testKey(3).NodeID(), img, node, 999},
		"another network":   {&sound, artel.Hash{1}, owner.NodeID(), img, node, 999},
		"ended":             {&sound, testNetwork(), owner.NodeID(), img, node, 1000},
	} {
		if err := c.g.Check(c.net, c.by, c.img, c.who, c.now); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	// Nothing of it can be changed.
	for name, change := range map[string]func(*Grant){
		"image":     func(g *Grant) { g.Image = artel.Hash{8} },
		"node":      func(g *Grant) { g.Node = testKey(3).NodeID() },
		"expires":   func(g *Grant) { g.Expires++ },
		"signature": func(g *Grant) { g.Signature = artel.Signature{} },
	} {
		g := sound
		change(&g)
		err := g.Check(testNetwork(), owner.NodeID(), g.Image, g.Node, 999)
		if !errors.Is(err, artel.ErrSignature) && !errors.Is(err, artel.ErrInvalid) {
			t.Errorf("%s was changed: %v", name, err)
		}
	}
}
