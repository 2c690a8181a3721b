package worker

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/protocol/frame"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/protocol/text"
	"github.com/workerman-go/wm/protocol/websocket"
)

// builtin are the protocols that an address can name without Register.
var builtin = map[string]protocol.Protocol{
	"text":      text.Protocol,
	"frame":     frame.Protocol,
	"http":      http1.Protocol,
	"websocket": websocket.Protocol,
}

// offerBuiltin makes them known to protocol.Lookup, before anybody looks.
var offerBuiltin = sync.OnceFunc(func() {
	for scheme, p := range builtin {
		protocol.Builtin(scheme, p)
	}
})

// Declaration is what a Worker says about itself before any process serves
// it. For the harness only: the probe makes the master's Spec of it.
type Declaration struct {
	App     string // "main" outside any App
	Name    string
	Address string // as the author typed it
	Listen  string // "http://127.0.0.1:2345", scheme in lower case, or "none"
	Source  string // "apps/hello/start.go:14", the call of New
	Err     string // why it cannot be started, with the address

	Transport, Protocol string // tcp, ssl, udp, unix, and the scheme of the protocol; "" is raw
	Network, Host       string // for the listener: tcp, udp and host:port, or unix and a path
	ReusePort           bool   // a socket for each slot
	Files               []Pair // certificates and keys with absolute paths, for the master to read

	Count, Backlog, MaxProcs  int
	Connections               int // Limits.Connections
	User, Group               string
	Reloadable                bool
	StopFirst, StopLast       bool
	Essential                 bool
	ReadyTimeout, StopTimeout time.Duration
	HangTimeout, MaxAge       time.Duration
	MaxRequests, MaxMemory    int64
}

// Declaration returns what the author declared, as it is now. For the harness
// only; it is called in the probe and in worker processes, after Start.
func (w *Worker) Declaration() Declaration {
	d := Declaration{
		App: w.app, Name: w.Name, Address: w.address, Listen: "none", Source: w.source,
		Count: max(w.Count, 1), Backlog: positive(w.Backlog, defaultBacklog),
		MaxProcs: positive(w.Life.MaxProcs, 2), User: w.User, Group: w.Group,
		Reloadable: w.Reloadable, StopFirst: w.Life.StopFirst, StopLast: w.Life.StopLast,
		Essential:    w.Life.Essential,
		ReadyTimeout: positive(w.Life.ReadyTimeout, defaultReadyTimeout),
		StopTimeout:  w.Life.StopTimeout, HangTimeout: w.Life.HangTimeout, MaxAge: w.Life.MaxAge,
		MaxRequests: w.Life.MaxRequests, MaxMemory: w.Life.MaxMemory,
		Connections: max(w.Limits.Connections, 0),
	}
	if d.Name == "" {
		d.Name = "none"
	}
	if w.address == "" {
		err := w.checkHandler(nil)
		if err == nil {
			err = w.meets()
		}
		if err != nil {
			d.Err = err.Error()
		}
		return d
	}
	if err := w.resolve(&d); err != nil {
		d.Err = err.Error()
	}
	return d
}

// resolve fills what comes from the address, the transport and the protocol.
func (w *Worker) resolve(d *Declaration) error {
	a, err := parseAddress(w.address)
	d.Listen = a.text
	if err != nil {
		d.Listen = w.address
		return err
	}
	if use := instead[a.scheme]; use != "" {
		return fmt.Errorf("%s: %s is for clients, a server has %s", w.address, a.scheme, use)
	}
	if d.Transport, err = w.transportFor(a); err != nil {
		return fmt.Errorf("%s: %w", w.address, err)
	}
	d.Network, d.Host, d.ReusePort = transports[d.Transport], a.host, w.ReusePort
	p, err := w.speaks(a)
	if err != nil {
		return err
	}
	d.Protocol = protocolName(a.scheme, w.Protocol)
	if err := w.checkHandler(p); err != nil {
		return fmt.Errorf("%s: %w", w.address, err)
	}
	if err := w.checkTogether(a, d.Transport, p); err != nil {
		return fmt.Errorf("%s: %w", w.address, err)
	}
	if err := w.trust(); err != nil {
		return err
	}
	if d.Transport == "ssl" {
		d.Files = w.TLS.files(w.appDir)
	}
	if err := w.meets(); err != nil {
		return err
	}
	if missing := w.missing(p); missing != "" {
		return fmt.Errorf("%s: %s is not set, and it is what the protocol delivers to",
			w.address, missing)
	}
	return nil
}

// transportFor returns the transport of the Worker and checks that it fits the
// address.
func (w *Worker) transportFor(a address) (string, error) {
	own := transports[a.scheme] != "" // the scheme names a transport
	transport := w.transport()
	switch {
	case transports[transport] == "":
		return transport, fmt.Errorf("unknown transport %s, want tcp, udp, ssl or unix", transport)
	case own && a.scheme != transport && !(a.scheme == "tcp" && transport == "ssl"):
		return transport, fmt.Errorf("the address says %s, but Transport is %s", a.scheme, transport)
	case a.path && transport != "unix":
		return transport, fmt.Errorf(`%s is a path, which needs Transport = "unix"`, a.host)
	case !a.path && transport == "unix":
		return transport, fmt.Errorf("transport unix needs a path, want %s:///path", a.scheme)
	}
	return transport, nil
}

// transport is what the author set, or else what the address says.
func (w *Worker) transport() string {
	if w.Transport == "" {
		return transportOf(w.address)
	}
	return w.Transport
}

// checkTogether refuses what would only show when the first client comes.
func (w *Worker) checkTogether(a address, transport string, p protocol.Protocol) error {
	switch {
	case transport == "udp" && isA(p, http1.Protocol):
		return errors.New("http does not go over udp")
	case transport == "udp" && isA(p, websocket.Protocol):
		return errors.New("websocket does not go over udp")
	case w.ReusePort && a.path:
		return errors.New("ReusePort does not go with transport unix")
	case w.ReusePort && strings.HasSuffix(a.host, ":0"):
		return errors.New("ReusePort needs a port of its own, not 0")
	case transport == "ssl":
		return w.TLS.check()
	case w.TLS.set():
		return fmt.Errorf(`TLS is set, but the transport is %s; want Transport = "ssl"`, transport)
	}
	return nil
}

// speaks returns the protocol of the Worker; nil is raw.
func (w *Worker) speaks(a address) (protocol.Protocol, error) {
	if w.Protocol != nil {
		return w.Protocol, nil
	}
	if transports[a.scheme] != "" {
		return nil, nil
	}
	offerBuiltin()
	if p, ok := protocol.Lookup(a.scheme); ok {
		return p, nil
	}
	return nil, fmt.Errorf("%s: unknown scheme %s, no protocol of this name is registered",
		w.address, a.scheme)
}

// missing names the callback without which nothing of the protocol's messages
// would arrive. A Worker that only sends, and one whose OnWorkerStart, extension or
// OnConnect sets the callback or switches the protocol, is not to be refused.
func (w *Worker) missing(p protocol.Protocol) string {
	if w.Handler != nil { // checkHandler knows that it is http
		return ""
	}
	none := w.OnMessage == nil && w.OnRequest == nil && w.OnValue == nil
	switch {
	case none && (w.OnWorkerStart != nil || w.OnConnect != nil || len(w.extensions) > 0):
	case w.OnConnect != nil && !isA(p, http1.Protocol):
	case p == nil, isA(p, text.Protocol), isA(p, frame.Protocol), isA(p, websocket.Protocol):
		if w.OnMessage == nil {
			return "OnMessage"
		}
	case isA(p, http1.Protocol):
		if w.OnRequest == nil {
			return "OnRequest"
		}
	case w.OnMessage == nil && w.OnValue == nil && w.OnRequest == nil:
		return "OnMessage or OnValue"
	}
	return ""
}

// isA compares types, because values of an author's protocol need not be
// comparable.
func isA(p, other protocol.Protocol) bool {
	return reflect.TypeOf(p) == reflect.TypeOf(other)
}

// protocolName is what status and connections show: the scheme, or, of one that was
// set by hand, what its method Name says, or the name of its type.
func protocolName(scheme string, p protocol.Protocol) string {
	if p == nil {
		if transports[scheme] != "" {
			return ""
		}
		return scheme
	}
	for name, b := range builtin {
		if isA(p, b) {
			return name
		}
	}
	if p, ok := p.(interface{ Name() string }); ok {
		return p.Name()
	}
	name := strings.TrimLeft(fmt.Sprintf("%T", p), "*")
	return strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
}
