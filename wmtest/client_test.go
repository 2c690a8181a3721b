package wmtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/frame"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// certificate is one that nobody has signed.
func certificate(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pair := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

func TestClientSpeaksTheProtocolOfTheWorker(t *testing.T) {
	tests := []struct {
		name, address, transport string
		change                   func(w *worker.Worker)
	}{
		{name: "raw", address: "tcp://127.0.0.1:1"},
		{name: "raw by TLS", address: "ssl://127.0.0.1:1"},
		{name: "datagrams", address: "udp://127.0.0.1:1"},
		{name: "raw by Unix socket", address: "unix:///run/" + strings.Repeat("long/", 30) + "s.sock"},
		{name: "text", address: "text://0.0.0.0:1"},
		{name: "text by TLS", address: "text://127.0.0.1:1", transport: "ssl"},
		{name: "text by Unix socket", address: "text:///run/wm.sock", transport: "unix"},
		{name: "text in datagrams", address: "text://127.0.0.1:1", transport: "udp"},
		{name: "frame", address: "frame://127.0.0.1:1"},
		{name: "frame set by hand", address: "tcp://127.0.0.1:1",
			change: func(w *worker.Worker) { w.Protocol = frame.Protocol }},
		{name: "websocket", address: "websocket://127.0.0.1:1"},
		{name: "websocket by TLS", address: "websocket://127.0.0.1:1", transport: "ssl"},
		{name: "websocket by Unix socket", address: "websocket:///wm.sock", transport: "unix"},
		{name: "of the app", address: "tcp://127.0.0.1:1",
			change: func(w *worker.Worker) { w.Protocol = lines{} }},
		{name: "of the app by TLS", address: "ssl://127.0.0.1:1",
			change: func(w *worker.Worker) { w.Protocol = lines{} }},
		{name: "of the app in datagrams", address: "udp://127.0.0.1:1",
			change: func(w *worker.Worker) { w.Protocol = lines{} }},
		{name: "of the app by Unix socket", address: "unix:///wm.sock",
			change: func(w *worker.Worker) { w.Protocol = lines{} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Run(t, func() {
				w := echo("echo", tt.address)
				if tt.transport != "" {
					w.Transport = tt.transport
				}
				if w.Transport == "ssl" {
					w.TLS.Config = certificate(t)
				}
				if tt.change != nil {
					tt.change(w)
				}
			})
			c := s.Dial("echo")
			c.Send("hello")
			c.Expect("hello")
			c.Send([]byte("one"))
			c.Expect("one")
			c.Send(map[string]int{"n": 1})
			c.Expect(`{"n":1}`)
			if !strings.Contains(tt.address, "udp") && tt.transport != "udp" {
				s.Do("echo", func(w *worker.Worker) {
					for c := range w.Connections() {
						c.Close()
					}
				})
				c.ExpectClose()
			}
			c.Close()
		})
	}
}

// lines is a protocol of an app, by its type.
type lines struct{ upper }

func (lines) Decode(frame []byte, _ protocol.Conn) (any, error) {
	return []byte(strings.TrimSuffix(string(frame), "\n")), nil
}

func TestExpectTakesRawBytesByTheirNumber(t *testing.T) {
	s := Run(t, func() { echo("raw", "tcp://127.0.0.1:1") })
	c := s.Dial("raw")
	c.Send("abcdef")
	for _, want := range []string{"a", "bcd", "ef"} {
		c.Expect(want)
	}
}

func TestAnIPv6AddressIsKept(t *testing.T) {
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip(err)
	} else {
		l.Close()
	}
	s := Run(t, func() { echo("six", "text://[::1]:1") })
	if addr := s.Addr("six"); !strings.HasPrefix(addr, "[::1]:") {
		t.Errorf("listens on %s", addr)
	}
	c := s.Dial("six")
	c.Send("x")
	c.Expect("x")
}

func TestHTTPClient(t *testing.T) {
	s := Run(t, func() {
		w := worker.New("http://127.0.0.1:1")
		w.Name = "web"
		w.OnRequest = func(c *worker.Connection, r *http1.Request) {
			if r.Path() == "/missing" {
				c.Send(http1.NewResponse(http.StatusNotFound, nil, "no such page"))
				return
			}
			c.Send(r.Method() + " " + r.URI())
		}
	})
	c := s.Dial("web")
	c.Send("/a?b=1")
	c.Send("/missing")
	post, err := http.NewRequest(http.MethodPost, "/form", strings.NewReader("a=1"))
	if err != nil {
		t.Fatal(err)
	}
	c.Send(post)
	c.Expect("GET /a?b=1")
	c.Expect("no such page")
	c.Expect("POST /form")
}

func TestValuesAreComparedAsJSON(t *testing.T) {
	s := Run(t, func() {
		w := worker.New("tcp://127.0.0.1:1")
		w.Name, w.Protocol = "values", values{}
		w.OnValue = worker.Value(func(c *worker.Connection, v map[string]any) { c.Send(v) })
	})
	c := s.Dial("values")
	c.Send(map[string]any{"b": []int{1}, "a": "x"})
	c.Expect(`{"a":"x","b":[1]}`)
}

// values is JSON in lines.
type values struct{ upper }

func (values) Decode(frame []byte, _ protocol.Conn) (v any, err error) {
	err = json.Unmarshal(frame, &v)
	return v, err
}

func TestAFailureSaysWhatCameInstead(t *testing.T) {
	start := func() {
		echo("raw", "tcp://127.0.0.1:1")
		echo("ws", "websocket://127.0.0.1:1").OnMessage = func(c *worker.Connection, p []byte) {
			c.CloseCode(4000, string(p))
		}
		chat := echo("chat", "text://127.0.0.1:1")
		chat.OnMessage = worker.Text(func(c *worker.Connection, line string) {
			switch line {
			case "close":
				c.Close()
			case "half":
				c.SendRaw([]byte("half a line"))
				c.Close()
			default:
				c.Send(line)
			}
		})
		web := worker.New("http://127.0.0.1:1")
		web.Name = "web"
		web.OnRequest = func(c *worker.Connection, _ *http1.Request) {
			c.Send(http1.NewResponse(http.StatusNotFound, nil, "no such page"))
		}
	}
	tests := []struct {
		name string
		body func(s *Service)
		want string
	}{
		{"another message", func(s *Service) { talkTo(s, "chat", "hi").Expect("hello") },
			`chat: got "hi", want "hello"`},
		{"other bytes", func(s *Service) { talkTo(s, "raw", "user: hi").Expect("user[1]: hi") },
			`raw: got "user: hi", want "user[1]: hi"`},
		{"a part of it", func(s *Service) { talkTo(s, "raw", "user").Expect("user: hi") },
			`raw: got "user", then: nothing came in time; want "user: hi"`},
		{"a long one", func(s *Service) {
			talkTo(s, "chat", strings.Repeat("x", 1000)).Expect("hello")
		}, `xxx"... (1000 bytes), want "hello"`},
		{"nothing", func(s *Service) { s.Dial("chat").Expect("hello") },
			`chat: nothing came in time; want "hello"`},
		{"the end", func(s *Service) { talkTo(s, "chat", "close").Expect("hello") },
			`chat: the connection ended; want "hello"`},
		{"half a line", func(s *Service) { talkTo(s, "chat", "half").Expect("hello") },
			`chat: got "half a line", then: the connection ended; want "hello"`},
		{"a close frame", func(s *Service) { talkTo(s, "ws", "bye").Expect("hello") },
			`ws: the connection ended with 4000 "bye"; want "hello"`},
		{"another status", func(s *Service) { talkTo(s, "web", "/").Expect("hello") },
			`web: got "no such page" (404 Not Found), want "hello"`},
		{"no request", func(s *Service) { s.Dial("web").Expect("hello") },
			`web: nothing came in time; want "hello"`},
		{"no path", func(s *Service) { s.Dial("web").Send("hello") },
			`web: send: an http Worker takes a path or an *http.Request, not "hello"`},
		{"still open", func(s *Service) { s.Dial("chat").ExpectClose() },
			`chat: nothing came in time, want the end of the connection`},
		{"a message before the end", func(s *Service) { talkTo(s, "chat", "hi").ExpectClose() },
			`chat: got "hi", want the end of the connection`},
		{"unknown Worker", func(s *Service) { s.Dial("room") },
			`0 Workers are called "room", the service has raw (tcp://127.0.0.1:1), ws (`},
		{"another log line", func(s *Service) {
			worker.Log("something else")
			s.ExpectLog("hello")
		}, `log: no line with "hello" within 500ms, only ["something else"]`},
		{"time that goes back", func(s *Service) { s.Advance(-time.Second) },
			`Advance(-1s): time does not go back`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := failing(t, start, func(_ *fakeT, s *Service) {
				tt.body(s)
				t.Error("the test went on")
			})
			f.expect(t, tt.want)
		})
	}
}

// talkTo is Dial and Send.
func talkTo(s *Service, name string, message any) *Client {
	c := s.Dial(name)
	c.Send(message)
	return c
}
