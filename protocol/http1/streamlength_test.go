package http1

import (
	"net/http"
	"strings"
	"testing"
)

// lengthy begins an answer in parts that says how long it will be.
func lengthy(length, body string) *Response {
	return NewResponse(200, map[string]string{
		"Transfer-Encoding": "chunked", "Content-Length": length}, body)
}

func TestStreamedAnswersWithALength(t *testing.T) {
	tests := []struct {
		name, wire string
		values     []any
		length     string // in the head; "" for one in chunks
		body       string
		closed     bool
	}{
		{"whole", smallGet, []any{lengthy("5", ""), Chunk("ab"), Chunk("cde"), Chunk(nil)}, "5",
			"abcde", false},
		{"first part", smallGet, []any{lengthy("2", "ab"), Chunk(nil)}, "2", "ab", false},
		{"too short", smallGet, []any{lengthy("5", "ab"), Chunk("c"), Chunk(nil)}, "5", "abc", true},
		{"empty", smallGet, []any{lengthy("0", ""), Chunk(nil)}, "0", "", false},
		{"1.0", oldGet, []any{lengthy("2", "a"), Chunk("b"), Chunk(nil)}, "2", "ab", true},
		{"1.0 keep-alive", aliveGet, []any{lengthy("2", "a"), Chunk("b"), Chunk(nil)}, "2", "ab", false},
		{"HEAD", newHead, []any{lengthy("5", "a"), Chunk("b"), Chunk(nil)}, "5", "", false},
		{"less than the first part", smallGet, []any{lengthy("1", "ab"), Chunk(nil)}, "",
			"2\r\nab\r\n0\r\n\r\n", false},
		{"no number", smallGet, []any{lengthy("+2", "ab"), Chunk(nil)}, "",
			"2\r\nab\r\n0\r\n\r\n", false},
		{"too large a number", smallGet, []any{lengthy("9223372036854775807", "ab"), Chunk(nil)}, "",
			"2\r\nab\r\n0\r\n\r\n", false},
		{"events", smallGet, []any{NewResponse(200, map[string]string{
			"Content-Type": "text/event-stream", "Content-Length": "5"}, ""), Event{Data: "x"},
			Chunk(nil)}, "", "9\r\ndata: x\n\n\r\n0\r\n\r\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, head, body := inParts(t, tt.wire, tt.values...)
			if body != tt.body || c.closed != tt.closed {
				t.Errorf("body %q, closed %v, want %q and %v", body, c.closed, tt.body, tt.closed)
			}
			said := strings.Contains(head+"\r\n", "\r\nContent-Length: "+tt.length+"\r\n")
			if said != (tt.length != "") || strings.Count(head, "Content-Length") != count(said) ||
				strings.Contains(head, "chunked") != (tt.length == "") {
				t.Errorf("head %q, want length %q", head, tt.length)
			}
			if !(http1{}).Quiet(c) {
				t.Error("the request still waits for its answer")
			}
		})
	}
}

func TestAPartAboveTheLengthIsRefused(t *testing.T) {
	c, _, _ := inParts(t, smallGet, lengthy("3", "ab"))
	sent := len(c.sent)
	out, err := http1{}.Encode(c.sent, Chunk("cd"), c)
	if err != http.ErrContentLength || len(out) != sent {
		t.Fatalf("%q, %v, want %v", out[sent:], err, http.ErrContentLength)
	}
	c.send(t, Chunk("c"))
	c.send(t, Chunk(nil))
	if body := string(c.sent[sent:]); body != "c" || c.closed {
		t.Errorf("%q, closed %v, want the rest", body, c.closed)
	}
}
