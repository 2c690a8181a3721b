package ipc

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// A message whose records have come in part is put together by the Conn that
// goes on with the socket.
func TestInterruptedMessageIsCarriedOn(t *testing.T) {
	mine, theirs := connPair(t)
	want := strings.Repeat("x", 3*maxPieceBytes)
	recs, err := Records(&Log{Text: want})
	if err != nil {
		t.Fatal(err)
	}
	if len(recs) < 4 {
		t.Fatalf("%d records, want 4", len(recs))
	}
	var begun *Partial
	for n, rec := range recs {
		if err := theirs.SendRecord(rec); err != nil {
			t.Fatal(err)
		}
		if n == len(recs)-1 {
			break
		}
		next := NewConn(mine.sock)
		next.Resume(begun)
		next.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if m, _, err := next.Recv(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("after record %d: %v, %v", n, m, err)
		}
		begun = next.Partial()
	}
	mine.Resume(begun)
	mine.SetReadDeadline(time.Time{})
	m, _, err := mine.Recv()
	if got, ok := m.(*Log); err != nil || !ok || got.Text != want {
		t.Errorf("got %T, error %v", m, err)
	}
	if mine.Partial() != nil {
		t.Error("a partial message is left")
	}
}

// A record that meets a deadline is sent wholly or not at all.
func TestInterruptedSendLosesNothing(t *testing.T) {
	mine, theirs := connPair(t)
	rec := appendRecord(nil, TypeReady, false, []byte("{}"))
	theirs.SetWriteDeadline(time.Unix(1, 0))
	if err := theirs.SendRecord(rec); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("sent after the deadline: %v", err)
	}
	theirs.SetWriteDeadline(time.Time{})
	sent := 0
	for theirs.SetWriteDeadline(time.Now().Add(20*time.Millisecond)) == nil {
		if err := theirs.SendRecord(rec); err != nil {
			break // the socket is full
		}
		sent++
	}
	for n := range sent {
		if _, _, err := mine.Recv(); err != nil {
			t.Fatalf("record %d of %d: %v", n, sent, err)
		}
	}
	mine.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if m, _, err := mine.Recv(); err == nil {
		t.Errorf("%T came, which was not sent", m)
	}
}
