package store

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// RedisSessions is an http1.SessionHandler that keeps sessions in Redis, for processes
// of several machines (features.md 29.14, 29.15). Its fields are set before its
// first use, in Start; its methods may then be called by any goroutine. It
// connects on first use and again after each failure.
type RedisSessions struct {
	// Addrs are host:port, or the path of a Unix socket. Several are nodes of one
	// cluster.
	Addrs []string
	// Cluster says that a single address is a node of a cluster.
	Cluster bool
	// Username and Password log in; none where both are empty, as Password alone for
	// a server without user names.
	Username, Password string
	// DB is the number of the database; a cluster has only 0.
	DB int
	// TLS encrypts the connections; nil: not.
	TLS *tls.Config

	// Prefix is what keys begin with, before the session id.
	Prefix string
	// Timeout is how long each call may take, connecting included. Only
	// Lock takes longer, while another has the lock.
	Timeout time.Duration
	// LockLease is when the lock ends of a process that has died, or has given
	// up to wait for the answer. Who lives and holds a lock renews it.
	LockLease time.Duration
	// PoolSize is how many connections a process has at most, to each node.
	PoolSize int

	once   sync.Once
	client redis.UniversalClient
}

// NewRedisSessions is for a server, or for a cluster when there are several addresses.
func NewRedisSessions(addrs ...string) *RedisSessions {
	return &RedisSessions{
		Addrs:     addrs,
		Prefix:    "redis_session_",
		Timeout:   2 * time.Second,
		LockLease: 5 * time.Second,
		PoolSize:  10,
	}
}

// connect makes the client, which dials when it is used.
func (r *RedisSessions) connect() redis.UniversalClient {
	r.once.Do(func() {
		options := &redis.UniversalOptions{
			Addrs: r.Addrs, DB: r.DB, Username: r.Username, Password: r.Password,
			TLSConfig: r.TLS, PoolSize: r.PoolSize,
			DialTimeout: r.Timeout, ReadTimeout: r.Timeout, WriteTimeout: r.Timeout,
			PoolTimeout: r.Timeout, ContextTimeoutEnabled: true,
			DisableIdentity: true,
			MaintNotificationsConfig: &maintnotifications.Config{
				Mode: maintnotifications.ModeDisabled,
			},
		}
		if r.Cluster || len(r.Addrs) > 1 {
			r.client = redis.NewClusterClient(options.Cluster())
			return
		}
		single := options.Simple()
		single.DialerRetries = 1 // a server that is down is told at once
		r.client = redis.NewClient(single)
	})
	return r.client
}

// Close ends the connections; no method may be called then.
func (r *RedisSessions) Close() error { return r.connect().Close() }

// do calls fn with the client and Timeout, and names the server in its error.
func do[T any](ctx context.Context, r *RedisSessions,
	fn func(ctx context.Context, c redis.UniversalClient) (T, error),
) (T, error) {
	limited, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	v, err := fn(limited, r.connect())
	switch {
	case err == nil || errors.Is(err, redis.Nil):
		return v, err
	case limited.Err() != nil && ctx.Err() == nil:
		err = fmt.Errorf("no answer within %v: %w", r.Timeout, err)
	}
	return v, fmt.Errorf("redis %s: %w", strings.Join(r.Addrs, ","), err)
}

// Read returns what is stored, nil when there is nothing.
func (r *RedisSessions) Read(ctx context.Context, id string) ([]byte, error) {
	data, err := do(ctx, r, func(ctx context.Context, c redis.UniversalClient) ([]byte, error) {
		return c.Get(ctx, r.Prefix+id).Bytes()
	})
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return data, err
}

// Write stores data for a lifetime.
func (r *RedisSessions) Write(
	ctx context.Context, id string, data []byte, lifetime time.Duration,
) error {
	if lifetime <= 0 { // to Redis that is for ever
		return r.Destroy(ctx, id)
	}
	_, err := do(ctx, r, func(ctx context.Context, c redis.UniversalClient) (string, error) {
		return c.Set(ctx, r.Prefix+id, data, lifetime).Result()
	})
	return err
}

// Touch gives what is stored another lifetime.
func (r *RedisSessions) Touch(ctx context.Context, id string, lifetime time.Duration) error {
	_, err := do(ctx, r, func(ctx context.Context, c redis.UniversalClient) (bool, error) {
		return c.PExpire(ctx, r.Prefix+id, lifetime).Result()
	})
	return err
}

// Destroy deletes what is stored.
func (r *RedisSessions) Destroy(ctx context.Context, id string) error {
	_, err := do(ctx, r, func(ctx context.Context, c redis.UniversalClient) (int64, error) {
		return c.Del(ctx, r.Prefix+id).Result()
	})
	return err
}

// GC has nothing to do: Redis forgets by itself.
func (r *RedisSessions) GC(context.Context) error { return nil }

var (
	// acquire takes a lock, or finds that an earlier try whose reply was lost has.
	acquire = redis.NewScript(`
if redis.call('set', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('get', KEYS[1]) == ARGV[1] then return 1 end
return 0`)
	// renew and release are for the lock of this token only: another may have it by now.
	renew = redis.NewScript(`
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('pexpire', KEYS[1], ARGV[2])`)
	release = redis.NewScript(`
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('del', KEYS[1])`)
)

// How often a lock is tried that another has.
const (
	lockPollMin = 2 * time.Millisecond
	lockPollMax = 50 * time.Millisecond
)

// Lock locks id. The lock of a process that has died ends after LockLease.
func (r *RedisSessions) Lock(ctx context.Context, id string) (unlock func(), err error) {
	l := &redisLock{sessions: r, key: r.Prefix + "lock_" + id, token: rand.Text()}
	for pause := lockPollMin; ; pause = min(2*pause, lockPollMax) {
		locked, err := l.run(ctx, acquire)
		if err != nil {
			return nil, err
		}
		if locked {
			l.keep()
			return l.unlock, nil
		}
		timer := time.NewTimer(pause/2 + mathrand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		}
	}
}

// redisLock is one lock that is held.
type redisLock struct {
	sessions   *RedisSessions
	key, token string

	mu    sync.Mutex // guards the fields below
	next  *time.Timer
	ended bool
}

// run reports whether script has done something to the lock.
func (l *redisLock) run(ctx context.Context, script *redis.Script) (bool, error) {
	r := l.sessions
	n, err := do(ctx, r, func(ctx context.Context, c redis.UniversalClient) (int, error) {
		return script.Run(ctx, c, []string{l.key}, l.token, r.LockLease.Milliseconds()).Int()
	})
	return n == 1, err
}

// keep renews the lease from time to time. What fails is tried again: the lease may
// outlast it.
func (l *redisLock) keep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.next = time.AfterFunc(l.sessions.LockLease/3, func() {
		if held, err := l.run(context.Background(), renew); held || err != nil {
			l.keep()
		}
	})
}

// unlock lets the next one in. If Redis cannot be told the lease ends by itself.
func (l *redisLock) unlock() {
	l.mu.Lock()
	l.ended = true
	l.next.Stop()
	l.mu.Unlock()
	_, _ = l.run(context.Background(), release)
}
