package worker_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	ws "github.com/workerman-go/wm/protocol/websocket"
	"github.com/workerman-go/wm/worker"
)

var (
	storms    = flag.Int("storms", 0, "how many random storms to add")
	stormSeed = flag.Uint64("storm", 0, "the one storm to run")
	stormTail = flag.Int("stormtail", 0, "how many of the last deeds to print on a failure")
)

// TestStorm lets authors and peers do anything at any moment, and looks at what
// must hold nevertheless. A storm has a seed; what the kernel and other goroutines
// do beside it differs from run to run. -storms 500 looks for new failures, -storm
// 22 -count 50 -stormtail 100 repeats one.
func TestStorm(t *testing.T) {
	var seeds []uint64
	fixed := 24
	if raceEnabled || testing.Short() {
		fixed = 10
	}
	for i := range fixed {
		seeds = append(seeds, uint64(i+1))
	}
	for range *storms {
		seeds = append(seeds, rand.Uint64N(1<<32)+1000)
	}
	if *stormSeed != 0 {
		seeds = []uint64{*stormSeed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { newStorm(t, seed).run() })
	}
}

// storm is one process with many short lives in it.
type storm struct {
	t       *testing.T
	rnd     *rand.Rand
	seed    uint64
	s       *service
	p       *worker.Process
	streams *streams
	author  *author
	kinds   []*kind
	socks   string
	http    string
	hostile string

	pipes      bool
	queued     int64
	reconnects int // still allowed
	dials      int // the same
	turns      int
	inspects   bool
	release    chan struct{} // closed when peers are to go
	peers      sync.WaitGroup
	resting    sync.WaitGroup
	seen       map[string]int
	traces     []string
}

// kind is one Worker of a storm.
type kind struct {
	w                               *worker.Worker
	scheme, transport, addr         string
	proxied, compressed, unreliable bool
}

func newStorm(t *testing.T, seed uint64) *storm {
	rnd := rand.New(rand.NewPCG(seed, 1))
	s := &storm{
		t: t, rnd: rnd, seed: seed, streams: &streams{}, release: make(chan struct{}),
		pipes: rnd.IntN(4) == 0, queued: []int64{20000, 300000, 256 << 20}[rnd.IntN(3)],
		reconnects: 20, dials: 30, seen: map[string]int{},
	}
	s.author = &author{
		storm: s, rnd: rand.New(rand.NewPCG(seed, 2)), deeds: 1500,
		souls: map[*worker.Connection]*soul{},
	}
	s.author.common = s.streams.open("broadcasts")
	s.streams.all[s.author.common].outside = true
	return s
}

func (s *storm) note(what string) { s.seen[what]++ }

// trace keeps the last deeds, for the report.
func (s *storm) trace(soul *soul, where string, choice int) {
	s.traces = append(s.traces, fmt.Sprintf("%s (%s, %v): %s does %d", soul.name,
		soul.c.Transport(), soul.c.Status(), where, choice))
}

func (s *storm) run() {
	s.serve()
	s.socks, s.http = socksProxy(s.t, ""), httpProxy(s.t, "")
	s.hostile = s.hostilePeer()
	peers := s.choose()
	s.s.do(func() {}) // from here on all of s is the loop's
	for _, p := range peers {
		go p.live() // ends with the storm at the latest
	}
	s.s.do(func() {
		for range 16 {
			s.dial()
		}
	})
	s.resting.Wait()
	s.calm()
	s.clear()
	s.peers.Wait()
	s.judge()
}

// choose makes the peers of a storm.
func (s *storm) choose() (peers []*peerOf) {
	for i := range 40 {
		k := s.kinds[s.rnd.IntN(len(s.kinds))]
		if k.transport == "udp" {
			continue
		}
		peers = append(peers, &peerOf{
			s: s, k: k, rnd: rand.New(rand.NewPCG(s.seed, uint64(100+i))),
			name: fmt.Sprintf("peer %d of %s/%s", i, k.scheme, k.transport),
		})
	}
	s.peers.Add(len(peers))
	s.resting.Add(len(peers))
	return peers
}

// serve starts the process and its Workers.
func (s *storm) serve() {
	for range 7 {
		s.kinds = append(s.kinds, s.kind())
	}
	main := s.kinds[0]
	main.w.Limits.QueuedBytes = s.queued
	main.w.OnWorkerStart = func(*worker.Worker) error {
		worker.AfterTurns(s.p, s.turned)
		for _, k := range s.kinds[1:] {
			if err := k.w.Listen(); err != nil {
				return err
			}
		}
		return nil
	}
	var addrs []string
	s.s = prepare(s.t, main.w, func(env *worker.Env) {
		env.Debug = s.rnd.IntN(2) == 0
		env.Open = func(address string, _ bool) (fd int, err error) {
			network, host, _ := strings.Cut(address, "://")
			addr := host
			switch network {
			case "unix":
				fd = listenUnix(s.t, host)
			case "udp":
				fd, addr = listenUDP(s.t)
			default:
				fd, addr = listen(s.t)
			}
			addrs = append(addrs, addr)
			return fd, nil
		}
	})
	s.p = s.s.p
	s.s.run()
	select {
	case <-s.s.ready:
	case e := <-s.s.exits:
		s.t.Fatalf("%+v", e)
	}
	main.addr = s.s.addr
	for i, addr := range addrs {
		s.kinds[i+1].addr = addr
	}
}

// kind declares a Worker at random.
func (s *storm) kind() *kind {
	k := &kind{
		scheme:    []string{"tcp", "text", "frame", "websocket", "websocket", "http"}[s.rnd.IntN(6)],
		transport: []string{"tcp", "tcp", "ssl", "ssl", "unix", "udp"}[s.rnd.IntN(6)],
	}
	if k.transport == "udp" && (k.scheme == "http" || k.scheme == "websocket") {
		k.scheme = "text"
	}
	host := "127.0.0.1:0"
	if k.scheme == "tcp" {
		k.scheme = k.transport
	}
	if k.transport == "unix" {
		host = filepath.Join(s.t.TempDir(), "s")
	}
	k.w = worker.New(k.scheme + "://" + host)
	if k.w.Transport = k.transport; k.transport == "ssl" {
		secure(k.w)
	}
	k.w.Callbacks = s.author.callbacks(k.scheme + "/" + k.transport)
	if k.scheme == "websocket" && s.rnd.IntN(2) == 0 {
		k.compressed = true
		k.w.Protocol = ws.New(ws.Options{Compress: true, ContextTakeover: s.rnd.IntN(2) == 0})
	}
	if s.rnd.IntN(3) == 0 && k.transport != "udp" {
		k.proxied = true
		k.w.Limits.TrustedProxies = []string{"127.0.0.1", "unix"}
	}
	k.w.Limits.HandshakeTimeout = 100 * time.Millisecond
	return k
}

// dial makes a connection of this process to somebody.
func (s *storm) dial() {
	d := worker.Dialer{TLS: worker.TLS{Config: clientTLS()}, Timeout: 100 * time.Millisecond}
	k := s.kinds[s.rnd.IntN(len(s.kinds))]
	scheme := strings.Replace(k.scheme, "websocket", "ws", 1)
	if scheme == "http" {
		scheme = "tcp"
	}
	addr := k.addr
	d.Transport = k.transport
	if k.transport != "udp" && k.transport != "unix" {
		switch s.rnd.IntN(8) {
		case 0:
			d.Socks5.Addr = s.socks
		case 1:
			d.HTTPProxy.Addr = s.http
		case 2:
			addr = s.hostile
		case 3:
			d.Socks5.Addr = s.hostile
		case 4:
			d.HTTPProxy.Addr = s.hostile
		}
	}
	if scheme == "ws" && s.rnd.IntN(2) == 0 {
		d.PingInterval = 5 * time.Millisecond
	}
	c := d.Dial(scheme + "://" + addr)
	if k.compressed {
		c.SetProtocol(k.w.Protocol)
	}
	c.Callbacks = s.author.callbacks("dialled " + scheme + "/" + k.transport)
	if k.transport == "udp" {
		c.OnWebSocketPing = nil
	}
	if s.rnd.IntN(3) == 0 {
		c.MaxSendBufferSize = 500
	}
	s.author.know(c, "dialled "+scheme+"/"+k.transport).act("Dial")
}

// calm waits until nobody has anything to do, and looks whether the loop rests
// then.
func (s *storm) calm() {
	storms := time.Now().Add(40 * time.Millisecond)
	eventually(s.t, "the end of the storm", func() (over bool) {
		s.s.do(func() { over = s.author.deeds <= 0 || time.Now().After(storms) })
		return over
	})
	s.s.do(func() { s.author.calm = true })
	end := time.Now().Add(deadline)
	for {
		var before, after int
		s.s.do(func() { before = s.turns })
		time.Sleep(10 * time.Millisecond) // nothing tells that nothing happens
		s.s.do(func() { after = s.turns })
		if after-before < 100 {
			s.s.do(func() { s.inspects = true })
			return
		}
		if time.Now().After(end) {
			s.streams.fail("%d turns in 10 ms of calm", after-before)
			return
		}
	}
}

// turned counts a turn, and looks around at its end when it is asked to.
func (s *storm) turned() {
	s.turns++
	if s.inspects {
		s.inspects = false
		s.inspect()
	}
}

// inspect looks for connections that wait in vain.
func (s *storm) inspect() {
	for _, soul := range s.author.order {
		if why := worker.Stuck(soul.c); why != "" {
			soul.wrong("waits for %s", why)
		}
	}
	if worker.Mixed(s.p) {
		s.streams.fail("a buffer is used twice")
	}
}

// clear ends all that is left, in one of several ways.
func (s *storm) clear() {
	s.s.do(func() {
		switch s.rnd.IntN(3) {
		case 0:
			s.p.Drain(false)
		case 1:
			s.p.Drain(true)
		case 2:
			for _, soul := range s.author.order {
				soul.c.CancelReconnect()
				soul.c.Close()
			}
		}
	})
	close(s.release)
	last := time.Now().Add(80 * time.Millisecond)
	eventually(s.t, fmt.Sprintf("seed %d: the end of all connections", s.seed), func() (none bool) {
		s.s.do(func() {
			none = worker.Stats().Connections == 0
			if time.Now().After(last) { // a partial message may wait for ever
				for _, soul := range s.author.order {
					soul.c.CancelReconnect()
					soul.c.Destroy()
				}
				for _, k := range s.kinds {
					for c := range k.w.Connections() {
						c.Destroy()
					}
				}
			}
		})
		return none
	})
}

// judge looks at what is left.
func (s *storm) judge() {
	s.s.do(func() {
		for _, soul := range s.author.order {
			soul.c.CancelReconnect()
			if !soul.closed && (soul.c.Dialled() || soul.c.Transport() != "udp") {
				soul.wrong("no OnClose")
			}
		}
		if n := worker.Attempts(s.p); n != s.author.closes {
			s.streams.fail("%d lives of dialled connections and %d calls of OnClose", n, s.author.closes)
		}
		s.inspects = true
		if n := worker.Backlog(s.p); n != 0 {
			s.streams.fail("%d bytes of backlog are left", n)
		}
	})
	eventually(s.t, "rest", func() (rest bool) {
		s.s.do(func() {
			watches, timers := worker.Left(s.p)
			if s.author.calm = true; watches > 0 {
				s.streams.fail("%d watches are left", watches)
				rest = true
			}
			rest = rest || timers == 0
		})
		return rest
	})
	s.t.Log(s.seen, len(s.traces), "deeds")
	if len(s.streams.errs) > 0 {
		s.t.Errorf("seed %d:\n%s\n%s", s.seed, strings.Join(s.streams.errs, "\n"),
			strings.Join(s.traces[max(0, len(s.traces)-*stormTail):], "\n"))
	}
}

// hostilePeer is a server that nobody can rely on.
func (s *storm) hostilePeer() (addr string) {
	seed := s.seed
	var mu sync.Mutex // guards rnd
	rnd := rand.New(rand.NewPCG(seed, 3))
	return peer(s.t, func(conn net.Conn) {
		mu.Lock()
		p := &peerOf{s: s, rnd: rand.New(rand.NewPCG(rnd.Uint64(), 4))}
		mu.Unlock()
		p.torment(conn)
	})
}
