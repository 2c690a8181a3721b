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

// whoAsks makes a Worker, on a loop or with a Handler, that answers with the
// client's address.
func whoAsks(t testing.TB, kind, transport, log string) *worker.Worker {
	t.Helper()
	w := over(transport).worker(t, "http")
	w.AccessLog = log
	if kind == "Handler" {
		w.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.RemoteAddr)
		})
		return w
	}
	w.OnRequest = func(c *worker.Connection, r *http1.Request) {
		if ip := r.RemoteIP(); !strings.Contains(r.Std().RemoteAddr, ip) {
			t.Errorf("RemoteIP %q, RemoteAddr %q", ip, r.Std().RemoteAddr)
		}
		c.Send(r.Std().RemoteAddr)
	}
	return w
}

// A connection of a proxy has requests of many clients; each is that of its own.
func TestForwardedRequestsAreThoseOfTheirClients(t *testing.T) {
	const client, other = "X-Forwarded-For: 192.0.2.7\r\n", "X-Forwarded-For: 2001:db8::7\r\n"
	for _, kind := range []string{"OnRequest", "Handler"} {
		for _, tt := range []struct {
			name, trusted string
			lines         []string // of one request each
			want          []string // "": the peer
		}{
			{"one after another", "127.0.0.1", []string{client, other, "", client},
				[]string{"192.0.2.7", "2001:db8::7", "", "192.0.2.7"}},
			{"behind a chain", "127.0.0.0/8",
				[]string{"X-Forwarded-For: 6.6.6.6, 192.0.2.7, 127.0.0.9\r\n"}, []string{"192.0.2.7"}},
			{"lines", "127.0.0.1", []string{"X-Forwarded-For: 6.6.6.6\r\n" + client},
				[]string{"192.0.2.7"}},
			{"X-Real-IP", "127.0.0.1", []string{"X-Real-IP: 192.0.2.7\r\n"}, []string{"192.0.2.7"}},
			{"nonsense", "127.0.0.1", []string{"X-Forwarded-For: unknown\r\n"}, []string{""}},
			{"a stranger", "10.0.0.0/8", []string{client + "X-Real-IP: 192.0.2.7\r\n"}, []string{""}},
			{"nobody is trusted", "", []string{client}, []string{""}},
		} {
			t.Run(kind+" "+tt.name, func(t *testing.T) {
				log := "" // it is written once a second
				if len(tt.lines) > 1 {
					log = filepath.Join(t.TempDir(), "access.log")
				}
				w := whoAsks(t, kind, "tcp", log)
				if tt.trusted != "" {
					w.Limits.TrustedProxies = []string{tt.trusted}
				}
				s := start(t, w)
				c := s.dial()
				lines := ""
				for i, line := range tt.lines {
					c.send("GET / HTTP/1.1\r\nHost: h\r\n" + line + "\r\n")
					want, ip := c.LocalAddr().String(), tt.want[i]
					switch {
					case strings.Contains(ip, ":"):
						want = "[" + ip + "]:0"
					case ip != "":
						want = ip + ":0"
					default:
						ip = "127.0.0.1"
					}
					expectAnswer(t, c.r, http.StatusOK, want)
					lines += ip + " "
				}
				eventually(t, "access log of "+lines, func() bool {
					return log == "" || firstWords(log) == lines
				})
			})
		}
	}
}

// firstWords is who asked, by the access log.
func firstWords(log string) (words string) {
	text, _ := os.ReadFile(log)
	for line := range strings.Lines(string(text)) {
		ip, _, _ := strings.Cut(line, " ")
		words += ip + " "
	}
	return words
}

func TestForwardedRequestsOverAUnixSocket(t *testing.T) {
	for _, kind := range []string{"OnRequest", "Handler"} {
		for trusted, want := range map[string]string{"unix": "192.0.2.7:0", "127.0.0.1": ""} {
			t.Run(fmt.Sprint(kind, trusted), func(t *testing.T) {
				w := whoAsks(t, kind, "unix", "")
				w.Limits.TrustedProxies = []string{trusted}
				c := over("unix").open(start(t, w))
				c.send("GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n")
				response, err := http.ReadResponse(c.r, nil)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(response.Body)
				if named := strings.Contains(string(got), "192.0.2.7"); err != nil ||
					named != (want != "") || named && string(got) != want {
					t.Errorf("%q, %v, want %q", got, err, want)
				}
			})
		}
	}
}
