package http1

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

// chunkedForm is a request whose body comes in chunks of size bytes.
func chunkedForm(body string, size int) string {
	var out strings.Builder
	out.WriteString("POST /c HTTP/1.1\r\nHost: h\r\nContent-Type: " + formType +
		"\r\nTransfer-Encoding: chunked\r\n\r\n")
	for chunk := range slices.Chunk([]byte(body), size) {
		fmt.Fprintf(&out, "%x;x=y\r\n%s\r\n", len(chunk), chunk)
	}
	out.WriteString("0\r\nSum: 7\r\n\r\n")
	return out.String()
}

// formSummary is what the author sees of a form, in a line.
func formSummary(t testing.TB, r *Request) string {
	t.Helper()
	out := summary(r) + fmt.Sprint(" ", r.Form())
	for _, u := range r.Files() {
		if u.Err != nil {
			out += fmt.Sprintf(" %s: %v", u.Field, u.Err)
			continue
		}
		out += fmt.Sprintf(" %s=%s", u.Field, content(t, u))
	}
	return out
}

// streamed is what is seen of the requests in the pieces, each of them answered.
func streamed(t testing.TB, c *conn, pieces ...[]byte) (requests []string, err error) {
	t.Helper()
	err = c.receive(func(r *Request) {
		requests = append(requests, formSummary(t, r))
		answerAll(t, c)
	}, pieces...)
	return requests, err
}

func TestCollectedHoweverItIsCut(t *testing.T) {
	dir := uploadsTo(t)
	streamAbove(t, 100)
	form := field("a", "1") + file("f", "f", strings.Repeat("\r\n--c", 20)+"x") +
		field("z", "2") + endOfForm
	wire := []byte(post(formType, form) + chunkedForm(form, 7) + chunkedForm(form, 1000) +
		post("", "last=1"))
	want, err := streamed(t, newConn(), wire)
	if err != nil || len(want) != 4 ||
		!strings.Contains(want[1], "sum=7 map[a:1 z:2] f=\r\n--c\r\n--c") ||
		!strings.HasPrefix(want[3], "POST /p host=h body=\"last=1\"") {
		t.Fatalf("requests %q, %v", want, err)
	}
	for size := 1; size < 90; size++ {
		got, err := streamed(t, newConn(), slices.Collect(slices.Chunk(wire, size))...)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("cut by %d: %q, %v, want %q", size, got, err, want)
		}
	}
	if left := files(t, dir); left != nil {
		t.Errorf("files %q are left", left)
	}
}

// FuzzCollect demands the same requests however the bytes of a large form are
// cut, and no file that is left.
func FuzzCollect(f *testing.F) {
	form := field("a", "1") + file("f", "f", "\r\n--c") + endOfForm
	f.Add([]byte(chunkedForm(form, 7)), 3)
	f.Add([]byte(chunkedForm(form, 1000)+post("", "a=b")), 70)
	f.Add([]byte(post(formType, form)+"GET / HTTP/1.1\r\n"), 1)
	f.Add([]byte(strings.Replace(chunkedForm(form, 30), "1e;", "1g;", 1)), 5)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		dir := uploadsTo(t)
		streamAbove(t, 16)
		c, d := &conn{max: 1000}, &conn{max: 1000}
		want, wantErr := streamed(t, c, in)
		got, err := streamed(t, d, slices.Collect(slices.Chunk(in, max(size, 1)))...)
		if !slices.Equal(got, want) || (err == nil) != (wantErr == nil) {
			t.Errorf("cut by %d: %q, %v; whole: %q, %v", size, got, err, want, wantErr)
		}
		http1{}.OnClose(c)
		http1{}.OnClose(d)
		if left := files(t, dir); left != nil {
			t.Errorf("files %q are left", left)
		}
	})
}

// A large form is not held, and others are.
func TestWhatIsCollected(t *testing.T) {
	uploadsTo(t)
	streamAbove(t, 200)
	form := func(n int) string {
		frame := file("f", "f", "") + endOfForm
		return file("f", "f", strings.Repeat("x", n-len(frame))) + endOfForm
	}
	tests := []struct {
		name, wire string
		want       bool
	}{
		{"a form of the limit", post(formType, form(200)), false},
		{"a form above it", post(formType, form(201)), true},
		{"another type", post("text/plain", form(300)), false},
		{"other parts", post("multipart/mixed; boundary=b", form(300)), false},
		{"no type", post("", form(300)), false},
		{"chunks within the limit", chunkedForm(form(130), 50), false},
		{"chunks above it", chunkedForm(form(300), 50), true},
	}
	for _, tt := range tests {
		r := decoded(t, tt.wire)
		if got := r.RawBody() == nil; got != tt.want {
			t.Errorf("%s: streamed %v, want %v", tt.name, got, tt.want)
		}
		r.drop()
	}
}

func TestCollectingIsBounded(t *testing.T) {
	large := strings.Repeat("x", 3000)
	chunks := func(body string) string { return chunkedForm(body, 100) }
	tests := []struct {
		name, wire string
		status     int
	}{
		{"a length above the package size",
			post(formType, file("f", "f", strings.Repeat(large, 2))+endOfForm), 413},
		{"chunks above it", chunks(file("f", "f", strings.Repeat(large, 2)) + endOfForm), 413},
		{"a chunk that announces too much", strings.Replace(chunks(file("f", "f", large)),
			"\r\n64;", "\r\n2000;", 1), 413},
		{"a field above the memory", post(formType, field("a", large)+endOfForm), 413},
		{"fields above it",
			post(formType, strings.Repeat(field("a[]", "123456789"), 100)+endOfForm), 413},
		{"names above it", post(formType, field(large, "")+endOfForm), 413},
		{"no boundary", post("multipart/form-data", large), 400},
		{"no chunk", strings.Replace(chunks(large), "x\r\n64;", "x\r\ng;", 1), 400},
		{"no end of a chunk", strings.Replace(chunks(large), "x\r\n64;", "xxx64;", 1), 400},
		{"trailers without end", strings.TrimSuffix(chunks(file("f", "f", large)+endOfForm), "\r\n") +
			"X: " + strings.Repeat(large, 7) + "\r\n\r\n", 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := uploadsTo(t)
			streamAbove(t, 500)
			for _, size := range []int{len(tt.wire), 64, 1} {
				c := &conn{max: 5000}
				requests, err := streamed(t, c, slices.Collect(slices.Chunk([]byte(tt.wire), size))...)
				want := fmt.Sprintf("HTTP/1.1 %d ", tt.status)
				if err == nil || requests != nil || !strings.HasPrefix(string(c.sent), want) {
					t.Errorf("cut by %d: %.80q, %v, sent %q, want %d", size, requests, err, c.sent, tt.status)
				}
				if left := files(t, dir); left != nil {
					t.Errorf("files %q are left", left)
				}
			}
		})
	}
}

// A chunk can be as short as a byte: one at a time is a way to keep a loop busy.
func TestShortChunksAreTakenTogether(t *testing.T) {
	uploadsTo(t)
	streamAbove(t, 500)
	c := newConn()
	buf := []byte(chunkedForm(file("f", "f", strings.Repeat("x", 5000))+endOfForm, 1))
	steps, got := 0, ""
	for len(buf) > 0 {
		n, err := c.step(buf, func(r *Request) { got = content(t, r.File("f")) })
		if n == 0 || err != nil {
			t.Fatalf("%d bytes are left: %v", len(buf), err)
		}
		steps, buf = steps+1, buf[n:]
	}
	if got != strings.Repeat("x", 5000) || steps > 3 {
		t.Errorf("%d bytes of the file, in %d steps", len(got), steps)
	}
	answerAll(t, c)
}

// noted is a connection with an access log.
type noted struct {
	conn
	lines []string
}

func (c *noted) AccessLog() protocol.AccessLog { return c }

func (c *noted) Add(a protocol.Answer) {
	c.lines = append(c.lines, fmt.Sprintf("%s %d", a.Request, a.Status))
}

// What the body shows to be wrong is refused as what the head shows: with a date, with a
// reason, and with the line of the request in the access log, not one of the body.
func TestRefusedWhileItIsCollected(t *testing.T) {
	setDate(t)
	tests := []struct {
		name, body string
		want       error
		line       string
	}{
		{"no form", chunkedForm(strings.Repeat("x", 300), 100), badForm, "POST /c HTTP/1.1 400"},
		{"no chunk", strings.Replace(chunkedForm(file("f", "f", strings.Repeat("x", 300)), 100),
			"x\r\n64;", "x\r\ng;", 1), badChunk, "POST /c HTTP/1.1 400"},
		{"a long field", post(formType, field("f", strings.Repeat("x", 300))+endOfForm),
			fieldsTooLarge, "POST /p HTTP/1.1 413"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := uploadsTo(t)
			streamAbove(t, 200)
			c := &noted{conn: conn{max: 5000}}
			var err error
			for buf := []byte(tt.body); len(buf) > 0 && err == nil; {
				var n int
				if n, err = (http1{}).Input(buf, c); err == nil {
					_, err = http1{}.Decode(buf[:n:n], c)
					buf = buf[n:]
				}
				if err == protocol.Skip {
					err = nil
				}
			}
			var r *protocol.Reject
			if !errors.As(err, &r) || r.Why != tt.want.Error() {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			if !strings.Contains(string(r.Reply), "\r\nDate: ") {
				t.Errorf("no date in %q", r.Reply)
			}
			if !slices.Equal(c.lines, []string{tt.line}) {
				t.Errorf("noted %q, want %q", c.lines, tt.line)
			}
			if left := files(t, dir); left != nil {
				t.Errorf("files %q are left", left)
			}
		})
	}
}

// half is a connection in the middle of a large upload.
func half(t testing.TB, dir string) *conn {
	t.Helper()
	c := newConn()
	wire := []byte(post(formType,
		file("e", "e", "first")+file("f", "f", strings.Repeat("x", 1000))+endOfForm))
	if got, err := streamed(t, c, wire[:700]); got != nil || err != nil {
		t.Fatalf("requests %q, %v", got, err)
	}
	if n := len(files(t, dir)); n != 2 {
		t.Fatalf("%d files, want 2", n)
	}
	return c
}

func TestHalfAnUploadLeavesNothing(t *testing.T) {
	dir := uploadsTo(t)
	streamAbove(t, 100)
	c := half(t, dir)
	if (http1{}).Quiet(c) {
		t.Error("quiet in the middle of an upload")
	}
	http1{}.OnClose(c)
	if left := files(t, dir); left != nil {
		t.Errorf("files %q are left", left)
	}
}

// awaiting is a connection on which what is awaited runs when the test says so.
type awaiting struct {
	conn
	work, done func()
}

func (c *awaiting) Await(work, done func()) { c.work, c.done = work, done }

// decode gives all of wire to Protocol, piece by piece, until it waits or ends.
func (c *awaiting) decode(t testing.TB, wire []byte) (v any, err error) {
	t.Helper()
	for len(wire) > 0 && c.work == nil && v == nil {
		n, err := http1{}.Input(wire[:min(len(wire), 64<<10)], c)
		if err != nil || n == 0 {
			t.Fatalf("length %d, %v", n, err)
		}
		if v, err = (http1{}).Decode(wire[:n], c); err == protocol.Wait {
			return nil, err
		}
		if wire = wire[n:]; err != nil && err != protocol.Skip {
			return nil, err
		}
	}
	c.last = wire
	return v, nil
}

func TestCollectingRunsOffTheLoop(t *testing.T) {
	dir := uploadsTo(t)
	large := strings.Repeat("x", 3*batchBytes/2)
	wire := []byte(strings.Replace(post(formType, file("f", "f", large)+endOfForm), "Host",
		"A: "+strings.Repeat("y", 1<<10)+"\r\nHost", 1))
	streamAbove(t, 100)
	c := &awaiting{conn: *newConn()}
	if v, err := c.decode(t, wire); v != nil || err != nil || c.work == nil {
		t.Fatalf("%v, %v before the first batch", v, err)
	}
	if files(t, dir) != nil {
		t.Error("a file before it was written")
	}
	c.work()
	c.work = nil
	if v, err := c.decode(t, c.last); v != nil || err != protocol.Wait || c.work == nil {
		t.Fatalf("%v, %v before the end", v, err)
	}
	c.work()
	v, err := http1{}.Decode(nil, c)
	if err != nil || content(t, v.(*Request).File("f")) != large {
		t.Errorf("request %v, %v", v, err)
	}
	http1{}.OnClose(c)
	if left := files(t, dir); left != nil {
		t.Errorf("files %q are left", left)
	}
}

// A client that leaves in the middle of a write leaves nothing behind.
func TestAbandonedWriteLeavesNothing(t *testing.T) {
	dir := uploadsTo(t)
	streamAbove(t, 100)
	c := &awaiting{conn: *newConn()}
	wire := []byte(post(formType, file("f", "f", strings.Repeat("x", 2*batchBytes))+endOfForm))
	if _, err := c.decode(t, wire); err != nil || c.work == nil {
		t.Fatal(err)
	}
	http1{}.OnClose(c)
	c.work()
	if left := files(t, dir); left != nil {
		t.Errorf("files %q are left", left)
	}
}

// The files are there until both the answer was sent and the callback is over.
func TestFilesLastAsLongAsTheirRequest(t *testing.T) {
	overMemoryAndDisk(t, func(t *testing.T) {
		wire := []byte(post(formType, file("f", "f", strings.Repeat("x", 100))+endOfForm))
		// Once it was answered, what happens next ends the request.
		for name, end := range map[string]func(c *conn){
			"answer":     func(c *conn) { c.send(t, "answer") },
			"panic":      func(c *conn) { http1{}.AppendFailure(nil, c) },
			"connection": func(c *conn) { http1{}.OnClose(c) },
			"next":       func(c *conn) { _, _ = c.summaries([]byte(post("", ""))) },
		} {
			dir := uploadsTo(t)
			c := newConn()
			var u *Upload
			err := c.receive(func(r *Request) {
				if name == "answer" {
					u = r.File("f")
				}
				http1{}.Released(c) // a late answer
				clear(c.last)
				if u = r.File("f"); content(t, u) != strings.Repeat("x", 100) {
					t.Errorf("%s: another content", name)
				}
			}, bytes.Clone(wire))
			if err != nil || len(files(t, dir)) != 1 {
				t.Fatalf("%s: %v, files %q", name, err, files(t, dir))
			}
			end(c)
			if left := files(t, dir); left != nil {
				t.Errorf("%s: files %q are left", name, left)
			}
			if err := u.Move(dir + "/late"); err == nil {
				t.Errorf("%s: moved what is gone", name)
			}
		}
		dir := uploadsTo(t)
		c := newConn()
		err := c.receive(func(r *Request) {
			u := r.File("f")
			c.send(t, "answer")
			if err := u.Move(dir + "/moved"); err != nil {
				t.Error(err)
			}
			http1{}.Released(c)
		}, wire)
		if got := files(t, dir); err != nil || !slices.Equal(got, []string{"moved"}) {
			t.Errorf("files %q, %v", got, err)
		}
	})
}

func TestAnInterimResponseComesBeforeTheBody(t *testing.T) {
	uploadsTo(t)
	streamAbove(t, 10)
	wire := strings.Replace(post(formType, file("f", "f", "x")+endOfForm), "\r\n",
		"\r\nExpect: 100-continue\r\n", 1)
	head, body, _ := strings.Cut(wire, "\r\n\r\n")
	c := newConn()
	if got, err := streamed(t, c, []byte(head+"\r\n\r\n")); got != nil || err != nil {
		t.Fatal(got, err)
	}
	wantSent(t, c, string(interim))
	if got, err := streamed(t, c, []byte(body)); len(got) != 1 || err != nil {
		t.Error(got, err)
	}
}

// A disk that is full costs the file and not the request.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	dir := uploadsTo(t)
	p := newParts(true)
	form := newPartReader("b", p)
	begin := field("a", "1") + strings.TrimSuffix(file("f", "f", ""), "\r\n")
	if err := form.feed([]byte(begin)); err != nil {
		t.Fatal(err)
	}
	u := p.uploads[0]
	before := u.file
	defer before.Close()
	u.file = full
	rest := "content\r\n" + field("z", "2") + endOfForm
	if err := form.feed([]byte(rest)); err != nil || form.finish() != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(p.fields.values); got != "map[a:1 z:2]" {
		t.Errorf("fields %s", got)
	}
	if u.Err == nil || u.TmpName != "" || u.Size != 0 || files(t, dir) != nil ||
		!strings.Contains(u.Err.Error(), "no space left") {
		t.Errorf("upload %+v, files %q", u, files(t, dir))
	}
}

var _ protocol.Closer = http1{}
