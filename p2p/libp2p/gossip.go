package libp2p

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/artel-network/artel/p2p"
)

// subscription is one topic of this host: what it subscribed (nil: nothing, it
// publishes only) and libp2p's handle, which stays open once joined.
type subscription struct {
	validate p2p.Validator
	deliver  func(p2p.Message)
	handle   *pubsub.Topic
	cancel   context.CancelFunc
}

const (
	// newsOverhead is what signatures, ids and control messages add to a frame.
	newsOverhead = 64 << 10
	// lag is how many messages wait for deliver before more are dropped.
	lag = 256
)

// startNews starts gossipsub. Every message is signed by its origin; messages
// without a signature, or with a wrong one, never reach a validator.
func (h *Host) startNews(ctx context.Context) error {
	news, err := pubsub.NewGossipSub(ctx, h.lib,
		pubsub.WithMessageSignaturePolicy(pubsub.StrictSign),
		pubsub.WithGossipSubProtocols([]protocol.ID{h.gossipID()}, gossipFeatures),
		pubsub.WithMaxMessageSize(p2p.MaxGossip+newsOverhead),
		pubsub.WithPeerScore(scoreParams(), scoreThresholds()),
		pubsub.WithValidateQueueSize(256),
		pubsub.WithPeerOutboundQueueSize(128),
		pubsub.WithLogger(slog.New(warnings{h.Log.Handler()})),
		pubsub.WithRPCLogger(slog.New(slog.DiscardHandler)),
	)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.news = news
	for name, s := range h.topics {
		if err := h.listenTopic(name, s); err != nil {
			return err
		}
	}
	return nil
}

// warnings drops what is below a warning: gossipsub has a line for every message.
type warnings struct{ slog.Handler }

// Enabled reports whether a level is worth a line.
func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}

// WithAttrs keeps the filter.
func (w warnings) WithAttrs(a []slog.Attr) slog.Handler { return warnings{w.Handler.WithAttrs(a)} }

// WithGroup keeps the filter.
func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }

// gossipFeatures is gossipsub 1.2: our one protocol id has no older versions to
// fall back to. Peer exchange is left out: anyone could fill it with victims.
func gossipFeatures(f pubsub.GossipSubFeature, _ protocol.ID) bool {
	return f == pubsub.GossipSubFeatureMesh || f == pubsub.GossipSubFeatureIdontwant
}

// Scores: only misbehaviour counts. Three rejected messages within the hour cost
// a neighbour its say (-90), ten silence it (-1000).
const (
	rejectWeight = -10
	muteBelow    = -50   // no gossip to it
	shunBelow    = -200  // no publishing to it
	deafBelow    = -1000 // nothing of it is read
)

func scoreThresholds() *pubsub.PeerScoreThresholds {
	return &pubsub.PeerScoreThresholds{
		GossipThreshold: muteBelow, PublishThreshold: shunBelow, GraylistThreshold: deafBelow,
		AcceptPXThreshold: 1000, OpportunisticGraftThreshold: 1,
	}
}

func scoreParams() *pubsub.PeerScoreParams {
	return &pubsub.PeerScoreParams{
		Topics:                      make(map[string]*pubsub.TopicScoreParams),
		TopicScoreCap:               10,
		AppSpecificScore:            func(peer.ID) float64 { return 0 },
		IPColocationFactorWeight:    -5,
		IPColocationFactorThreshold: 16, // a farm behind one address is welcome
		IPColocationFactorWhitelist: privateNets(),
		BehaviourPenaltyWeight:      -10,
		BehaviourPenaltyThreshold:   6,
		BehaviourPenaltyDecay:       pubsub.ScoreParameterDecay(10 * time.Minute),
		DecayInterval:               time.Second,
		DecayToZero:                 0.01,
		RetainScore:                 6 * time.Hour,
	}
}

func topicScore() *pubsub.TopicScoreParams {
	return &pubsub.TopicScoreParams{
		TopicWeight:                    1,
		TimeInMeshWeight:               0.01,
		TimeInMeshQuantum:              time.Minute,
		TimeInMeshCap:                  60,
		FirstMessageDeliveriesWeight:   0.1,
		FirstMessageDeliveriesDecay:    pubsub.ScoreParameterDecay(10 * time.Minute),
		FirstMessageDeliveriesCap:      50,
		InvalidMessageDeliveriesWeight: rejectWeight,
		InvalidMessageDeliveriesDecay:  pubsub.ScoreParameterDecay(time.Hour),
	}
}

// privateNets are addresses that many nodes of one LAN or one machine share.
func privateNets() (nets []*net.IPNet) {
	for _, s := range []string{"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7", "fe80::/10"} {
		_, n, err := net.ParseCIDR(s)
		if err != nil {
			continue
		}
		nets = append(nets, n)
	}
	return nets
}

// Publish sends news.
func (h *Host) Publish(ctx context.Context, name string, data []byte) error {
	if err := p2p.CheckName(name); err != nil {
		return err
	}
	if len(data) > p2p.MaxGossip {
		return p2p.Errorf(p2p.TooLarge, "publish on %s: %d bytes, at most %d", name, len(data), p2p.MaxGossip)
	}
	if err := h.await(ctx); err != nil {
		return fmt.Errorf("publish on %s: %w", name, err)
	}
	handle, err := h.joined(name)
	if err == nil {
		err = handle.Publish(ctx, data)
	}
	if err != nil {
		return fmt.Errorf("publish on %s: %w", name, localError(ctx, err))
	}
	return nil
}

func (h *Host) joined(name string) (*pubsub.Topic, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.topics[name]
	if s == nil {
		s = &subscription{}
		h.topics[name] = s
	}
	err := h.join(name, s)
	return s.handle, err
}

// join opens libp2p's handle of a topic. The caller holds mu.
func (h *Host) join(name string, s *subscription) (err error) {
	if s.handle != nil {
		return nil
	}
	if s.handle, err = h.news.Join(h.topic(name)); err != nil {
		return fmt.Errorf("join topic: %w", err)
	}
	return s.handle.SetScoreParams(topicScore())
}

// Subscribe receives news.
func (h *Host) Subscribe(name string, validate p2p.Validator, deliver func(p2p.Message)) (func(), error) {
	if err := p2p.CheckName(name); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.topics[name]
	switch {
	case h.stopped:
		return nil, p2p.Errorf(p2p.Unavailable, "subscribe %s: this host has stopped", name)
	case s != nil && s.validate != nil:
		return nil, p2p.Errorf(p2p.Conflict, "subscribe %s: this host has a subscription already", name)
	case s == nil:
		s = &subscription{}
		h.topics[name] = s
	}
	s.validate, s.deliver = validate, deliver
	if h.news != nil {
		if err := h.listenTopic(name, s); err != nil {
			s.validate, s.deliver = nil, nil
			return nil, fmt.Errorf("subscribe %s: %w", name, err)
		}
	}
	return func() { h.unsubscribe(name, s) }, nil
}

func (h *Host) unsubscribe(name string, s *subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.validate == nil {
		return
	}
	s.validate, s.deliver = nil, nil
	if s.cancel != nil {
		s.cancel()
		s.cancel = nil
		h.news.UnregisterTopicValidator(h.topic(name))
	}
}

// listenTopic makes a subscription work. The caller holds mu.
func (h *Host) listenTopic(name string, s *subscription) error {
	validate, deliver := s.validate, s.deliver
	judge := func(ctx context.Context, _ peer.ID, m *pubsub.Message) pubsub.ValidationResult {
		if m.ReceivedFrom == h.lib.ID() {
			return pubsub.ValidationAccept // our own
		}
		msg, ok := h.message(m)
		if !ok || len(msg.Data) > p2p.MaxGossip {
			return pubsub.ValidationReject
		}
		switch h.mux.Judge(ctx, name, validate, msg) {
		case p2p.Accept:
			return pubsub.ValidationAccept
		case p2p.Reject:
			return pubsub.ValidationReject
		}
		return pubsub.ValidationIgnore
	}
	if err := h.join(name, s); err != nil {
		return err
	}
	if err := h.news.RegisterTopicValidator(h.topic(name), judge,
		pubsub.WithValidatorTimeout(10*time.Second), pubsub.WithValidatorConcurrency(64)); err != nil {
		return fmt.Errorf("register validator: %w", err)
	}
	sub, err := s.handle.Subscribe(pubsub.WithBufferSize(lag))
	if err != nil {
		h.news.UnregisterTopicValidator(h.topic(name))
		return fmt.Errorf("subscribe: %w", err)
	}
	ctx, cancel := context.WithCancel(h.ctx)
	s.cancel = cancel
	h.work.Go(func() {
		defer sub.Cancel()
		for {
			m, err := sub.Next(ctx)
			if err != nil {
				return
			}
			if m.ReceivedFrom == h.lib.ID() {
				continue
			}
			if msg, ok := h.message(m); ok {
				h.mux.Deliver(name, deliver, msg)
			}
		}
	})
	return nil
}

func (h *Host) message(m *pubsub.Message) (p2p.Message, bool) {
	origin, ok := nodeID(m.GetFrom())
	from, ok2 := nodeID(m.ReceivedFrom)
	return p2p.Message{Origin: origin, From: from, Data: m.GetData()}, ok && ok2
}
