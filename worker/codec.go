package worker

import (
	"reflect"

	"github.com/workerman-go/wm/protocol"
)

// codec is a protocol with what it offers beyond the three methods, looked up
// once instead of at each message. All connections of a protocol share one.
type codec struct {
	name     string // "" is raw
	proto    protocol.Protocol
	bytes    protocol.Bytes
	writes   protocol.BytesEncoder
	share    protocol.Sharer
	binary   protocol.BinaryEncoder
	open     protocol.Opener
	hand     protocol.Handshaker
	keeps    protocol.Holder
	coded    protocol.CodeFarewell
	sent     protocol.Finisher
	fail     protocol.Failer
	release  protocol.Releaser
	forget   protocol.Forgetter
	farewell protocol.Farewell
	quiet    protocol.Quiescer
	patient  protocol.Patient
	leave    protocol.Leaver
	close    protocol.Closer

	message, turn int // recent sizes in bytes
}

// codecOf returns the codec of proto; nil is raw.
func (p *Process) codecOf(proto protocol.Protocol, name string) *codec {
	for _, c := range p.codecs {
		if same(c.proto, proto) {
			return c
		}
	}
	c := &codec{name: name, proto: proto}
	c.bytes, _ = proto.(protocol.Bytes)
	c.writes, _ = proto.(protocol.BytesEncoder)
	c.share, _ = proto.(protocol.Sharer)
	c.binary, _ = proto.(protocol.BinaryEncoder)
	c.open, _ = proto.(protocol.Opener)
	c.hand, _ = proto.(protocol.Handshaker)
	c.keeps, _ = proto.(protocol.Holder)
	c.coded, _ = proto.(protocol.CodeFarewell)
	c.sent, _ = proto.(protocol.Finisher)
	c.fail, _ = proto.(protocol.Failer)
	c.release, _ = proto.(protocol.Releaser)
	c.forget, _ = proto.(protocol.Forgetter)
	c.farewell, _ = proto.(protocol.Farewell)
	c.quiet, _ = proto.(protocol.Quiescer)
	c.patient, _ = proto.(protocol.Patient)
	c.leave, _ = proto.(protocol.Leaver)
	c.close, _ = proto.(protocol.Closer)
	if proto == nil || reflect.ValueOf(proto).Comparable() {
		p.codecs = append(p.codecs, c)
	}
	return c
}

// same compares two protocols; values that have no == are never the same.
func same(a, b protocol.Protocol) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return reflect.ValueOf(b).Comparable() && a == b
}

// rawClass is the class of all raw connections: the bytes are the message.
const rawClass = 1

// class names the connections that what c encodes may go to as well; 0: none.
func (k *codec) class(c *Connection) int {
	switch {
	case k.proto == nil:
		return rawClass
	case k.share != nil:
		return k.share.Class(c)
	}
	return 0
}

// encode appends v as the protocol writes it.
func (k *codec) encode(dst []byte, v any, c *Connection) ([]byte, error) {
	if k.proto == nil {
		return protocol.AppendText(dst, v)
	}
	if k.writes != nil {
		switch v := v.(type) {
		case []byte:
			return k.writes.EncodeBytes(dst, v, c)
		case string:
			return k.writes.EncodeBytes(dst, bytesOf(v), c)
		}
	}
	return k.proto.Encode(dst, v, c)
}

// messageRoom is what one more message may take, turnRoom what a connection
// sends in one turn, both a little above the recent average: a buffer of the
// right size need not grow.
func (k *codec) messageRoom() int { return k.message + k.message/4 + 32 }
func (k *codec) turnRoom() int    { return min(k.turn+k.turn/4, maxPending) }

func (k *codec) measureMessage(n int) { k.message += (min(n, maxPending) - k.message) / 8 }
func (k *codec) measureTurn(n int)    { k.turn += (min(n, maxPending) - k.turn) / 8 }
