package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// overEachStore runs a test with sessions in files and in Redis. stored reads the value n of
// a session from outside.
func overEachStore(t *testing.T, test func(t *testing.T, s *service, address string,
	stored func(id string) int)) {
	t.Run("files", func(t *testing.T) {
		t.Parallel()
		address, dir := freeAddress(t), filepath.Join(t.TempDir(), "sessions")
		s := newService(t, "E2E_SESSION="+address, "E2E_SESSION_DIR="+dir)
		s.start()
		test(t, s, address, func(id string) int {
			text, err := os.ReadFile(filepath.Join(dir, "session_"+id))
			return valueN(t, text, err)
		})
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		redis := startRedis(t)
		address := freeAddress(t)
		s := newService(t, "E2E_SESSION="+address, "E2E_SESSION_REDIS="+redis.socket)
		s.start()
		test(t, s, address, func(id string) int {
			text, err := redis.get("redis_session_" + id)
			return valueN(t, text, err)
		})
	})
}

func valueN(t testing.TB, text []byte, err error) int {
	t.Helper()
	var values struct{ N int }
	if err == nil {
		err = json.Unmarshal(text, &values)
	}
	if err != nil {
		t.Errorf("what is stored, %q: %v", text, err)
	}
	return values.N
}

// redisServer is a real redis-server of one test.
type redisServer struct {
	socket string
	cmd    *exec.Cmd
}

func startRedis(t testing.TB) *redisServer {
	t.Helper()
	path := need(t, "redis-server", "redis-server")
	dir, err := os.MkdirTemp("", "wm-redis-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &redisServer{socket: filepath.Join(dir, "redis.sock")}
	r.cmd = exec.Command(path, "--port", "0", "--unixsocket", r.socket, "--dir", dir, "--save", "")
	if err := startCommand(r.cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.kill)
	waitFor(t, eventLimit, "redis-server answers", func() bool {
		_, err := r.get("none")
		return errors.Is(err, errNothing)
	})
	return r
}

func (r *redisServer) kill() {
	if r.cmd != nil {
		r.cmd.Process.Kill()
		waitCommand(r.cmd) // its status is that of the kill
		r.cmd = nil
	}
}

var errNothing = errors.New("nothing is stored")

// get asks for the value of a key.
func (r *redisServer) get(key string) ([]byte, error) {
	conn, err := net.Dial("unix", r.socket)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(replyLimit))
	fmt.Fprintf(conn, "GET %s\r\n", key)
	reply := make([]byte, 4096)
	n, err := conn.Read(reply)
	if err != nil {
		return nil, err
	}
	head, value, _ := bytes.Cut(reply[:n], []byte("\r\n"))
	if string(head) == "$-1" {
		return nil, errNothing
	}
	return bytes.TrimSuffix(value, []byte("\r\n")), nil
}

// visitor has a cookie jar, and connections as needed.
func visitor(t testing.TB) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return clientWith(t, jar)
}

// clientWith shares the cookies of jar and has connections of its own.
func clientWith(t testing.TB, jar http.CookieJar) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, Timeout: 2 * replyLimit}
}

// spread are n clients with one jar, each with a connection; no more than half of
// these are served by the same process.
func spread(t *testing.T, jar http.CookieJar, address string, n int) (clients []*http.Client) {
	t.Helper()
	of := map[string]int{}
	waitFor(t, eventLimit, "two processes serve connections", func() bool {
		c := clientWith(t, jar)
		pid, err := browse(c, "http://"+address+"/pid")
		if err == nil && of[pid] < n/2 {
			of[pid]++
			clients = append(clients, c)
		}
		return len(clients) == n
	})
	return clients
}

func browse(c *http.Client, url string) (string, error) {
	response, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, response.Status)
	}
	return string(text), err
}

// sessionOf is the id in the jar, once there is one.
func sessionOf(t testing.TB, c *http.Client, address string) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range c.Jar.Cookies(request.URL) {
		if cookie.Name == "PHPSID" {
			return cookie.Value
		}
	}
	t.Fatal("no session cookie")
	return ""
}

// countOnce counts one more and says who did.
func countOnce(c *http.Client, address string) (n, pid int, err error) {
	text, err := browse(c, "http://"+address+"/count")
	if err == nil {
		_, err = fmt.Sscan(text, &n, &pid)
	}
	return n, pid, err
}

// No increment is lost among 200 at once in three processes, and each is stored
// when its answer comes.
func TestSessionCountsExactly(t *testing.T) {
	t.Parallel()
	overEachStore(t, func(t *testing.T, s *service, address string, stored func(id string) int) {
		const clients, rounds = 20, 10
		c := visitor(t)
		if n, _, err := countOnce(c, address); n != 1 || err != nil {
			t.Fatalf("first answer %d, %v", n, err)
		}
		id := sessionOf(t, c, address)
		var mu sync.Mutex // guards seen and by
		seen, by := map[int]bool{}, map[int]int{}
		var wg sync.WaitGroup
		for _, c := range spread(t, c.Jar, address, clients) {
			wg.Go(func() {
				for range rounds {
					n, pid, err := countOnce(c, address)
					if err != nil {
						t.Error(err)
						return
					}
					if got := stored(id); got < n {
						t.Errorf("answer %d, and %d is stored", n, got)
					}
					mu.Lock()
					seen[n] = true
					by[pid]++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if got, want := stored(id), 1+clients*rounds; got != want || len(seen) != want-1 {
			t.Errorf("%d stored, %d different answers, want %d and %d", got, len(seen), want, want-1)
		}
		if len(by) < 2 {
			t.Errorf("only %v took part", by)
		}
	})
}

// What a killed process had locked is free when the master has noticed (files), or when the
// lease of 5 seconds is over (Redis): who waits still gets it.
func TestSessionOfAKilledProcessIsFree(t *testing.T) {
	t.Parallel()
	overEachStore(t, func(t *testing.T, s *service, address string, stored func(id string) int) {
		c := visitor(t)
		if _, _, err := countOnce(c, address); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		hung := make(chan struct{})
		go func() { // ends with the killed process, or with the test
			defer close(hung)
			// Not GET: that is sent again when its connection breaks.
			request, _ := http.NewRequestWithContext(ctx, "POST", "http://"+address+"/hang", nil)
			if response, err := c.Do(request); err == nil {
				response.Body.Close()
			}
		}()
		defer func() { cancel(); <-hung }()
		s.wantLog(" hangs")
		match := regexp.MustCompile(`(\d+) hangs`).FindStringSubmatch(s.log())
		pid, err := strconv.Atoi(match[1])
		if err != nil {
			t.Fatal(err)
		}
		kill(t, pid, unix.SIGKILL)
		n, _, err := countOnce(c, address)
		if err != nil || n != 2 {
			t.Errorf("answer %d, %v, want 2: what was not answered is not stored", n, err)
		}
	})
}

// Without Redis pages go on, and who needs the session is told at once.
func TestSessionsWhenRedisDies(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	address := freeAddress(t)
	s := newService(t, "E2E_SESSION="+address, "E2E_SESSION_REDIS="+redis.socket)
	s.start()
	c := visitor(t)
	if _, _, err := countOnce(c, address); err != nil {
		t.Fatal(err)
	}
	kill(t, redis.cmd.Process.Pid, unix.SIGSTOP) // it accepts, and says nothing
	wantNoSession(t, c, address)
	s.wantLog("redis " + redis.socket + ": no answer within 2s")
	kill(t, redis.cmd.Process.Pid, unix.SIGCONT)
	waitFor(t, eventLimit, "the session is there again", func() bool {
		n, _, err := countOnce(c, address)
		return err == nil && n == 2
	})
	redis.kill()
	for range 3 {
		wantNoSession(t, c, address)
	}
	s.wantLog("sessions fail: session ")
	s.wantLog("redis " + redis.socket + ": dial unix")
	// A new client's session cannot be stored: its connection ends without an answer.
	if _, _, err := countOnce(visitor(t), address); err == nil {
		t.Error("an answer although the session was not stored")
	}
	s.wantLog("closed without its answer: session ")
}

// wantNoSession wants 500 for who needs a session, and pages for others meanwhile.
func wantNoSession(t testing.TB, c *http.Client, address string) {
	t.Helper()
	answers := make(chan error, 1)
	go func() { // ends with the request
		_, err := browse(c, "http://"+address+"/count")
		answers <- err
	}()
	stranger := visitor(t)
	for {
		if text, err := browse(stranger, "http://"+address+"/page"); err != nil || text != "page" {
			t.Errorf("page %q, %v", text, err)
		}
		select {
		case err := <-answers:
			if err == nil || !strings.Contains(err.Error(), "500 Internal Server Error") {
				t.Errorf("without its session: %v, want 500", err)
			}
			return
		default:
		}
	}
}
