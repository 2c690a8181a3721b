package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// handlerReloads is how often the Handlers are replaced under load.
const handlerReloads = 20

// Clients of net/http Handlers see nothing of reloads, with new connections,
// with kept ones, over HTTP/2, and in the middle of a request; and the access
// log has a line for each answer.
func TestHandlerReloadUnderLoad(t *testing.T) {
	for _, own := range []string{"", "yes"} {
		t.Run("ReusePort "+own, func(t *testing.T) {
			plain, secure := freeAddress(t), freeAddress(t)
			access := filepath.Join(t.TempDir(), "access.log")
			cert := certificateFile(t)
			s := newService(t, "E2E_HANDLER="+plain, "E2E_HANDLER_TLS="+secure, "E2E_CERT="+cert,
				"E2E_ACCESS="+access, "E2E_REUSEPORT="+own)
			s.start()
			var all load
			all.add(2, func() error { return wantPage(fetch(plain, "/", replyLimit)) })
			all.add(1, func() error {
				body, err := fetch(plain, "/wait/100", replyLimit)
				if err == nil && body != "done" {
					err = fmt.Errorf("answer %q", body)
				}
				return err
			})
			all.addKeepAlive(3, plain)
			two := clientOfHTTP2(secure)
			all.add(2, func() error { return wantPage(two.page(secure)) })
			for i := range handlerReloads {
				r := s.run("reload").wantCode(0)
				t.Logf("reload %d: %v, so far %s", i+1, r.took.Round(time.Millisecond), &all)
			}
			all.stop()
			two.CloseIdleConnections()
			t.Logf("%d reloads, clients saw: %s", handlerReloads, &all)
			if all.bad() != 0 || all.success.Load() == 0 {
				t.Errorf("clients saw: %s", &all)
			}
			s.waitWhole("handler", 2)
			s.run("stop").wantCode(0)
			text, err := os.ReadFile(access)
			if n := int64(strings.Count(string(text), "\n")); err != nil || n != all.success.Load() {
				t.Errorf("%d lines in the access log and %v, want %d", n, err, all.success.Load())
			}
		})
	}
}

// certificateFile has a certificate and its key.
func certificateFile(t *testing.T) string {
	t.Helper()
	cert, key := newPair(t, 1, "localhost")
	file := filepath.Join(t.TempDir(), "cert.pem")
	write(t, file, cert+key)
	return file
}

func wantPage(body string, err error) error {
	if err == nil && body != "hello world" {
		err = fmt.Errorf("answer %q", body)
	}
	return err
}

// http2Client keeps its connections as browsers do.
type http2Client struct{ *http.Client }

func clientOfHTTP2(address string) http2Client {
	return http2Client{&http.Client{Timeout: replyLimit, Transport: &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
	}}}
}

func (c http2Client) page(address string) (string, error) {
	r, err := c.Get("https://" + address + "/")
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err == nil && r.ProtoMajor != 2 {
		err = fmt.Errorf("answered over %s", r.Proto)
	}
	return string(body), err
}

func TestHandlerServesCurl(t *testing.T) {
	t.Parallel()
	c := needCurl(t)
	plain, secure := freeAddress(t), freeAddress(t)
	cert := certificateFile(t)
	s := newService(t, "E2E_HANDLER="+plain, "E2E_HANDLER_TLS="+secure, "E2E_CERT="+cert)
	s.start()
	c.get([]string{"HTTP/1.1 200 OK", "hello world"}, "http://"+plain+"/")
	c.get([]string{"HTTP/2 200", "HTTP/2.0"}, "--insecure", "--http2", "https://"+secure+"/proto")
	c.get([]string{"HTTP/1.1 200 OK"}, "--insecure", "--http1.1", "https://"+secure+"/proto")
	pair, key := newPair(t, 2, "localhost")
	write(t, cert, pair+key) // the processes stay, and use it
	s.wantLog("certificate " + cert + " reloaded, serial 2")
	waitFor(t, eventLimit, "the new certificate", func() bool {
		kept, serial, err := dialTLS(secure)
		if err != nil {
			t.Fatal(err)
		}
		return kept.conn.Close() == nil && serial == 2
	})
}

func TestHandlerIsInStatusAndConnections(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HANDLER="+address)
	s.start()
	c := newClient(t, address)
	if body, _, err := c.get("/", replyLimit); body != "hello world" {
		t.Fatalf("%q and %v", body, err)
	}
	waitFor(t, eventLimit, "an idle row", func() bool {
		row := lineWith(s.run("connections").wantCode(0).out, c.conn.LocalAddr().String())
		return strings.Contains(row, " IDLE ") && strings.Contains(row, " http ")
	})
	s.waitSnapshot("one connection and one request", func(snap snapshot) bool {
		var connections, requests int64
		for _, p := range snap.running("handler") {
			connections += int64(p.Connections)
			requests += int64(p.TotalRequest)
		}
		return connections == 1 && requests == 1
	})
}

// What a killed process was doing is lost with it; the next client is served.
func TestHandlerKilled(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t, "E2E_HANDLER="+address)
	s.start()
	before := s.snapshot().pidsOf("handler")
	c := clientOf(t, address, before[0])
	kill(t, before[0], unix.SIGKILL)
	if _, _, err := c.get("/", replyLimit); err == nil {
		t.Error("a killed process answers")
	}
	s.waitSnapshot("a successor", func(snap snapshot) bool {
		pids := snap.pidsOf("handler")
		return len(pids) == 2 && !slices.Contains(pids, before[0])
	})
	for range 20 {
		if err := wantPage(fetch(address, "/", replyLimit)); err != nil {
			t.Error(err)
		}
	}
}
