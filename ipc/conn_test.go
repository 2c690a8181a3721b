package ipc

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// testDeadline bounds what a test waits for; nothing comes near it unless
// something is broken.
const testDeadline = 10 * time.Second

// rawPair returns one end as a Conn and the other as a bare descriptor, for
// bytes that a Conn would never write.
func rawPair(t *testing.T) (*Conn, int) {
	t.Helper()
	c, fd, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(testDeadline))
	t.Cleanup(func() { c.Close() })
	return c, fd
}

func connPair(t *testing.T) (*Conn, *Conn) {
	t.Helper()
	a, fd := rawPair(t)
	b, err := FromDescriptor(fd)
	if err != nil {
		t.Fatal(err)
	}
	b.SetDeadline(time.Now().Add(testDeadline))
	t.Cleanup(func() { b.Close() })
	return a, b
}

func write(t *testing.T, fd int, rec []byte, fds ...int) {
	t.Helper()
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	if err := unix.Sendmsg(fd, rec, oob, nil, 0); err != nil {
		t.Fatal(err)
	}
}

func rec(t Type, more bool, body string) []byte { return appendRecord(nil, t, more, []byte(body)) }

// openDescriptors counts the descriptors of this process.
func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// pipeEnds returns n descriptors to be passed.
func pipeEnds(t *testing.T, n int) []int {
	t.Helper()
	var fds []int
	for range n {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		t.Cleanup(func() { w.Close() })
		fds = append(fds, int(w.Fd()))
	}
	return fds
}

// A connection is told apart by what its receiver answers to each of these;
// every case comes with a descriptor, which must not stay open.
func TestRecvRefusesMalformedRecords(t *testing.T) {
	change := func(at int, b byte) []byte {
		r := rec(TypeGoodbye, false, `{"code":1}`)
		r[at] = b
		return r
	}
	cases := map[string]struct {
		recs [][]byte
		want error
	}{
		"empty header":     {[][]byte{{'w', 'm', 1}}, ErrMalformed},
		"first magic":      {[][]byte{change(0, 'W')}, ErrMalformed},
		"second magic":     {[][]byte{change(1, 'W')}, ErrMalformed},
		"version 0":        {[][]byte{change(2, 0)}, ErrVersion},
		"version 3":        {[][]byte{change(2, 3)}, ErrVersion},
		"version 255":      {[][]byte{change(2, 255)}, ErrVersion},
		"unknown flag":     {[][]byte{change(4, 2)}, ErrMalformed},
		"reserved 5":       {[][]byte{change(5, 1)}, ErrMalformed},
		"reserved 6":       {[][]byte{change(6, 1)}, ErrMalformed},
		"reserved 7":       {[][]byte{change(7, 1)}, ErrMalformed},
		"no body":          {[][]byte{rec(TypeReady, false, "")}, ErrMalformed},
		"array":            {[][]byte{rec(TypeReady, false, "[]")}, ErrMalformed},
		"null":             {[][]byte{rec(TypeReady, false, "null")}, ErrMalformed},
		"half an object":   {[][]byte{rec(TypeGoodbye, false, `{"code":`)}, ErrMalformed},
		"wrong field type": {[][]byte{rec(TypeGoodbye, false, `{"code":"x"}`)}, ErrMalformed},
		"unknown, no body": {[][]byte{rec(200, false, "x")}, ErrMalformed},
		"larger than a record": {
			[][]byte{rec(TypeLog, false, "{}"+strings.Repeat(" ", maxRecordBytes))}, ErrMalformed},
		"continuation of another type": {
			[][]byte{rec(TypeLog, true, "{"), rec(TypeReady, false, "}")}, ErrMalformed},
		"malformed continuation": {
			[][]byte{rec(TypeLog, true, "{"), change(0, 'x')}, ErrMalformed},
		"beyond the bound": {
			[][]byte{rec(TypeLog, false, "{"+strings.Repeat(" ", 2000)+"}")}, ErrTooLarge},
		"pieces beyond the bound": {[][]byte{rec(TypeLog, true, "{"+strings.Repeat(" ", 600)),
			rec(TypeLog, false, strings.Repeat(" ", 600)+"}")}, ErrTooLarge},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c, fd := rawPair(t)
			defer unix.Close(fd)
			c.MaxMessage = 1000
			passed := pipeEnds(t, 1)
			before := openDescriptors(t)
			for i, r := range tc.recs {
				write(t, fd, r, passed[:max(0, 1-i)]...)
			}
			m, fds, err := c.Recv()
			if !errors.Is(err, tc.want) || m != nil || fds != nil {
				t.Errorf("got %v, %v, %v, want %v", m, fds, err, tc.want)
			}
			if after := openDescriptors(t); after != before {
				t.Errorf("%d descriptors before, %d after", before, after)
			}
		})
	}
}

func TestRecvServesNeighbourVersions(t *testing.T) {
	for _, version := range []byte{1, 2} {
		c, fd := rawPair(t)
		r := rec(TypeGoodbye, false, `{"code":3}`)
		r[2] = version
		write(t, fd, r)
		m, _, err := c.Recv()
		if bye, ok := m.(*Goodbye); !ok || bye.Code != 3 || err != nil {
			t.Errorf("version %d: got %v, %v", version, m, err)
		}
		unix.Close(fd)
	}
}

func TestRecvSkipsUnknownTypesAndFields(t *testing.T) {
	c, fd := rawPair(t)
	defer unix.Close(fd)
	passed := pipeEnds(t, 1)
	before := openDescriptors(t)
	write(t, fd, rec(200, false, `{"a":1}`), passed...)
	write(t, fd, rec(TypeGoodbye, false, ` {"code":3,"later":{"x":[1]}} `))
	m, fds, err := c.Recv()
	if bye, ok := m.(*Goodbye); !ok || bye.Code != 3 || err != nil || len(fds) != 0 {
		t.Errorf("got %v, %v, %v", m, fds, err)
	}
	if c.Unknown() != 1 {
		t.Errorf("Unknown is %d, want 1", c.Unknown())
	}
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestRecvJoinsPiecesWhereverTheyAreCut(t *testing.T) {
	const body = `{"code":250,"text":"OnWorkerStart: ß"}`
	want := Failed{Code: 250, Text: "OnWorkerStart: ß"}
	c, fd := rawPair(t)
	defer unix.Close(fd)
	for cut := range len(body) + 1 {
		write(t, fd, rec(TypeFailed, true, body[:cut]))
		write(t, fd, rec(TypeFailed, false, body[cut:]))
		m, _, err := c.Recv()
		if got, ok := m.(*Failed); !ok || *got != want || err != nil {
			t.Fatalf("cut at %d: got %v, %v", cut, m, err)
		}
	}
}

func TestSendCutsLongMessages(t *testing.T) {
	a, b := connPair(t)
	for _, size := range []int{0, 1, maxPieceBytes - 12, maxPieceBytes - 11, maxPieceBytes - 10,
		3 * maxPieceBytes, 1 << 20} {
		want := strings.Repeat("x", size)
		sent := make(chan error, 1)
		go func() { sent <- a.Send(&Log{Text: want}) }() // ends when b received it all
		m, _, err := b.Recv()
		if got, ok := m.(*Log); !ok || got.Text != want || err != nil {
			t.Errorf("%d bytes: got %T, %v", size, m, err)
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
	}
}

func TestSendsOfManyGoroutinesDoNotInterleave(t *testing.T) {
	a, b := connPair(t)
	const senders, each = 4, 10
	var all sync.WaitGroup
	for range senders {
		all.Go(func() { // ends when b received its messages
			for range each {
				if err := a.Send(&Log{Text: strings.Repeat("y", 2*maxPieceBytes)}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range senders * each {
		if m, _, err := b.Recv(); err != nil || len(m.(*Log).Text) != 2*maxPieceBytes {
			t.Fatalf("got %T, %v", m, err)
		}
	}
	all.Wait()
}

func TestDescriptorsTravelBesideTheFirstRecord(t *testing.T) {
	a, b := connPair(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sent := make(chan error, 1)
	big := strings.Repeat("z", maxRecordBytes)
	go func() { sent <- a.Send(&Listening{ID: 1, Error: big}, int(w.Fd())) }() // b receives it
	m, fds, err := b.Recv()
	if err != nil || len(fds) != 1 || m.(*Listening).Error != big {
		t.Fatalf("got %T, %v, %v", m, fds, err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	w.Close()
	flags, err := unix.FcntlInt(uintptr(fds[0]), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("descriptor flags %#x, %v: not close-on-exec", flags, err)
	}
	if _, err := unix.Write(fds[0], []byte("through")); err != nil {
		t.Fatal(err)
	}
	unix.Close(fds[0])
	if got, err := io.ReadAll(r); err != nil || string(got) != "through" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestMisplacedDescriptorsAreClosed(t *testing.T) {
	cases := map[string]func(t *testing.T, fd int){
		"beside a continuation": func(t *testing.T, fd int) {
			write(t, fd, rec(TypeLog, true, "{"), pipeEnds(t, 1)...)
			write(t, fd, rec(TypeLog, false, "}"), pipeEnds(t, 1)...)
		},
		"more than eight": func(t *testing.T, fd int) {
			write(t, fd, rec(TypeLog, false, "{}"), pipeEnds(t, 9)...)
		},
		"beside nothing": func(t *testing.T, fd int) {
			write(t, fd, nil, pipeEnds(t, 1)...)
		},
		"first piece only, then the peer is gone": func(t *testing.T, fd int) {
			write(t, fd, rec(TypeLog, true, "{"), pipeEnds(t, 1)...)
		},
	}
	for name, send := range cases {
		t.Run(name, func(t *testing.T) {
			c, fd := rawPair(t)
			send(t, fd)
			unix.Close(fd)
			before := openDescriptors(t)
			m, fds, err := c.Recv()
			if err == nil || fds != nil {
				t.Errorf("got %v, %v, %v, want an error", m, fds, err)
			}
			if after := openDescriptors(t); after != before {
				t.Errorf("%d descriptors before, %d after", before, after)
			}
		})
	}
}

func TestRecvTellsThatThePeerIsGone(t *testing.T) {
	a, b := connPair(t)
	b.Close()
	if _, _, err := a.Recv(); !errors.Is(err, io.EOF) || !Gone(err) {
		t.Errorf("got %v, want io.EOF", err)
	}
	if err := a.Send(&Ready{}); err == nil || !Gone(err) {
		t.Errorf("Send: got %v, want an error that is Gone", err)
	}
	a.Close()
	if _, _, err := a.Recv(); !Gone(err) {
		t.Errorf("own end closed: got %v", err)
	}
	if Gone(ErrMalformed) || Gone(nil) {
		t.Error("Gone is true for something else")
	}
}

// The kernel reports a reset before it hands out what is queued, when the peer
// left records unread: its last words must not be lost by that.
func TestLastRecordsArriveFromAPeerThatDidNotReadAll(t *testing.T) {
	a, b := connPair(t)
	if err := a.Send(&Kick{}); err != nil {
		t.Fatal(err)
	}
	for _, m := range []Message{&Log{Text: "last words"}, &Goodbye{Code: 5}} {
		if err := b.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	b.Close()
	if m, _, err := a.Recv(); err != nil || m.Type() != TypeLog {
		t.Fatalf("got %v, %v, want the log line", m, err)
	}
	if m, _, err := a.Recv(); err != nil || m.(*Goodbye).Code != 5 {
		t.Fatalf("got %v, %v, want goodbye", m, err)
	}
	if _, _, err := a.Recv(); !Gone(err) {
		t.Errorf("got %v, want the end", err)
	}
}

func TestFromDescriptorRefusesOtherDescriptors(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fd, err := unix.Dup(int(w.Fd()))
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := FromDescriptor(fd); err == nil {
		t.Error("a pipe was taken for a link")
	}
	if _, err := FromDescriptor(1 << 20); err == nil {
		t.Error("a closed descriptor was taken for a link")
	}
}

func BenchmarkReport(b *testing.B) {
	a, fd, err := Pair()
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	far, err := FromDescriptor(fd)
	if err != nil {
		b.Fatal(err)
	}
	defer far.Close()
	body, err := json.Marshal(samples["report"])
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(headerBytes + len(bytes.TrimSpace(body))))
	b.ReportAllocs()
	for b.Loop() {
		if err := far.Send(samples["report"]); err != nil {
			b.Fatal(err)
		}
		if _, _, err := a.Recv(); err != nil {
			b.Fatal(err)
		}
	}
}
