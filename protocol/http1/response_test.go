package http1

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
)

func TestPages(t *testing.T) {
	setDate(t)
	page := func(kind, length, body string) string {
		return "HTTP/1.1 200 OK\r\n" + dateLine + "Connection: keep-alive\r\n" +
			"Content-Type: " + kind + "\r\nContent-Length: " + length + "\r\n\r\n" + body
	}
	tests := []struct {
		name string
		v    any
		want string
	}{
		{"string", "hello world", page(typeHTML, "11", "hello world")},
		{"bytes", []byte("hi"), page(typeHTML, "2", "hi")},
		{"nothing", nil, page(typeHTML, "0", "")},
		{"number", 42, page(typeHTML, "2", "42")},
		{"bool", true, page(typeHTML, "1", "1")},
		{"map", map[string]int{"a": 1}, page(typeJSON, "7", `{"a":1}`)},
		{"raw json", json.RawMessage("[]"), page(typeJSON, "2", "[]")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := asked(t)
			c.send(t, tt.v)
			wantSent(t, c, tt.want)
		})
	}
}

func TestResponses(t *testing.T) {
	setDate(t)
	const (
		alive  = dateLine + "Connection: keep-alive\r\n"
		html   = "Content-Type: text/html;charset=utf-8\r\n"
		length = "Content-Length: 2\r\n\r\nhi"
	)
	headers := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h[pairs[i]] = append(h[pairs[i]], pairs[i+1])
		}
		return h
	}
	hi := []byte("hi")
	tests := []struct {
		name string
		r    Response
		want string
	}{
		{"zero value", Response{}, "200 OK\r\n" + alive + html + "Content-Length: 0\r\n\r\n"},
		{"body", Response{Body: hi}, "200 OK\r\n" + alive + html + length},
		{"status", Response{Status: 404, Body: hi}, "404 Not Found\r\n" + alive + html + length},
		{"unknown status", Response{Status: 599}, "599 \r\n" + alive + html +
			"Content-Length: 0\r\n\r\n"},
		{"reason", Response{Status: 404, Reason: "Gone\r\nX: y\x00\x7f f\u00fcr immer"},
			"404 GoneX: y f\u00fcr immer\r\n" + alive + html + "Content-Length: 0\r\n\r\n"},
		{"headers", Response{Header: headers("X-B", "1", "X-A", "2", "X-B", "3"), Body: hi},
			"200 OK\r\nX-A: 2\r\nX-B: 1\r\nX-B: 3\r\n" + alive + html + length},
		{"content type", Response{Header: headers("content-type", "a/b"), Body: hi},
			"200 OK\r\ncontent-type: a/b\r\n" + alive + length},
		{"date", Response{Header: headers("Date", "today"), Body: hi},
			"200 OK\r\nDate: today\r\nConnection: keep-alive\r\n" + html + length},
		{"framing is not the author's", Response{Body: hi,
			Header: headers("Content-Length", "9", "Transfer-Encoding", "gzip")},
			"200 OK\r\n" + alive + html + length},
		{"broken headers", Response{Body: hi, Header: headers("A\r\nB", "1", "C:", "2", "", "3",
			"D", "4\r\nE: 5", "F", "6")}, "200 OK\r\nF: 6\r\n" + alive + html + length},
		{"no content", Response{Status: 204, Body: hi}, "204 No Content\r\n" + alive + "\r\n"},
		{"not modified", Response{Status: 304, Header: headers("Content-Length", "7")},
			"304 Not Modified\r\nContent-Length: 7\r\n" + alive + "\r\n"},
		{"early hints", Response{Status: 103, Header: headers("Link", "x")},
			"103 Early Hints\r\nLink: x\r\n\r\n"},
		{"switching", Response{Status: 101, Header: headers("Connection", "Upgrade")},
			"101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := asked(t)
			c.send(t, &tt.r)
			wantSent(t, c, "HTTP/1.1 "+tt.want)
			c = asked(t)
			c.send(t, tt.r)
			wantSent(t, c, "HTTP/1.1 "+tt.want)
		})
	}
}

func TestNewResponse(t *testing.T) {
	r := NewResponse(302, map[string]string{"location": "/x"}, "moved")
	if r.Status != 302 || r.Header.Get("Location") != "/x" || string(r.Body) != "moved" {
		t.Errorf("NewResponse = %+v", r)
	}
	if r := NewResponse(200, nil, ""); r.Header != nil {
		t.Errorf("header %v, want none", r.Header)
	}
}

func TestReasonsOfAllRegisteredCodes(t *testing.T) {
	for status, want := range map[int]string{103: "Early Hints", 208: "Already Reported",
		418: "I'm a teapot", 425: "Too Early", 451: "Unavailable For Legal Reasons",
		511: "Network Authentication Required"} {
		c := asked(t)
		c.send(t, &Response{Status: status})
		line, _, _ := strings.Cut(string(c.sent), "\r\n")
		if line != fmt.Sprintf("HTTP/1.1 %d %s", status, want) {
			t.Errorf("%q, want %s", line, want)
		}
	}
}

func TestCookiesAreLinesOfTheirOwn(t *testing.T) {
	r := new(Response).
		SetCookie(&http.Cookie{Name: "a", Value: "1", Path: "/", HttpOnly: true,
			SameSite: http.SameSiteLaxMode}).
		SetCookie(&http.Cookie{Name: "b", Value: "two words", MaxAge: 60}).
		SetCookie(&http.Cookie{Name: "c", MaxAge: -1})
	for _, bad := range []*http.Cookie{
		nil, {}, {Name: "a b"}, {Name: "a", Value: "1;2"}, {Name: "a", Value: "\u00e4"},
		{Name: "a", Value: "1\r\nX: y"}, {Name: "a", Path: "/;"}, {Name: "a", Domain: "a b"},
	} {
		r.SetCookie(bad)
	}
	got, _ := answerTo(t, r, "GET")
	wantHeaders(t, got, "Set-Cookie", "a=1; Path=/; HttpOnly; SameSite=Lax & "+
		`b="two words"; Max-Age=60 & c=; Max-Age=0`)
}

func TestRedirect(t *testing.T) {
	got, body := answerTo(t, Redirect("/there?a=b"), "GET")
	if got.StatusCode != 302 || body != "" {
		t.Errorf("%d %q", got.StatusCode, body)
	}
	wantHeaders(t, got, "Location", "/there?a=b")
	got, _ = answerTo(t, Redirect("/\r\nX: y"), "GET")
	wantHeaders(t, got, "Location", "", "X", "")
}

func TestJSON(t *testing.T) {
	got, body := answerTo(t, JSON(map[string]any{"a": []int{1}}), "GET")
	if got.StatusCode != 200 || body != `{"a":[1]}` {
		t.Errorf("%d %q", got.StatusCode, body)
	}
	wantHeaders(t, got, "Content-Type", typeJSON)
}

func TestJSONThatCannotBeMade(t *testing.T) {
	c := asked(t)
	out, err := Protocol.Encode(nil, JSON(math.NaN()), c)
	if err == nil || len(out) > 0 || !c.closed || !(http1{}).Quiet(c) ||
		!strings.HasPrefix(string(c.sent), "HTTP/1.1 500 ") {
		t.Errorf("%q, %v, sent %q", out, err, c.sent)
	}
	if out, err := AppendFinal(nil, JSON(math.NaN())); err == nil || len(out) > 0 {
		t.Errorf("AppendFinal: %q, %v", out, err)
	}
}

func TestFileAsTheLastWord(t *testing.T) {
	path := written(t, "a.txt", strings.Repeat("x", maxHeld))
	out, err := AppendFinal(nil, File(path))
	if err != nil || !strings.HasSuffix(string(out), "xxx") ||
		!strings.Contains(string(out), "Connection: close") {
		t.Errorf("%.99q, %v", out, err)
	}
	path = written(t, "a.txt", strings.Repeat("x", maxHeld+1))
	if out, err := AppendFinal(nil, File(path)); err == nil || len(out) > 0 {
		t.Errorf("%.99q, %v, want it refused", out, err)
	}
}

func TestResponseIsReadByNetHTTP(t *testing.T) {
	c := asked(t)
	c.send(t, NewResponse(418, map[string]string{"X-Pot": "yes"}, "short"))
	got, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(c.sent)), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(got.Body)
	if err != nil || string(body) != "short" {
		t.Errorf("body %q, %v, want short", body, err)
	}
	if got.StatusCode != 418 || got.Header.Get("X-Pot") != "yes" || got.Close {
		t.Errorf("response %+v", got)
	}
	if _, err := http.ParseTime(got.Header.Get("Date")); err != nil {
		t.Errorf("date: %v", err)
	}
}

func TestRefusedAnswersKeepTheRequestWaiting(t *testing.T) {
	c := asked(t)
	if _, err := c.summaries([]byte("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{errors.New("boom"), make(chan int), &Response{Status: 42}} {
		if out, err := Protocol.Encode([]byte("kept"), v, c); err == nil || string(out) != "kept" {
			t.Errorf("Encode(%v) = %q, %v, want to be refused", v, out, err)
		}
		http1{}.Sent(c)
	}
	if (http1{}).Quiet(c) {
		t.Error("quiet before the answer")
	}
	c.send(t, "hello")
	if got := string(c.sent); strings.HasSuffix(got, "hello") {
		t.Errorf("HEAD was answered with a body: %q", got)
	}
}
