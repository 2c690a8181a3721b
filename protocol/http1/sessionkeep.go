package http1

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync/atomic"
	"time"
)

// What is done with a SessionHandler, all of it off the loop but for the few
// cases that Session names.

// keeper is the handler with the settings as they were when a request came.
type keeper struct {
	SessionSettings
	handler SessionHandler
}

func newKeeper() *keeper {
	k := &keeper{SessionSettings: Sessions, handler: Sessions.Handler}
	if k.handler == nil {
		k.handler = defaultFiles()
	}
	return k
}

// keptValues are the values of a session, each as JSON.
type keptValues map[string]json.RawMessage

// load reads a session; nil when there is none.
func (k *keeper) load(id string) (keptValues, error) {
	ctx, cancel := context.WithTimeout(context.Background(), k.StoreTimeout)
	defer cancel()
	data, err := k.handler.Read(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("session %s: read: %w", brief(id), err)
	}
	if len(data) == 0 {
		return nil, nil
	}
	var v keptValues
	if json.Unmarshal(data, &v) != nil {
		return nil, nil // of another program: the client gets a new id
	}
	return v, nil
}

// change is what one request has done to a session, to be stored.
type change struct {
	id      string
	base    keptValues // what it was when the lock was taken; nil: unknown
	set     keptValues
	deleted []string
	flushed bool // what is not in set is gone
	touched bool // to be kept for another lifetime

	known bool // something may be stored under the id
	lock  *sessionLock
}

// store does it, and unlocks. A change whose lock is not there any more is applied to
// what others have stored meanwhile.
func (k *keeper) store(c *change) error {
	unlock := c.lock.take()
	again := unlock == nil && c.known
	if again {
		lock, err := k.lock(c.id, time.Now())
		if err != nil {
			return err
		}
		unlock = lock.take()
	}
	if unlock != nil {
		defer unlock()
	}
	if again {
		var err error
		if c.base, err = k.load(c.id); err != nil {
			return err
		}
	}
	if err := k.put(c); err != nil {
		return fmt.Errorf("session %s is not stored: %w", brief(c.id), err)
	}
	return nil
}

// put stores a change whose base is known.
func (k *keeper) put(c *change) error {
	ctx, cancel := context.WithTimeout(context.Background(), k.StoreTimeout)
	defer cancel()
	if !c.dirty() {
		return k.handler.Touch(ctx, c.id, k.Lifetime)
	}
	all := c.apply()
	if len(all) == 0 {
		return k.handler.Destroy(ctx, c.id)
	}
	data, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if len(data) > k.MaxSize {
		return fmt.Errorf("%d bytes are above Sessions.MaxSize", len(data))
	}
	return k.handler.Write(ctx, c.id, data, k.Lifetime)
}

func (c *change) dirty() bool { return c.flushed || len(c.set) > 0 || len(c.deleted) > 0 }

// apply is the session after the change.
func (c *change) apply() keptValues {
	all := make(keptValues, len(c.base)+len(c.set))
	if !c.flushed {
		maps.Copy(all, c.base)
	}
	for _, key := range c.deleted {
		delete(all, key)
	}
	maps.Copy(all, c.set)
	return all
}

// collecting says that a goroutine of this process is inside GC.
var collecting atomic.Bool

// collect clears away expired sessions, unless that is being done. Its errors are those
// that reads and writes have too, and are told there.
func (k *keeper) collect() {
	if !collecting.CompareAndSwap(false, true) {
		return
	}
	defer collecting.Store(false)
	_ = k.handler.GC(context.Background())
}
