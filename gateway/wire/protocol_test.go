package wire

import (
	"errors"
	"reflect"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

// room is a connection that only says how long a packet may be.
type room struct {
	protocol.Conn
	max int
}

func (r room) MaxPackage() int { return r.max }

func TestProtocolCutsPackets(t *testing.T) {
	p := Packet{Command: SendToOne, Flag: Scalar, ConnectionID: 1, Body: []byte("hi")}
	frame := p.Append(nil)
	two := append(frame, frame...)
	for name, c := range map[string]struct {
		buf  []byte
		max  int
		want int
		err  error
	}{
		"nothing":       {nil, 100, 0, nil},
		"three bytes":   {two[:3], 100, 0, nil},
		"a length":      {two[:4], 100, 30, nil},
		"one and more":  {two[:40], 100, 30, nil},
		"as long":       {two, 30, 30, nil},
		"too long":      {two[:4], 29, 0, ErrLong},
		"below a head":  {make([]byte, 4), 100, 0, ErrShort},
		"all too large": {[]byte{255, 255, 255, 255}, MaxPacketBytes, 0, ErrLong},
	} {
		n, err := Protocol.Input(c.buf, room{max: c.max})
		if n != c.want || !errors.Is(err, c.err) || err != nil && !errors.Is(err, protocol.ErrBad) {
			t.Errorf("%s: %d, %v, want %d, %v", name, n, err, c.want, c.err)
		}
	}
}

func TestProtocolPassesPacketsOnAsTheyAre(t *testing.T) {
	p := Packet{Command: SendToOne, Flag: Scalar, ConnectionID: 1, Body: []byte("hi")}
	frame := p.Append(nil)
	b := Protocol.(protocol.Bytes)
	got, err := b.DecodeBytes(frame, nil)
	if err != nil || !reflect.DeepEqual(got, frame) {
		t.Errorf("read %x, %v", got, err)
	}
	if got, err = b.EncodeBytes([]byte("x"), frame, nil); err != nil || string(got[1:]) != string(frame) {
		t.Errorf("wrote %x, %v", got, err)
	}
	if v, err := Protocol.Decode(frame, nil); err != nil || !reflect.DeepEqual(v, frame) {
		t.Errorf("read %v, %v", v, err)
	}
	if got, err = Protocol.Encode(nil, frame, nil); err != nil || string(got) != string(frame) {
		t.Errorf("wrote %x, %v", got, err)
	}
}
