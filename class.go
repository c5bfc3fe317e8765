package artel

// Class is what a machine must share with another one for a whole program to go on
// there: the version of the sandbox, and a processor that can all the other can.
type Class struct {
	Moves string `json:"moves,omitempty"` // as in Offer; empty: nothing goes on there
	CPU   CPU    `json:"cpu"`
}

// IsZero reports whether nothing is known.
func (c Class) IsZero() bool { return c.Moves == "" && c.CPU.Arch == "" && len(c.CPU.Features) == 0 }

// Takes reports whether what ran on a machine of class from goes on on one of c.
func (c Class) Takes(from Class) bool {
	return c.Moves != "" && c.Moves == from.Moves && c.CPU.Has(from.CPU)
}

// Class returns the offer's.
func (o Offer) Class() Class { return Class{Moves: o.Moves, CPU: o.CPU} }

// Saves is what a machine with this offer can save of a job's tasks; CheckpointNone:
// nothing that its renter wants.
func (j JobSpec) Saves(moves string) CheckpointKind {
	whole := moves != "" && !j.Box.Image.IsZero() && j.Want.GPUs == 0
	switch s := j.Survival; {
	case !s.Wanted():
		return CheckpointNone
	case s.Kind == CheckpointFiles:
		return CheckpointFiles
	case whole:
		return CheckpointWhole
	}
	return CheckpointNone
}

// StakeOn is for how many milliseconds a task runs at most, on a machine with this
// offer, until something of it is due.
func (j JobSpec) StakeOn(o Offer) uint64 { return Terms{Unit: j.Wall, Risk: j.Risk(o)}.Stake() }

// Risk is Terms.Risk of a lease for the job's tasks by this offer; 0: with
// RuleResult. Where a machine does not work so long before something is due,
// checkpoints come more often.
func (j JobSpec) Risk(o Offer) uint64 {
	if !j.Service.IsZero() {
		return j.Service.Away
	}
	if j.Saves(o.Moves) == CheckpointNone {
		return 0
	}
	s, ok := j.Survival.Within(o.MaxUnit)
	if !ok {
		s.Max = s.Min
	}
	return s.Risk()
}

// Risks are the least and the most that Terms.Risk may be for tasks that are
// checkpointed so.
func (s Survival) Risks() (least, most uint64) {
	most = s.Risk()
	s.Max = s.Min
	return s.Risk(), most
}
