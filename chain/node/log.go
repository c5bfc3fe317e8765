package chainnode

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	comet "github.com/cometbft/cometbft/libs/log"
	geth "github.com/ethereum/go-ethereum/log"
)

// Both libraries narrate every block at info level. Here their info is the
// reader's debug; warnings and errors keep their level.

// cometLog is CometBFT's logger on top of slog. It listens, too: that consensus
// has died is something CometBFT says in its log and nowhere else.
type cometLog struct {
	log  *slog.Logger
	ctx  context.Context // the node's life; only asked whether it is over
	died func(error)
}

func newCometLog(ctx context.Context, log *slog.Logger, died func(error)) cometLog {
	return cometLog{log: log.With("part", "cometbft"), ctx: ctx, died: died}
}

func (l cometLog) Debug(msg string, kv ...any) {}
func (l cometLog) Info(msg string, kv ...any)  { l.log.Debug(msg, kv...) }
func (l cometLog) Warn(msg string, kv ...any)  { l.log.Warn(msg, kv...) }

func (l cometLog) Error(msg string, kv ...any) {
	if l.ctx.Err() != nil { // connections that end because this node ends
		l.log.Debug(msg, kv...)
		return
	}
	l.log.Error(msg, kv...)
	if strings.HasPrefix(msg, "CONSENSUS FAILURE") {
		l.died(fmt.Errorf("CometBFT's consensus has stopped: %v", kv))
	}
}

func (l cometLog) With(kv ...any) comet.Logger {
	l.log = l.log.With(kv...)
	return l
}

// gethLog wraps geth's logger type: handing geth its own type would also make
// it the default logger of the whole process (log.SetDefault does that).
type gethLog struct{ geth.Logger }

func newGethLog(h slog.Handler) geth.Logger {
	return gethLog{geth.NewLogger(quiet{h})}
}

// quiet lowers info to debug and drops what was below.
type quiet struct{ inner slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo && q.inner.Enabled(ctx, lowered(level))
}

func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lowered(r.Level)
	return q.inner.Handle(ctx, r)
}

func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.inner.WithAttrs(attrs)} }
func (q quiet) WithGroup(name string) slog.Handler       { return quiet{q.inner.WithGroup(name)} }

func lowered(level slog.Level) slog.Level {
	switch {
	case level < slog.LevelWarn:
		return slog.LevelDebug
	case level > slog.LevelError: // geth's crit
		return slog.LevelError
	}
	return level
}
