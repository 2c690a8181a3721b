package worker_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/worker"
)

// largeForm is a form whose file goes to disk.
func largeForm() string {
	body := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n" +
		strings.Repeat("x", 2<<20) + "\r\n--b--\r\n"
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nCookie: PHPSID=%s\r\n"+
		"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n%s",
		sessionID, len(body), body)
}

// A request whose connection goes on with another protocol leaves no file, no
// locked session and no change behind that was not stored.
func TestSwitchedProtocolLetsGoOfItsRequest(t *testing.T) {
	for name, later := range map[string]bool{"in the callback": false, "later": true} {
		t.Run(name, func(t *testing.T) {
			overEvery(t, func(t *testing.T, o over) {
				h := useSessions(t)
				dir, before := t.TempDir(), http1.UploadTmpDir
				http1.UploadTmpDir = dir
				defer func() { http1.UploadTmpDir = before }()
				w := o.worker(t, "http")
				w.OnRequest = func(c *worker.Connection, r *http1.Request) {
					s := r.Session()
					s.Set("n", 7)
					to := func(c *worker.Connection) {
						c.SetProtocol(text.Protocol)
						c.Send("switched")
					}
					if later {
						c.Post(to)
						return
					}
					to(c)
					if n := r.File("f").Size; n != 2<<20 { // it is still ours
						t.Errorf("a file of %d bytes", n)
					}
					if _, err := os.Stat(r.File("f").TmpName); err != nil {
						t.Error(err)
					}
				}
				w.OnMessage = func(c *worker.Connection, data []byte) { c.Send(data) }
				s := start(t, w)
				c := o.open(s)
				c.send(largeForm())
				c.expect("switched\n")
				c.send("text\n")
				c.expect("text\n")
				eventually(t, "the end of what the request had", func() bool {
					left, err := os.ReadDir(dir)
					return err == nil && len(left) == 0 && h.stored(t) == `{"n":7}`
				})
				unlock, err := h.Lock(t.Context(), sessionID)
				if err != nil {
					t.Fatal(err)
				}
				unlock()
			})
		})
	}
}

// A protocol that is switched to and fro in one callback is another one.
func TestSwitchedToAndFro(t *testing.T) {
	overEvery(t, func(t *testing.T, o over) {
		w := o.worker(t, "http")
		w.OnRequest = func(c *worker.Connection, r *http1.Request) {
			if r.Path() == "/switch" {
				c.SetProtocol(text.Protocol)
				c.SetProtocol(http1.Protocol)
				c.SendRaw([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
				return
			}
			c.Send(r.Path())
		}
		c := o.open(start(t, w))
		c.send(fmt.Sprintf(get+get, "/switch", "/next"))
		expectAnswer(t, c.r, 200, "ok")
		expectAnswer(t, c.r, 200, "/next")
	})
}
