package wire

import (
	"bytes"
	"reflect"
	"testing"
	"unicode/utf8"
)

const fuzzMax = 4096

// cut is what a receiver makes of bytes: its packets, and why it stopped.
func cut(stream []byte, pieces func(rest int) int) (packets [][]byte, failed bool) {
	var have []byte
	for len(stream) > 0 {
		n := pieces(len(stream))
		have, stream = append(have, stream[:n]...), stream[n:]
		for {
			n, err := Length(have, fuzzMax)
			if err != nil {
				return packets, true
			}
			if n == 0 || n > len(have) {
				break
			}
			packets = append(packets, bytes.Clone(have[:n]))
			have = have[n:]
		}
	}
	return packets, false
}

func FuzzPacket(f *testing.F) {
	for _, frame := range frames(f) {
		f.Add(frame, 1)
		f.Add(append(bytes.Clone(frame), frame...), 30)
	}
	p := Packet{Command: OnMessage, Flag: Scalar | IPv6, Ext: []byte("s"), Body: []byte("b")}
	f.Add(p.Append(nil), 27)
	f.Fuzz(func(t *testing.T, stream []byte, at int) {
		whole, failed := cut(stream, func(rest int) int { return rest })
		single, singleFailed := cut(stream, func(int) int { return 1 })
		first := true
		two, twoFailed := cut(stream, func(rest int) int {
			if first && 0 < at && at < rest {
				first = false
				return at
			}
			return rest
		})
		if !reflect.DeepEqual(whole, single) || !reflect.DeepEqual(whole, two) ||
			failed != singleFailed || failed != twoFailed {
			t.Fatalf("%x cut at %d: %x, %x, %x", stream, at, whole, single, two)
		}
		for _, frame := range whole {
			p, err := Parse(frame)
			if err != nil {
				continue
			}
			if p.Len() != len(frame) || !bytes.Equal(p.Append(nil), frame) {
				t.Fatalf("%x became %+v and %x", frame, p, p.Append(nil))
			}
		}
	})
}

// FuzzExt reads what comes as every kind of ext data. What was read has to survive
// being built and read once more.
func FuzzExt(f *testing.F) {
	for _, frame := range frames(f) {
		if p, err := Parse(frame); err == nil && len(p.Ext) > 0 {
			f.Add(p.Ext)
		}
	}
	f.Add([]byte(`{"group":["\u4f60\/\ud83d\ude00\b"],"exclude":[7]}`))
	f.Add([]byte(`{"fields":["uid"],"where":{"uid":[1],"connection_id":[4294967295]}}`))
	f.Fuzz(func(t *testing.T, ext []byte) {
		if got, err := ParseToAll(ext); err == nil {
			if again, err := ParseToAll(got.Append(nil)); err != nil || !sameToAll(got, again) {
				t.Fatalf("%q: %+v, then %+v, %v", ext, got, again, err)
			}
		}
		if got, err := ParseToGroup(ext); err == nil {
			built, err := got.Append(nil)
			again, err2 := ParseToGroup(built)
			if err != nil || err2 != nil || !reflect.DeepEqual(got, again) {
				t.Fatalf("%q: %+v, then %+v, %v, %v", ext, got, again, err, err2)
			}
		}
		if got, err := ParseStrings(ext); err == nil {
			built, err := AppendStrings(nil, got)
			again, err2 := ParseStrings(built)
			if err != nil || err2 != nil || !reflect.DeepEqual(got, again) {
				t.Fatalf("%q: %q, then %q, %v, %v", ext, got, again, err, err2)
			}
		}
		fuzzSelection(t, ext)
		p := Packet{Command: WorkerConnect, Flag: Scalar, Body: ext}
		if got, err := ParseWorkerHello(&p); err == nil {
			p.Body = got.Append(nil)
			if again, err := ParseWorkerHello(&p); err != nil || again != got {
				t.Fatalf("%q: %+v, then %+v, %v", ext, got, again, err)
			}
		}
	})
}

// sameToAll leaves out Exclude where Only is set: it does not count then.
func sameToAll(a, b ToAll) bool {
	return a.Only == b.Only && reflect.DeepEqual(a.Connections, b.Connections) &&
		(a.Only || reflect.DeepEqual(a.Exclude, b.Exclude))
}

func fuzzSelection(t *testing.T, ext []byte) {
	got, err := ParseSelection(ext)
	if err != nil {
		return
	}
	for _, w := range got.Where {
		if !utf8.ValidString(w.Key) {
			t.Fatalf("%q: key %q", ext, w.Key)
		}
		for _, value := range w.Values {
			if _, err := connectionID(value); err != nil && w.Key == "connection_id" {
				return
			}
		}
	}
	built, err := got.Append(nil)
	again, err2 := ParseSelection(built)
	if err != nil || err2 != nil || !reflect.DeepEqual(got, again) {
		t.Fatalf("%q: %+v, then %+v, %v, %v", ext, got, again, err, err2)
	}
}
