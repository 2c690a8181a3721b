package http1

import (
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

// A request without a body is complete with its head: nothing is to follow.
func TestNobodyIsToldToGoOnWithoutABody(t *testing.T) {
	const expect = "Expect: 100-continue\r\n"
	for _, lines := range []string{expect, expect + "Content-Length: 0\r\n"} {
		c := newConn()
		if got, err := c.summaries(get(lines)); err != nil || len(got) != 1 {
			t.Errorf("requests %q, %v, want one", got, err)
		}
		wantSent(t, c, "")
	}
}

// The 100 of a request comes behind the answer of the one before.
func TestExpectContinueBehindAPipelinedRequest(t *testing.T) {
	c := newConn()
	err := c.receive(func(r *Request) { c.send(t, r.Method()) },
		append(get(), "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"+
			"Content-Length: 2\r\n\r\n"...), []byte("hi"))
	if err != nil {
		t.Fatal(err)
	}
	sent := string(c.sent)
	first, behind, found := strings.Cut(sent, string(interim))
	if !found || !strings.HasSuffix(first, "GET") || !strings.HasSuffix(behind, "POST") {
		t.Errorf("sent %q, want the 100 between two answers", sent)
	}
}

func TestMidwayIsTheBodyThatIsMissing(t *testing.T) {
	post := "POST / HTTP/1.1\r\nHost: a\r\n"
	for _, piece := range []struct {
		bytes string
		want  bool
	}{
		{post, false},
		{post + "Content-Length: 2\r\n\r\n", true},
		{post + "Content-Length: 2\r\n\r\nh", true},
		{post + "Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n", true},
		{post + "Content-Length: 2\r\n\r\nhi", false},
	} {
		c := newConn()
		if _, err := c.summaries([]byte(piece.bytes)); err != nil {
			t.Fatal(err)
		}
		if got := (http1{}).Midway(c); got != piece.want {
			t.Errorf("%q: midway %t, want %t", piece.bytes, got, piece.want)
		}
	}
	setDate(t)
	late := (http1{}).Late(newConn()).(*protocol.Reject)
	if got, want := string(late.Reply), refusal(tooSlow); got != want {
		t.Errorf("late %q, want %q", got, want)
	}
}
