package worker_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// The pages of Workerman's manual: its first example, and what a page of its web
// server had of PHP.

func TestSeedHTTPHello(t *testing.T) {
	w := worker.New("http://0.0.0.0:2345")
	w.Count = 4
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		c.Send("hello world")
	}
	c := serve(t, w).dial()
	c.send(fmt.Sprintf(get, "/"))
	expectAnswer(t, c.r, http.StatusOK, "hello world")
}

// superglobals is what a page sees of its request: $_GET['a'] and so on, and the
// keys of $_SERVER.
func superglobals(c *worker.Connection, r *http1.Request) map[string]string {
	return map[string]string{
		"_GET":     r.Get("name"),
		"_POST":    r.Post("name"),
		"_REQUEST": r.Post("name", r.Get("name")) + r.Post("age", r.Get("age")),
		"_COOKIE":  r.Cookie("name"),
		"raw":      string(r.RawBody()),

		"QUERY_STRING":           r.QueryString(),
		"REQUEST_METHOD":         r.Method(),
		"REQUEST_URI":            r.URI(),
		"SERVER_PROTOCOL":        "HTTP/" + r.ProtocolVersion(),
		"SERVER_NAME":            r.HostName(),
		"SERVER_PORT":            fmt.Sprint(c.LocalPort()),
		"HTTP_HOST":              r.Header("host"),
		"HTTP_USER_AGENT":        r.Header("user-agent"),
		"HTTP_ACCEPT":            r.Header("accept"),
		"HTTP_COOKIE":            r.Header("cookie"),
		"HTTP_CONNECTION":        r.Header("connection"),
		"HTTP_REFERER":           r.Header("referer"),
		"HTTP_IF_MODIFIED_SINCE": r.Header("if-modified-since"),
		"CONTENT_TYPE":           r.Header("content-type"),
		"REMOTE_ADDR":            r.RemoteIP(),
		"REMOTE_PORT":            fmt.Sprint(c.RemotePort()),
	}
}

func TestSeedSuperglobals(t *testing.T) {
	got := make(chan map[string]string, 1)
	w := worker.New("http://0.0.0.0:8080")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		got <- superglobals(c, r)
		c.Send("")
	}
	s := serve(t, w)
	c := s.dial()
	const body = "name=ann+lee"
	c.send("POST /page.php?name=tom&age=7 HTTP/1.1\r\nHost: www.example.com:8080\r\n" +
		"User-Agent: test\r\nAccept: */*\r\nCookie: name=bob; x=y\r\nConnection: keep-alive\r\n" +
		"Referer: http://a/\r\nIf-Modified-Since: never\r\n" +
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 12\r\n\r\n" + body)
	_, listening, _ := strings.Cut(s.addr, ":")
	_, calling, _ := strings.Cut(c.LocalAddr().String(), ":")
	want := map[string]string{
		"_GET": "tom", "_POST": "ann lee", "_REQUEST": "ann lee7", "_COOKIE": "bob", "raw": body,
		"QUERY_STRING": "name=tom&age=7", "REQUEST_METHOD": "POST",
		"REQUEST_URI": "/page.php?name=tom&age=7", "SERVER_PROTOCOL": "HTTP/1.1",
		"SERVER_NAME": "www.example.com", "SERVER_PORT": listening,
		"HTTP_HOST": "www.example.com:8080", "HTTP_USER_AGENT": "test", "HTTP_ACCEPT": "*/*",
		"HTTP_COOKIE": "name=bob; x=y", "HTTP_CONNECTION": "keep-alive",
		"HTTP_REFERER": "http://a/", "HTTP_IF_MODIFIED_SINCE": "never",
		"CONTENT_TYPE": "application/x-www-form-urlencoded",
		"REMOTE_ADDR":  "127.0.0.1", "REMOTE_PORT": calling,
	}
	page := await(t, got, "the request")
	for name, value := range want {
		if page[name] != value {
			t.Errorf("%s is %q, want %q", name, page[name], value)
		}
	}
}

// The manual's page that keeps what was uploaded under the names of the client.
func TestSeedSaveUploads(t *testing.T) {
	uploadsTo(t)
	dir := t.TempDir()
	w := worker.New("http://0.0.0.0:8080")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		said := ""
		for _, u := range r.Files() {
			said += fmt.Sprintln(u.Name, u.Size, u.Move(filepath.Join(dir, u.Name)))
		}
		c.Send(said)
	}
	c := serve(t, w).dial()
	part := func(file, content string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"f[]\"; filename=\"" + file +
			"\"\r\n\r\n" + content + "\r\n"
	}
	form := part("logo.png", "\x89PNG") + part("../../file.tar.gz", "tar") + "--b--\r\n"
	c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n"+
		"Content-Type: multipart/form-data; boundary=b\r\n\r\n%s", len(form), form))
	expectAnswer(t, c.r, http.StatusOK, "logo.png 4 <nil>\nfile.tar.gz 3 <nil>\n")
	for name, want := range map[string]string{"logo.png": "\x89PNG", "file.tar.gz": "tar"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// What Http::header, setcookie and end did.
func TestSeedFunctionsOfAPage(t *testing.T) {
	w := worker.New("http://0.0.0.0:8080")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		switch r.Path() {
		case "/header": // header('X-A: b'), setcookie('a', '1'), setcookie('b', '2'), echo
			page := http1.NewResponse(http.StatusOK, map[string]string{"X-A": "b"}, "page")
			page.SetCookie(&http.Cookie{Name: "a", Value: "1"})
			page.SetCookie(&http.Cookie{Name: "b", Value: "2"})
			c.Send(page)
		case "/removed": // headerRemove('X-A')
			page := http1.NewResponse(http.StatusOK, map[string]string{"X-A": "b"}, "page")
			page.Header.Del("X-A")
			c.Send(page)
		case "/status": // header('HTTP/1.1 404 Not Found')
			c.Send(http1.NewResponse(http.StatusNotFound, nil, "missing"))
		case "/location": // header('Location: /header')
			c.Send(http1.Redirect("/header"))
		case "/end": // Http::end('over')
			c.Send("over")
			return
		}
	}
	c := serve(t, w).dial()
	for _, tt := range []struct {
		path, body     string
		status         int
		x, at, cookies string
	}{
		{"/header", "page", 200, "b", "", "a=1 b=2"},
		{"/removed", "page", 200, "", "", ""},
		{"/status", "missing", 404, "", "", ""},
		{"/location", "", 302, "", "/header", ""},
		{"/end", "over", 200, "", "", ""},
	} {
		c.send(fmt.Sprintf(get, tt.path))
		got, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(got.Body)
		if err != nil || got.StatusCode != tt.status || string(body) != tt.body {
			t.Errorf("%s: %d %q, %v", tt.path, got.StatusCode, body, err)
		}
		cookies := strings.Join(got.Header.Values("Set-Cookie"), " ")
		if got.Header.Get("X-A") != tt.x || got.Header.Get("Location") != tt.at ||
			cookies != tt.cookies {
			t.Errorf("%s: headers %v", tt.path, got.Header)
		}
	}
}

// sessionStart, $_SESSION and sessionWriteClose: a visit of two requests.
func TestSeedSessionOfAPage(t *testing.T) {
	useSessions(t)
	w := worker.New("http://0.0.0.0:8080")
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		session := r.Session()
		session.Set("visits", session.Int("visits")+1)
		c.Send(session.Int("visits"))
	}
	c := serve(t, w).dial()
	c.send(fmt.Sprintf(get, "/"))
	first, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(first.Body); string(body) != "1" || len(first.Cookies()) != 1 {
		t.Fatalf("%q, %v, cookies %v", body, err, first.Cookies())
	}
	cookie := first.Cookies()[0]
	c.send("GET / HTTP/1.1\r\nHost: h\r\nCookie: " + cookie.Name + "=" + cookie.Value + "\r\n\r\n")
	expectAnswer(t, c.r, http.StatusOK, "2")
}
