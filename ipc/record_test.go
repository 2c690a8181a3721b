package ipc

import (
	"bytes"
	"errors"
	"testing"
)

func TestNothingIsSentThatNobodyReceives(t *testing.T) {
	body := make([]byte, DefaultMaxMessage+1)
	if recs, err := cut(TypeLog, body); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %d records, %v, want ErrTooLarge", len(recs), err)
	}
	recs, err := cut(TypeLog, body[1:])
	if err != nil || len(recs) != DefaultMaxMessage/maxPieceBytes+1 {
		t.Errorf("got %d records, %v", len(recs), err)
	}
}

// FuzzDecode feeds records as a peer could write them. What is accepted must
// come out the same after it was sent on.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("wm"))
	f.Add(appendRecord(nil, TypeReady, false, []byte("{}")))
	f.Add(appendRecord(nil, TypeGoodbye, false, []byte(`{"code":-1}`)))
	f.Add(appendRecord(nil, TypeLog, false, []byte("{\"text\":\"\xff\"}")))
	f.Add(appendRecord(nil, TypeSnapshot, false, []byte(`{"started":"2025-01-31T12:00:00Z"}`)))
	f.Add(appendRecord(nil, TypeLog, true, []byte(`{"te`)))
	f.Fuzz(func(t *testing.T, rec []byte) {
		typ, _, piece, err := parseRecord(rec)
		if err != nil {
			return
		}
		if len(piece) > len(rec)-headerBytes {
			t.Fatalf("a piece of %d bytes in a record of %d", len(piece), len(rec))
		}
		m, err := decode(typ, piece)
		if err != nil || m == nil {
			return
		}
		if m.Type() != typ {
			t.Fatalf("type %d became a message of type %d", typ, m.Type())
		}
		first := encoded(t, m)
		again, err := decode(typ, body(t, first))
		if err != nil {
			t.Fatalf("own encoding refused: %v", err)
		}
		if second := encoded(t, again); !bytes.Equal(bytes.Join(first, nil), bytes.Join(second, nil)) {
			t.Fatalf("got %q, want %q", second, first)
		}
	})
}

func encoded(t *testing.T, m Message) [][]byte {
	t.Helper()
	recs, err := records(m)
	if err != nil {
		t.Fatal(err)
	}
	return recs
}

// body joins the pieces of recs and checks the flag of each.
func body(t *testing.T, recs [][]byte) []byte {
	t.Helper()
	var joined []byte
	for i, rec := range recs {
		_, more, piece, err := parseRecord(rec)
		if err != nil {
			t.Fatal(err)
		}
		if more != (i < len(recs)-1) {
			t.Fatalf("record %d of %d: more is %v", i+1, len(recs), more)
		}
		joined = append(joined, piece...)
	}
	return joined
}
