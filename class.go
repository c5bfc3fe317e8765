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

// Stake is for how many milliseconds a task runs at most until something of it is
// due, on a machine whose sandbox moves programs by this version.
func (j JobSpec) Stake(moves string) uint64 {
	return Terms{Unit: j.Wall, Risk: j.Risk(moves)}.Stake()
}

// Risk is Terms.Risk of a lease for the job's tasks; 0: without RuleCheckpoint.
func (j JobSpec) Risk(moves string) uint64 {
	if j.Saves(moves) == CheckpointNone {
		return 0
	}
	return j.Survival.Risk()
}
