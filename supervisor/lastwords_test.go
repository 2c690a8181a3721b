package supervisor

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestLastWordsKeepTheCause(t *testing.T) {
	chatter := strings.Repeat("2026-11-20 all is well\n", 2000)
	trace := "panic: no database\n\ngoroutine 1 [running]:\n" + strings.Repeat("main.f()\n", 4000)
	cases := []struct{ name, said, begins, ends string }{
		{"one line", "no database\n", "no database", "no database"},
		{"the end of much", chatter + "the end\n", "", "the end"},
		{"a panic after chatter", chatter + "panic: x\n\ngoroutine 7\n", "panic: x", "goroutine 7"},
		{"the beginning of a long trace", chatter + trace, "panic: no database", ""},
		{"the latest of two", "panic: lived on\n" + chatter + "fatal error: maps\n",
			"fatal error: maps", ""},
		{"not in a line", "log: panic: no\n", "log: panic: no", ""},
		{"nothing", "", "", ""},
	}
	for _, c := range cases {
		for _, piece := range []int{1, 7, 4096, 1 << 20} {
			w := &lastWords{}
			for rest := []byte(c.said); len(rest) > 0; {
				n := min(piece, len(rest))
				w.keep(rest[:n])
				rest = rest[n:]
			}
			got := w.String()
			if !strings.HasPrefix(got, c.begins) || !strings.HasSuffix(got, c.ends) ||
				len(got) > maxLastWords {
				t.Errorf("%s in pieces of %d: %d bytes, %.40q", c.name, piece, len(got), got)
			}
		}
	}
}

func TestLastWordsArePassedOn(t *testing.T) {
	read, write, err := os.Pipe()
	must(t, err)
	var there bytes.Buffer
	told := make(chan bool, 1)
	w := listenToLastWords(read, &there, func() { told <- true })
	write.WriteString("hello\n")
	write.Close()
	<-told
	if there.String() != "hello\n" || w.String() != "hello" || !w.ended() {
		t.Errorf("passed on %q, kept %q, ended %v", &there, w, w.ended())
	}
}
