package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/renter"
)

// whyWaiting says what a job waits for, if the daemon knows.
func (n *Node) whyWaiting(ctx context.Context, j job.Job) (why string) {
	if lacks := n.renter.Lacks(ctx, j.ID); len(lacks) > 0 {
		return lacks[0]
	}
	if n.board.len() == 0 {
		if err := n.board.clockDoubt(); err != nil {
			return fmt.Sprintf("no offers are known; the last one was refused: %v; hint: artel doctor looks at this clock", err)
		}
		return "no offers are known yet"
	}
	suits := n.board.Offers(j.Spec, time.Now(), maxWaits)
	if len(suits) == 0 {
		return n.noneSuits(j.Spec, artel.Class{})
	}
	w := n.renter.Waits(ctx, j.ID)
	if w.Again != 0 {
		return fmt.Sprintf("what failed is tried again at %s", clock(w.Again))
	}
	if w.From != 0 {
		if suits = n.board.Movers(j.Spec, w.Class, time.Now(), maxWaits); len(suits) == 0 {
			return fmt.Sprintf("a task waits for a machine that can go on from its checkpoint %d, until %s, and begins from less then; %s",
				w.From, clock(w.Until), n.noneSuits(j.Spec, w.Class))
		}
	}
	if a, err := n.ledger.Account(ctx, n.account()); err == nil && a.Deposit.IsZero() {
		return "the account has no free deposit; hint: artel wallet deposit"
	}
	if text := shunned(w, suits); text != "" && w.Asked == 0 {
		defer func() { why = or(why, text) }() // a denial says more
	}
	st, err := n.renter.Status(ctx)
	if err != nil || len(st.Denied) == 0 {
		return ""
	}
	// What the renter can do something about first.
	d := st.Denied[0]
	for _, x := range st.Denied {
		if errors.Is(x.Err, p2p.Unpaid) {
			d = x
			break
		}
	}
	return denial(d)
}

// maxWaits is how many machines that suit are looked at for why none of them has a task.
const maxWaits = 64

// looks is what is said of a job that waits where nothing else is to be said.
const looks = "a machine is being asked"

func clock(ms int64) string { return time.UnixMilli(ms).Format("15:04:05") }

// noneSuits says why no offer suits a job, whose task would go on from a class where that is
// not zero.
func (n *Node) noneSuits(j artel.JobSpec, from artel.Class) string {
	all, count := n.board.against(j, from)
	if len(all) == 0 {
		return "no offer suits; artel quote says why"
	}
	text, hint := "no offer suits", ""
	for i, t := range all[:min(len(all), 3)] {
		why, what, _ := strings.Cut(t.Why.String(), "; hint: ")
		if t.Why.Code == market.WhyResting { // a sentence that stays the same while time goes by
			why = "it failed lately and rests until " + time.Now().Add(time.Duration(t.Why.Have)*time.Second).Round(time.Minute).Format("15:04")
		}
		if hint == "" && what != "" {
			hint = "; hint: " + what
		}
		text += fmt.Sprintf("%s %d of %d: %s", map[bool]string{true: ";", false: ","}[i == 0], t.Offers, count, why)
	}
	return text + hint
}

// shunned says why machines that suit get no task; empty: one of them may.
func shunned(w renter.Waits, suits []renter.Listed) string {
	counts := map[renter.Shunned]int{}
	for _, l := range suits {
		why := w.Not[l.Offer.Node]
		if why == "" {
			return ""
		}
		counts[why]++
	}
	var words []string
	for _, x := range []struct {
		why  renter.Shunned
		text string
	}{
		{renter.ShunBusy, "have no slot free for it"},
		{renter.ShunRests, "refused or failed a moment ago and are left alone"},
		{renter.ShunFailed, "have failed its tasks, which wait for others"},
	} {
		if k := counts[x.why]; k > 0 {
			words = append(words, fmt.Sprintf("%d %s", k, x.text))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return fmt.Sprintf("%d machines suit: %s", len(suits), strings.Join(words, ", "))
}

// denial is why a provider gave no lease, in a sentence with a hint.
func denial(d renter.Denial) string {
	text, hint := d.Err.Error(), ""
	var e *p2p.Error
	if errors.As(d.Err, &e) {
		text, hint = e.Message, e.Hint
	}
	text, _, _ = strings.Cut(text, "\n")
	text = fmt.Sprintf("provider %s gives no lease: %s", d.Node.Short(), text)
	if hint != "" {
		text += "; hint: " + hint
	}
	return text
}

func millis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func jobLine(j job.Job, ts []job.Task) api.Job {
	a := api.Job{
		ID: j.ID.String(), Name: j.Spec.Name, Message: j.Message, Created: millis(j.Created), Ended: millis(j.Ended),
		Tasks: j.Spec.Count, Promised: promised(j), Budget: j.Spec.Budget, Reason: j.Why, Deadline: millis(j.Spec.Deadline), Late: millis(j.Late),
	}
	nodes := map[artel.NodeID]bool{}
	for _, t := range ts {
		a.Attempts += uint64(len(t.Attempts))
		switch taskState(j, t) {
		case api.StateDone:
			a.Done++
		case api.StateFailed:
			a.Failed++
		case api.StateRunning:
			a.Running++
			nodes[t.Attempts[len(t.Attempts)-1].Node] = true
		case api.StateCancelled:
			a.Cancelled++
		default:
			a.Waiting++
		}
	}
	a.Providers = len(nodes)
	a.State = jobState(j, a.Running > 0 || a.Done > 0)
	return a
}

// promised is what vouchers promise for a job. A job without a budget shares its
// leases, and its part is what they billed for it.
func promised(j job.Job) artel.Amount {
	if j.Spec.Budget.IsZero() {
		return j.Spent
	}
	return j.Vouched
}

func jobState(j job.Job, begun bool) api.State {
	switch {
	case j.Phase == job.Cancelled:
		return api.StateCancelled
	case j.Phase == job.Finished && j.Failed > 0 && j.Why != artel.ReasonEnough:
		return api.StateFailed
	case j.Phase == job.Finished:
		return api.StateDone
	case begun:
		return api.StateRunning
	}
	return api.StateWaiting
}

func taskState(j job.Job, t job.Task) api.State {
	switch t.State {
	case job.Done:
		return api.StateDone
	case job.Failed:
		return api.StateFailed
	}
	if j.Phase != job.Active {
		return api.StateCancelled
	}
	if t.State == job.Out || t.State == job.Paying {
		return api.StateRunning
	}
	return api.StateWaiting
}

func taskLine(j job.Job, t job.Task) api.Task {
	a := api.Task{Index: j.Spec.First + t.Index, State: taskState(j, t), Output: t.Output, Due: t.Spent}
	if k := len(t.Attempts); k > 0 {
		last := t.Attempts[k-1]
		a.Attempt, a.Provider, a.Reason, a.Message = last.N, last.Node, last.Reason, last.Message
	}
	if r := t.Receipt; r != nil {
		a.Attempt, a.Provider, a.Reason, a.Message = r.Result.Attempt, t.Node, r.Reason, r.Message
		a.ExitCode, a.Wall = r.Result.ExitCode, r.Usage.Wall
	}
	if a.State == api.StateFailed && a.Message == "" {
		a.Message = a.Reason.Sentence(a.ExitCode)
	}
	survives(t, &a)
	return a
}

// or returns the first of two sentences that says something.
func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}
