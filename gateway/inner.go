package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/workerman-go/wm/eventloop"
	"github.com/workerman-go/wm/gateway/wire"
	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/worker"
)

const (
	// maxHello is the longest packet of a peer that has not proved anything yet.
	maxHello = 4096
	// maxWorkerKey is the longest name of a BusinessWorker process.
	maxWorkerKey = 255
)

// peer is an inner connection: of a BusinessWorker, or of a client of the API. It is
// the Data of its connection.
type peer struct {
	p          *process
	conn       *worker.Connection
	ip         netip.Addr
	authorised bool
	deadline   eventloop.TimerID // until then it has to be
	link       *Link             // of a BusinessWorker
	question   []byte            // that waits for its answer; nil: none
	looks      int               // how often it had to wait for what links bring
}

// listen opens the inner port of this process.
func (p *process) listen() error {
	port := p.g.StartPort + p.g.ID
	w := worker.New("tcp://" + net.JoinHostPort(p.g.innerAddress(), strconv.Itoa(port)))
	w.Name = p.g.Name + " inner"
	w.Protocol = gatewayProtocol{p}
	w.OnConnect, w.OnMessage, w.OnClose = p.met, p.packetCame, p.parted
	w.OnBufferDrain = func(*worker.Connection) { p.release() }
	p.inner = w
	if err := w.Listen(); err != nil {
		return fmt.Errorf("inner port %d, of LanIP %s and StartPort %d: %w",
			port, p.g.LanIP, p.g.StartPort, cmp.Or(errors.Unwrap(err), err))
	}
	return nil
}

// gatewayProtocol is wire.Protocol in a Gateway: it appends packets without a copy
// in between, and tells why a link ends.
type gatewayProtocol struct{ p *process }

// Input returns the length of the first packet.
func (g gatewayProtocol) Input(buf []byte, c protocol.Conn) (int, error) {
	n, err := wire.Protocol.Input(buf, c)
	if err != nil {
		g.p.malformed(c.(*worker.Connection), err)
	}
	return n, err
}

// Decode returns the packet as it is.
func (gatewayProtocol) Decode(frame []byte, _ protocol.Conn) (any, error) { return frame, nil }

// DecodeBytes returns the packet as it is.
func (gatewayProtocol) DecodeBytes(frame []byte, _ protocol.Conn) ([]byte, error) {
	return frame, nil
}

// Encode appends a packet, and other values as wire.Protocol does.
func (gatewayProtocol) Encode(dst []byte, v any, c protocol.Conn) ([]byte, error) {
	if pk, ok := v.(*wire.Packet); ok {
		return pk.Append(dst), nil
	}
	return wire.Protocol.Encode(dst, v, c)
}

// EncodeBytes appends p as it is.
func (gatewayProtocol) EncodeBytes(dst, p []byte, _ protocol.Conn) ([]byte, error) {
	return append(dst, p...), nil
}

// Name is what connections shows.
func (gatewayProtocol) Name() string { return linkProtocol }

// linkProtocol is the name of both ends of a link.
const linkProtocol = "gateway"

// Quiet keeps a drain from ending inner connections before process.end does.
func (g gatewayProtocol) Quiet(protocol.Conn) bool { return g.p.ended }

// met is OnConnect of an inner connection.
func (p *process) met(conn *worker.Connection) {
	pe := &peer{p: p, conn: conn, ip: conn.RemoteAddrPort().Addr()}
	conn.Data = pe
	conn.MaxSendBufferSize = positive(p.g.SendToWorkerBuffer, defaultWorkerBuffer)
	keepWatch(conn)
	if p.g.SecretKey == "" {
		pe.admit()
		return
	}
	conn.MaxPackageSize = maxHello
	pe.deadline = worker.Loop().AddInnerTimer(positive(p.g.AuthTimeout, defaultAuthTimeout), false,
		func() {
			pe.deadline = 0
			pe.refuse("nothing that proves that it knows the secret has come in time")
		})
}

// positive is n, or def where n is not above 0.
func positive[T time.Duration | int](n, def T) T {
	if n > 0 {
		return n
	}
	return def
}

// admit lets a peer do everything.
func (pe *peer) admit() {
	pe.authorised = true
	pe.conn.MaxPackageSize = wire.MaxPacketBytes
	pe.forgetDeadline()
}

func (pe *peer) forgetDeadline() {
	if pe.deadline != 0 {
		worker.Loop().DelTimer(pe.deadline)
		pe.deadline = 0
	}
}

// refuse ends a peer without a word to it.
func (pe *peer) refuse(why string) {
	pe.p.logRarely(why+pe.ip.String(), "Gateway %s: inner connection of %s closed: %s",
		pe.p.g.Name, pe.conn.RemoteAddr(), why)
	pe.conn.Destroy()
}

// malformed tells of a peer whose bytes make no sense.
func (p *process) malformed(conn *worker.Connection, err error) {
	p.logRarely("malformed "+conn.RemoteIP(), "Gateway %s: inner connection of %s closed: %v",
		p.g.Name, conn.RemoteAddr(), err)
}

// packetCame is OnMessage of an inner connection.
func (p *process) packetCame(conn *worker.Connection, data []byte) {
	pe := conn.Data.(*peer)
	pk, err := wire.Parse(data)
	switch {
	case err != nil:
		p.malformed(conn, err)
		conn.Destroy()
	case pk.Command == wire.WorkerConnect || pk.Command == wire.GatewayClientConnect:
		pe.hello(&pk)
	case !pe.authorised:
		pe.refuse("it has not said the secret first")
	case pk.Command == wire.Drain:
		p.drain(pe.link)
	case pk.Command == wire.Drained:
		p.drained(pe.link)
	case pk.Command == wire.Return:
		p.takeBack(pe, &pk)
	case isQuestion(pk.Command) && pe.link != nil:
		// Who asks over its link wants to know how far this Gateway is with it: nothing
		// else has to be done before. Without room for the answer it asks again.
		pe.execute(pk, func(value []byte) {
			_ = pe.conn.SendRaw(wire.AppendReply(nil, value))
		})
	case isQuestion(pk.Command):
		pe.ask(data)
	default:
		pe.execute(pk, noReply)
	}
}

// noReply is for what has no answer.
func noReply([]byte) {}

// execute does what a packet asks for.
func (pe *peer) execute(pk wire.Packet, reply func(value []byte)) {
	if err := pe.p.execute(pk, reply); err != nil {
		pe.p.logRarely("execute "+pe.ip.String(), "Gateway %s: of %s: %v",
			pe.p.g.Name, pe.conn.RemoteAddr(), err)
	}
}

// hello is what a BusinessWorker and a client of the API say first (wire.md 2.12).
// The latter may say it again at any time.
func (pe *peer) hello(pk *wire.Packet) {
	if pk.Command == wire.GatewayClientConnect {
		h, err := wire.ParseClientHello(pk)
		if pe.knows(h.Secret, err) {
			pe.admit()
		}
		return
	}
	h, err := wire.ParseWorkerHello(pk)
	switch {
	case !pe.knows(h.Secret, err):
	case len(h.Key) > maxWorkerKey:
		pe.refuse("its worker_key is too long")
	case strings.ContainsFunc(h.Key, unicode.IsControl): // it is logged
		pe.refuse("its worker_key has control characters")
	default:
		pe.admit()
		pe.p.connect(pe, h.Key, h.WM)
	}
}

// knows looks at what a hello says; false: the peer has been refused.
func (pe *peer) knows(secret string, err error) bool {
	switch {
	case err != nil:
		pe.refuse("it does not say who it is as members of a cluster do")
	case !sameSecret(secret, pe.p.g.SecretKey):
		pe.refuse("its secret key is not ours")
	default:
		return true
	}
	return false
}

// parted is OnClose of an inner connection.
func (p *process) parted(conn *worker.Connection) {
	pe := conn.Data.(*peer)
	pe.forgetDeadline()
	pe.question = nil
	if pe.link != nil {
		p.disconnect(pe.link)
	}
}
