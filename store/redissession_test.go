package store_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workerman-go/wm/store"
)

const someID = "abcdefghijklmnop"

func newSessions(t testing.TB, addrs ...string) *store.RedisSessions {
	t.Helper()
	r := store.NewRedisSessions(addrs...)
	t.Cleanup(func() { r.Close() })
	return r
}

func wantStored(t testing.TB, r *store.RedisSessions, id, want string) {
	t.Helper()
	if got, err := r.Read(t.Context(), id); err != nil || string(got) != want {
		t.Errorf("stored under %s: %q, %v, want %q", id, got, err, want)
	}
}

func TestRedisSessionsKeepWhatIsWritten(t *testing.T) {
	s := newServer(t)
	r := newSessions(t, s.socket)
	ctx := t.Context()
	wantStored(t, r, someID, "")
	if err := errors.Join(r.Touch(ctx, someID, time.Hour), r.Destroy(ctx, someID), r.GC(ctx),
		r.Write(ctx, someID, []byte("one"), time.Hour),
		r.Write(ctx, someID, []byte("two\x00\r\n"), 1440*time.Second)); err != nil {
		t.Fatal(err)
	}
	wantStored(t, r, someID, "two\x00\r\n")
	if got := s.command("TTL redis_session_" + someID); got != ":1440" && got != ":1439" {
		t.Errorf("expires in %s, want 1440 s", got)
	}
	if err := r.Touch(ctx, someID, time.Hour); err != nil {
		t.Error(err)
	}
	if got := s.command("TTL redis_session_" + someID); got != ":3600" && got != ":3599" {
		t.Errorf("expires in %s after Touch, want 3600 s", got)
	}
	if err := r.Destroy(ctx, someID); err != nil {
		t.Error(err)
	}
	wantStored(t, r, someID, "")
	if err := r.Write(ctx, someID, []byte("x"), 0); err != nil {
		t.Error(err)
	}
	wantStored(t, r, someID, "")
}

func TestRedisSessionsOptions(t *testing.T) {
	s := newServer(t, "--requirepass", "open")
	r := newSessions(t, s.socket)
	err := r.Write(t.Context(), someID, []byte("x"), time.Hour)
	if err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("without a password: %v", err)
	}
	for _, user := range []string{"", "default"} {
		one, three := newSessions(t, s.socket), newSessions(t, s.socket)
		for _, r := range []*store.RedisSessions{one, three} {
			r.Username, r.Password, r.Prefix = user, "open", "my_"
		}
		three.DB = 3
		if err := three.Write(t.Context(), someID, []byte("x"), time.Hour); err != nil {
			t.Fatal(err)
		}
		wantStored(t, three, someID, "x")
		wantStored(t, one, someID, "")
	}
}

// A node with all slots is the smallest cluster.
func TestRedisSessionsInACluster(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	l.Close()
	s := newServer(t, "--port", port, "--bind", "127.0.0.1", "--cluster-enabled", "yes",
		"--cluster-port", "0", "--cluster-announce-ip", "127.0.0.1")
	if got := s.command("CLUSTER ADDSLOTSRANGE 0 16383"); got != "+OK" {
		t.Fatal(got)
	}
	waitFor(t, "a cluster", func() bool {
		return s.command("SET probe 1") == "+OK"
	})
	r := newSessions(t, addr)
	r.Cluster = true
	for n := range 20 {
		id := fmt.Sprintf("%s-%d", someID, n)
		unlock, err := r.Lock(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Write(t.Context(), id, []byte(id), time.Hour); err != nil {
			t.Fatal(err)
		}
		wantStored(t, r, id, id)
		unlock()
	}
}

func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestRedisLockExcludes(t *testing.T) {
	s := newServer(t)
	one, two := newSessions(t, s.socket), newSessions(t, s.socket)
	ctx := context.Background()
	if err := one.Write(ctx, someID, nil, time.Hour); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for n := range 6 {
		r := []*store.RedisSessions{one, two}[n%2]
		wg.Go(func() {
			for range 20 {
				unlock, err := r.Lock(ctx, someID)
				if err != nil {
					t.Error(err)
					return
				}
				data, err := r.Read(ctx, someID)
				if err == nil {
					err = r.Write(ctx, someID, append(data, '.'), time.Hour)
				}
				if err != nil {
					t.Error(err)
				}
				unlock()
			}
		})
	}
	wg.Wait()
	wantStored(t, one, someID, strings.Repeat(".", 120))
	if got := s.command("EXISTS redis_session_lock_" + someID); got != ":0" {
		t.Errorf("a lock is left: %s", got)
	}
}

func TestRedisLockIsRenewedWhileItIsHeld(t *testing.T) {
	s := newServer(t)
	one, two := newSessions(t, s.socket), newSessions(t, s.socket)
	one.LockLease, two.LockLease = time.Second, time.Second
	unlock, err := one.Lock(t.Context(), someID)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*one.LockLease/2)
	defer cancel()
	if _, err := two.Lock(ctx, someID); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("another gets the lock: %v", err)
	}
	unlock()
	unlock, err = two.Lock(t.Context(), someID)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

// What a dead process has locked is free when the lease ends; whose lease has ended
// does not take the lock of the next one with it.
func TestRedisLockOfTheDeadEnds(t *testing.T) {
	s := newServer(t)
	r := newSessions(t, s.socket)
	key := "redis_session_lock_" + someID
	if got := s.command("SET " + key + " dead PX 300"); got != "+OK" {
		t.Fatal(got)
	}
	unlock, err := r.Lock(t.Context(), someID)
	if err != nil {
		t.Fatal(err)
	}
	s.command("SET " + key + " another")
	unlock()
	if got := s.command("EXISTS " + key); got != ":1" {
		t.Error("unlock has deleted the lock of another")
	}
}

func TestRedisThatIsDown(t *testing.T) {
	s := newServer(t)
	r := newSessions(t, s.socket)
	if err := r.Write(t.Context(), someID, []byte("x"), time.Hour); err != nil {
		t.Fatal(err)
	}
	s.kill()
	_, err := r.Read(t.Context(), someID)
	if err == nil || !strings.Contains(err.Error(), "redis "+s.socket) {
		t.Errorf("Read: %v, want an error that names the server", err)
	}
	if _, err := r.Lock(t.Context(), someID); err == nil {
		t.Error("locked without a server")
	}
	s.start()
	waitFor(t, "a new connection", func() bool {
		return r.Write(t.Context(), someID, []byte("y"), time.Hour) == nil
	})
	wantStored(t, r, someID, "y")
}

// A server that accepts and says nothing costs Timeout and no more.
func TestRedisThatIsSilent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := newSessions(t, path)
	r.Timeout = 100 * time.Millisecond
	_, err = r.Read(t.Context(), someID)
	if err == nil || !strings.Contains(err.Error(), "no answer within 100ms") {
		t.Errorf("Read: %v", err)
	}
}
