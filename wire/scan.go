package wire

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/artel-network/artel"
)

// mode says what a decoder does with a field that it does not know.
type mode bool

const (
	tolerant mode = false // skip it, up to maxUnknown of them
	strict   mode = true  // refuse it, and every encoding but the canonical one
)

// decode reads b into m. The bytes are walked once before anything is
// allocated: two bytes are enough to say "one more task", so that without the
// walk a message of megabytes would become gigabytes of values.
func decode(b []byte, limit int, md mode, m proto.Message) error {
	desc := m.ProtoReflect().Descriptor()
	if len(b) > limit {
		return artel.Invalid("decode %s: %d bytes, at most %d", desc.Name(), len(b), limit)
	}
	if err := scan(b, desc, md); err != nil {
		return err
	}
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(b, m); err != nil {
		return artel.Invalid("decode %s: %v", desc.Name(), err)
	}
	if md == strict && string(encode(m)) != string(b) {
		return artel.Invalid("decode %s: the encoding is not the canonical one", desc.Name())
	}
	return nil
}

// encode never fails: proto3 has no required fields, and every string went
// through valid or clean.
func encode(m proto.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic("wire: encode " + string(m.ProtoReflect().Descriptor().Name()) + ": " + err.Error())
	}
	if b == nil {
		b = []byte{}
	}
	return b
}

// scan walks one message by its descriptor. It refuses groups, a second value
// of a field that has one, lists beyond maxItems, numbers wider than their
// field, and too much that is unknown. Depth is bounded by the schema, which
// has no cycle.
func scan(b []byte, desc protoreflect.MessageDescriptor, md mode) error {
	var (
		seen             [32]int // by field number; the schema's are below 32
		unknown, skipped int
		fields           = desc.Fields()
		bad              = func(format string, args ...any) error {
			return artel.Invalid("decode "+string(desc.Name())+": "+format, args...)
		}
	)
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return bad("malformed field tag")
		}
		if typ == protowire.StartGroupType || typ == protowire.EndGroupType {
			return bad("field %d is a group", num)
		}
		size := protowire.ConsumeFieldValue(num, typ, b[n:])
		if size < 0 {
			return bad("field %d is malformed or cut short", num)
		}
		value := b[n : n+size]
		b = b[n+size:]

		fd := fields.ByNumber(num)
		if fd == nil || typ != wireType(fd.Kind()) {
			unknown, skipped = unknown+1, skipped+n+size
			if md == strict {
				return bad("unknown field %d", num)
			}
			if unknown > maxUnknown || skipped > maxUnknownLen {
				return bad("more than %d unknown fields or %d bytes of them", maxUnknown, maxUnknownLen)
			}
			continue
		}
		seen[num]++
		if most := maxItems(fd); seen[num] > most {
			return bad("more than %d of field %s", most, fd.Name())
		}
		switch fd.Kind() {
		case protoreflect.Uint32Kind, protoreflect.Sint32Kind:
			if v, _ := protowire.ConsumeVarint(value); v > math.MaxUint32 {
				return bad("field %s exceeds 32 bits", fd.Name())
			}
		case protoreflect.BoolKind:
			if v, _ := protowire.ConsumeVarint(value); v > 1 {
				return bad("field %s is neither true nor false", fd.Name())
			}
		case protoreflect.MessageKind:
			inner, _ := protowire.ConsumeBytes(value)
			if err := scan(inner, fd.Message(), md); err != nil {
				return err
			}
		}
	}
	return nil
}

// wireType returns how a field of kind k is written; the schema uses no others.
func wireType(k protoreflect.Kind) protowire.Type {
	switch k {
	case protoreflect.BytesKind, protoreflect.StringKind, protoreflect.MessageKind:
		return protowire.BytesType
	}
	return protowire.VarintType
}

// maxItems returns how often a field may stand in its message.
func maxItems(fd protoreflect.FieldDescriptor) int {
	if !fd.IsList() {
		return 1
	}
	switch fd.FullName() {
	case "artel.wire.v1.StartRequest.starts",
		"artel.wire.v1.StartResponse.refused",
		"artel.wire.v1.CancelRequest.tasks",
		"artel.wire.v1.WatchResponse.events":
		return MaxTasks
	case "artel.wire.v1.WatchResponse.running":
		return MaxRunning
	case "artel.wire.v1.PayResponse.keys",
		"artel.wire.v1.PayRequest.want":
		return MaxKeys
	case "artel.wire.v1.TaskSpec.args",
		"artel.wire.v1.TaskSpec.env":
		return artel.MaxArgs
	case "artel.wire.v1.RecoverResponse.lanes":
		return MaxLanes
	case "artel.wire.v1.HeldLane.leases":
		return MaxHeldLeases
	case "artel.wire.v1.Visit.args",
		"artel.wire.v1.Visit.env":
		return artel.MaxArgs
	case "artel.wire.v1.Keeping.keepers",
		"artel.wire.v1.Segment.kept":
		return artel.MaxKeepers
	case "artel.wire.v1.KeptRequest.tasks",
		"artel.wire.v1.KeptResponse.holdings":
		return MaxTasks
	case "artel.wire.v1.Box.network":
		return 64
	case "artel.wire.v1.CPU.features":
		return 256
	case "artel.wire.v1.Offer.sandboxes", "artel.wire.v1.Offer.addrs", "artel.wire.v1.Keeper.addrs":
		return 16 // the exact bounds are Offer.Check's
	}
	return 0 // a list without a limit is refused, so that none is forgotten
}
