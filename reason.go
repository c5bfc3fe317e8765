package artel

import "strconv"

// Reasons are all that are known here.
func Reasons() []Reason {
	return []Reason{
		ReasonExited, ReasonTime, ReasonMemory, ReasonOutput, ReasonLog, ReasonTrap, ReasonBadProgram, ReasonCancelled, ReasonLost, ReasonRefused,
		ReasonNoInput, ReasonUnpaid, ReasonExpired, ReasonGarbage, ReasonHost, ReasonDrained, ReasonEvicted, ReasonStale, ReasonUnhealthy,
		ReasonFailed, ReasonProgram, ReasonBudget, ReasonDeadline, ReasonEnough,
	}
}

// Sentence says it to a person, where nobody who was there has said more.
func (r Reason) Sentence(exit int32) string {
	switch r {
	case ReasonExited:
		if exit == 0 {
			return "it ended"
		}
		return "the program ended with exit code " + strconv.Itoa(int(exit))
	case ReasonTime:
		return "it ran into its time limit; hint: --timeout"
	case ReasonMemory:
		return "it ran into its memory limit; hint: --mem"
	case ReasonOutput:
		return "it left more in /out than it may, or what cannot be kept; hint: --disk"
	case ReasonLog:
		return "it printed more than it may; hint: --log-limit"
	case ReasonTrap:
		return "it did what a machine forbids, like a division by zero"
	case ReasonBadProgram:
		return "it is not a program that the machine can run"
	case ReasonCancelled:
		return "it was cancelled"
	case ReasonLost:
		return "the machine vanished, or lost it"
	case ReasonRefused:
		return "the machine did not take it"
	case ReasonNoInput:
		return "the machine could not fetch what it needs; hint: this daemon must be online"
	case ReasonUnpaid:
		return "the machine was not paid, or not enough; hint: artel wallet show"
	case ReasonExpired:
		return "the lease ended"
	case ReasonGarbage:
		return "the machine answered what does not verify, or kept the output"
	case ReasonHost:
		return "the machine's own doing failed"
	case ReasonDrained:
		return "the machine's owner wants it back; the task goes on elsewhere from its last checkpoint"
	case ReasonEvicted:
		return "the machine's owner wanted it back at once"
	case ReasonStale:
		return "its checkpoint cannot go on there"
	case ReasonUnhealthy:
		return "it did not answer its health checks; hint: --health, --port, artel logs"
	case ReasonFailed:
		return "some of its tasks failed; each says why"
	case ReasonProgram:
		return "its first tasks failed on every machine"
	case ReasonBudget:
		return "the budget is used up; hint: a larger --budget"
	case ReasonDeadline:
		return "the deadline came"
	case ReasonEnough:
		return "as many tasks as were asked for are done"
	}
	return "it ended for a reason that is not known here: " + clip(string(r))
}
