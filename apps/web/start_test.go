package web

import (
	"bufio"
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/wmtest"
)

// site is the app and a browser.
type site struct {
	*testing.T
	service *wmtest.Service
	url     string
	browser *http.Client
}

func open(t *testing.T) *site {
	t.Helper()
	before := http1.Sessions
	t.Cleanup(func() { http1.Sessions = before })
	http1.Sessions.Handler = http1.NewFileSessions(t.TempDir())
	s := wmtest.Run(t, Start)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{}}
	t.Cleanup(browser.CloseIdleConnections)
	return &site{t, s, "http://" + s.Addr("web"), browser}
}

// expect reads an answer, in which each of parts is found.
func (s *site) expect(r *http.Response, err error, status int, parts ...string) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != status {
		s.Errorf("%s: %s, %v", r.Request.URL, r.Status, err)
	}
	for _, part := range parts {
		if !strings.Contains(string(body), part) {
			s.Errorf("%s has no %q: %s", r.Request.URL, part, body)
		}
	}
}

func (s *site) get(path string, status int, parts ...string) {
	s.Helper()
	r, err := s.browser.Get(s.url + path)
	s.expect(r, err, status, parts...)
}

func TestPages(t *testing.T) {
	s := open(t)
	s.get("/", 200, "It works", "telnet 127.0.0.1 2348")
	s.get("/style.css", 200, "body {")
	s.get("/clock.html", 200, `new EventSource("/clock")`)
	s.get("/upload", 200, `enctype="multipart/form-data"`) // by a redirect
	s.get("/<b>", 404, "There is no <code>/%3Cb%3E</code> here")
}

func TestVisitsAreCounted(t *testing.T) {
	s := open(t)
	for _, n := range []string{"1", "2", "3"} {
		s.get("/visits", 200, `id="visits">`+n+"<")
	}
}

func TestUploadsAreListed(t *testing.T) {
	s := open(t)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(form.WriteField("note", "<b>two</b>"))
	for name, size := range map[string]int{"small.txt": 5, "large.bin": 2 << 20} {
		part, err := form.CreateFormFile("files[]", name)
		must(err)
		_, err = part.Write(make([]byte, size))
		must(err)
	}
	must(form.Close())
	r, err := s.browser.Post(s.url+"/upload", form.FormDataContentType(), &body)
	s.expect(r, err, 200, "&lt;b&gt;two&lt;/b&gt;", "<td>small.txt</td>", "<td>5</td>",
		"<td>large.bin</td>", "<td>2097152</td>")
}

func TestTheClockTicks(t *testing.T) {
	s := open(t)
	r, err := s.browser.Get(s.url + "/clock")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	lines := bufio.NewReader(r.Body)
	for range 3 {
		line, err := lines.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "data: ") {
			t.Fatalf("got %q, %v", line, err)
		}
		if blank, err := lines.ReadString('\n'); blank != "\n" || err != nil {
			t.Fatalf("got %q, %v", blank, err)
		}
		s.service.Advance(time.Second)
	}
}
