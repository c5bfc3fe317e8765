package market

import (
	"fmt"
	"slices"

	"github.com/artel-network/artel"
)

// Query says which offers suit. A zero field asks for nothing.
type Query struct {
	Sandbox   string
	Want      artel.Resources // of one task
	Unit      uint64          // longest task, milliseconds
	MaxPrice  artel.Price     // units per 10⁶ s of a slot
	Region    string          // exactly this one
	Archs     []string        // one of these, where the offer says what it is
	Providers []artel.NodeID  // only these
	Exclude   []artel.NodeID  // none of these
	Moves     bool            // only those that take whole programs to other machines
	From      artel.Class     // only those on which a program from there goes on
	Limit     int             // the best so many; 0: all
}

// QueryFor returns what a job asks of an offer.
func QueryFor(j artel.JobSpec) Query {
	return Query{
		Sandbox: j.Sandbox, Want: j.Want, Unit: j.Stake(), MaxPrice: j.MaxPrice, Archs: j.Archs, Providers: j.Providers,
		Moves: j.Survival.Kind == artel.CheckpointWhole,
	}
}

// Code says in one word why an offer does not suit.
type Code string

// The codes of Why.
const (
	WhyExpired   Code = "expired"
	WhySandbox   Code = "sandbox"
	WhySlots     Code = "slots"
	WhyMemory    Code = "memory"
	WhyDisk      Code = "disk"
	WhyGPUs      Code = "gpus"
	WhyGPUMemory Code = "gpu-memory"
	WhyUnit      Code = "unit"
	WhyPrice     Code = "price"
	WhyRegion    Code = "region"
	WhyArch      Code = "arch"
	WhyProviders Code = "providers"
	WhyExcluded  Code = "excluded"
	WhyBudget    Code = "budget"
	WhyResting   Code = "resting"
	WhyMoves     Code = "moves"
	WhyClass     Code = "class"
)

// Why is one reason against an offer, with the two figures that disagree.
type Why struct {
	Code Code   `json:"code"`
	Have uint64 `json:"have,omitempty"`
	Want uint64 `json:"want,omitempty"`
	Text string `json:"text,omitempty"` // the word that is missing
}

// String says it to a person, with a hint where there is something to do.
func (w Why) String() string {
	switch w.Code {
	case WhyExpired:
		return fmt.Sprintf("the offer expired %d s ago", w.Have)
	case WhySandbox:
		return fmt.Sprintf("it does not run %q", w.Text)
	case WhySlots:
		return fmt.Sprintf("it has %d slots, a task takes %d; hint: --cpu", w.Have, w.Want)
	case WhyMemory:
		return fmt.Sprintf("it has %d bytes of memory, a task wants %d; hint: --mem", w.Have, w.Want)
	case WhyDisk:
		return fmt.Sprintf("it has %d bytes of disk, a task wants %d; hint: --disk", w.Have, w.Want)
	case WhyGPUs:
		return fmt.Sprintf("it has %d GPUs, a task wants %d; hint: --gpu", w.Have, w.Want)
	case WhyGPUMemory:
		return fmt.Sprintf("its GPUs have %d bytes, a task wants %d; hint: --gpu-memory", w.Have, w.Want)
	case WhyUnit:
		return fmt.Sprintf("it takes tasks of at most %d ms, the job's may last %d; hint: --timeout", w.Have, w.Want)
	case WhyPrice:
		return fmt.Sprintf("it asks %d, the job pays at most %d; hint: --max-price %d", w.Have, w.Want, w.Have)
	case WhyRegion:
		return fmt.Sprintf("it is not in region %q", w.Text)
	case WhyArch:
		return fmt.Sprintf("its processors are %s, and the image is not for them; hint: build it for linux/%s too", w.Text, w.Text)
	case WhyProviders:
		return "it is not among the providers that the job names"
	case WhyExcluded:
		return "it is excluded"
	case WhyBudget:
		return fmt.Sprintf("one task may cost %d, the budget is %d; hint: --budget", w.Have, w.Want)
	case WhyResting:
		return fmt.Sprintf("it failed lately and rests for %d s more", w.Have)
	case WhyMoves:
		return "it cannot move whole programs; hint: --checkpoint files"
	case WhyClass:
		return "a program that was moved would not go on there: its processor or sandbox is another one"
	}
	return string(w.Code)
}

// Why returns every reason why o does not suit q at the unix second now, with
// skew seconds of tolerance; none where it does.
func (q Query) Why(o artel.Offer, now, skew uint64) []Why {
	var why []Why
	add := func(w Why) { why = append(why, w) }
	if plus(o.Expires, skew) <= now {
		add(Why{Code: WhyExpired, Have: ago(o.Expires, now)})
	}
	if q.Sandbox != "" && !slices.Contains(o.Sandboxes, q.Sandbox) {
		add(Why{Code: WhySandbox, Text: q.Sandbox})
	}
	if o.Resources.Slots < max(q.Want.Slots, 1) {
		add(Why{Code: WhySlots, Have: uint64(o.Resources.Slots), Want: uint64(max(q.Want.Slots, 1))})
	}
	if have := all(o.Resources.Slots, o.Resources.Memory); have < q.Want.Memory {
		add(Why{Code: WhyMemory, Have: have, Want: q.Want.Memory})
	}
	if have := all(o.Resources.Slots, o.Resources.Disk); have < q.Want.Disk {
		add(Why{Code: WhyDisk, Have: have, Want: q.Want.Disk})
	}
	if o.Resources.GPUs < q.Want.GPUs {
		add(Why{Code: WhyGPUs, Have: uint64(o.Resources.GPUs), Want: uint64(q.Want.GPUs)})
	} else if q.Want.GPUs > 0 && o.Resources.GPUMemory < q.Want.GPUMemory {
		add(Why{Code: WhyGPUMemory, Have: o.Resources.GPUMemory, Want: q.Want.GPUMemory})
	}
	if o.MaxUnit < q.Unit {
		add(Why{Code: WhyUnit, Have: o.MaxUnit, Want: q.Unit})
	}
	if q.MaxPrice != 0 && o.Price > q.MaxPrice {
		add(Why{Code: WhyPrice, Have: uint64(o.Price), Want: uint64(q.MaxPrice)})
	}
	if q.Region != "" && o.Region != q.Region {
		add(Why{Code: WhyRegion, Text: q.Region})
	}
	if !q.runsOn(o.CPU) {
		add(Why{Code: WhyArch, Text: o.CPU.Arch})
	}
	if len(q.Providers) != 0 && !slices.Contains(q.Providers, o.Node) {
		add(Why{Code: WhyProviders})
	}
	if q.Moves && o.Moves == "" {
		add(Why{Code: WhyMoves})
	}
	if !q.From.IsZero() && !o.Class().Takes(q.From) {
		add(Why{Code: WhyClass})
	}
	if slices.Contains(q.Exclude, o.Node) {
		add(Why{Code: WhyExcluded})
	}
	return why
}

// runsOn reports whether a machine may run what is wanted, as far as its offer says.
func (q *Query) runsOn(c artel.CPU) bool {
	return len(q.Archs) == 0 || c.Arch == "" || slices.Contains(q.Archs, c.Arch)
}

// filter is a query made ready for a walk over many slots.
type filter struct {
	Query
	region  uint32
	exclude map[artel.NodeID]bool
}

func (q Query) filter() filter {
	f := filter{Query: q, region: wordHash(q.Region)}
	f.Want.Slots = max(f.Want.Slots, 1)
	if len(q.Exclude) > 0 {
		f.exclude = make(map[artel.NodeID]bool, len(q.Exclude))
		for _, n := range q.Exclude {
			f.exclude[n] = true
		}
	}
	return f
}

// may reports whether s can suit by what stands in the slot itself.
func (f *filter) may(s *slot) bool {
	return s.slots >= f.Want.Slots && s.memory >= f.Want.Memory && s.disk >= f.Want.Disk && s.unit >= f.Unit && s.gpus >= f.Want.GPUs &&
		(f.MaxPrice == 0 || s.price <= f.MaxPrice) && (f.Query.Region == "" || s.region == f.region)
}

// does decides the rest, at the entry behind a slot that may.
func (f *filter) does(e *entry, now, skew uint64) bool {
	return !e.dead && plus(e.Offer.Expires, skew) > now && (f.Want.GPUs == 0 || e.Offer.Resources.GPUMemory >= f.Want.GPUMemory) &&
		(f.Query.Region == "" || e.Offer.Region == f.Query.Region) && f.runsOn(e.Offer.CPU) && !f.exclude[e.Offer.Node] &&
		(!f.Moves || e.Offer.Moves != "") && (f.From.IsZero() || e.Offer.Class().Takes(f.From))
}
