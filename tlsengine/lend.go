package tlsengine

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"sync"
	"unsafe"
)

// tls.Conn keeps three buffers for ever: rawInput as large as the largest
// record it ever received (18 KiB), hand as the largest handshake message, and
// input, which points into rawInput. There is no way to take them out but by
// the fields, so their places are looked up once; with a Go release that names
// or makes them differently nothing is lent and crypto/tls keeps its memory.
var (
	rawInputAt, knowRawInput = fieldOf[bytes.Buffer]("rawInput")
	handAt, knowHand         = fieldOf[bytes.Buffer]("hand")
	inputAt, knowInput       = fieldOf[bytes.Reader]("input")

	canLend = knowRawInput && knowHand && knowInput
)

// fieldOf finds a field of tls.Conn, if it has exactly this type.
func fieldOf[T any](name string) (offset uintptr, ok bool) {
	f, found := reflect.TypeFor[tls.Conn]().FieldByName(name)
	if !found || f.Type != reflect.TypeFor[T]() {
		return 0, false
	}
	return f.Offset, true
}

func at[T any](conn *tls.Conn, offset uintptr) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(conn), offset))
}

// loan is memory for one record, its header, and the bytes.MinRead that
// crypto/tls wants free behind it; with it crypto/tls never grows rawInput.
type loan [20 << 10]byte

var loans = sync.Pool{New: func() any { return new(loan) }}

// lend gives conn memory to read a record into, for the time of one Read or
// until its plaintext is taken. Called on the loop goroutine, like reclaim.
func (e *Engine) lend() {
	if !canLend || e.lent != nil {
		return
	}
	if raw := at[bytes.Buffer](e.conn, rawInputAt); raw.Len() == 0 {
		e.lent = loans.Get().(*loan)
		*raw = *bytes.NewBuffer(e.lent[:0])
	}
}

// reclaim takes the memory back once nothing waits in it, and drops what
// crypto/tls made itself during a handshake or for a post-handshake message.
func (e *Engine) reclaim() {
	if !canLend {
		return
	}
	raw, input := at[bytes.Buffer](e.conn, rawInputAt), at[bytes.Reader](e.conn, inputAt)
	if raw.Len() > 0 || input.Len() > 0 {
		return
	}
	e.unread = false
	*raw = bytes.Buffer{}
	input.Reset(nil)
	if hand := at[bytes.Buffer](e.conn, handAt); hand.Len() == 0 {
		*hand = bytes.Buffer{}
	}
	e.returnLoan()
}

func (e *Engine) returnLoan() {
	if e.lent != nil {
		loans.Put(e.lent)
		e.lent = nil
	}
}
