package gateway

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/workerman-go/wm/gateway/wire"
)

// contexts are those of the clients that somebody has asked for. Any goroutine.
type contexts struct {
	process context.Context // ends with the last event
	end     context.CancelFunc

	mu      sync.Mutex // guards clients
	clients map[wire.ClientID]clientContext
}

type clientContext struct {
	context.Context
	end context.CancelFunc
}

func newContexts() *contexts {
	t := &contexts{clients: make(map[wire.ClientID]clientContext)}
	t.process, t.end = context.WithCancel(context.Background())
	return t
}

// of returns the context of a client. closing says that its OnClose has come
// already.
func (t *contexts) of(id wire.ClientID, closing *atomic.Bool) context.Context {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ctx, ok := t.clients[id]; ok {
		return ctx
	}
	var ctx clientContext
	ctx.Context, ctx.end = context.WithCancel(t.process)
	if closing.Load() {
		ctx.end()
		return ctx
	}
	t.clients[id] = ctx
	return ctx
}

// closed ends the context of a client.
func (t *contexts) closed(id wire.ClientID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ctx, ok := t.clients[id]; ok {
		ctx.end()
		delete(t.clients, id)
	}
}

// lost ends those of the clients of a Gateway.
func (t *contexts) lost(l *uplink) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, ctx := range t.clients {
		if id.Address() == l.address {
			ctx.end()
			delete(t.clients, id)
		}
	}
}
