package gateway

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"sync"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// check is what start and check refuse, in the probe and again in each process.
func (g *Gateway) check() error {
	for _, refused := range []func() error{
		g.checkTaken, g.checkProtocol, g.checkInner, g.checkSecret, g.checkNumbers,
		g.checkNeighbours,
	} {
		if err := refused(); err != nil {
			return err
		}
	}
	return checkRegisters(g.RegisterAddress)
}

// checkTaken names a callback that would never be called.
func (g *Gateway) checkTaken() error {
	name := ""
	switch {
	case g.OnMessage != nil:
		name = "OnMessage"
	case g.OnValue != nil:
		name = "OnValue"
	case g.OnRequest != nil:
		name = "OnRequest"
	case g.Handler != nil:
		name = "Handler"
	default:
		return nil
	}
	return fmt.Errorf("%s is set, but a Gateway hands all messages to BusinessWorkers: "+
		"set BusinessWorker.OnMessage", name)
}

func (g *Gateway) checkProtocol() error {
	scheme, _, _ := strings.Cut(strings.ToLower(g.address), "://")
	switch {
	case g.address == "":
		return errors.New("a Gateway needs an address for its clients")
	case scheme == "http" && g.Protocol == nil,
		reflect.TypeOf(g.Protocol) == reflect.TypeOf(http1.Protocol):
		return errors.New("a Gateway cannot speak http: each request is owed an answer on its " +
			"connection, and BusinessWorkers push: use websocket, or a WebServer")
	case scheme == "udp" || g.Transport == "udp":
		return errors.New("a Gateway cannot serve udp: datagrams make no connection that could " +
			"be held")
	}
	return nil
}

// checkInner looks at the addresses and ports between Gateways and BusinessWorkers.
func (g *Gateway) checkInner() error {
	lan, err := netip.ParseAddr(g.LanIP)
	switch {
	case err != nil || !lan.Is4():
		return fmt.Errorf("LanIP is %q, want an IPv4 address such as 192.168.1.20: "+
			"it is a part of every client id", g.LanIP)
	case lan.IsUnspecified():
		return errors.New("LanIP is 0.0.0.0, which nobody can connect to: " +
			"set the address of this host, and InnerListen to listen on all")
	}
	if _, err := netip.ParseAddr(g.InnerListen); g.InnerListen != "" && err != nil {
		return fmt.Errorf("InnerListen is %q, want an IP address", g.InnerListen)
	}
	if last := g.StartPort + max(g.Count, 1) - 1; g.StartPort < 1 || last > 65535 {
		return fmt.Errorf("StartPort %d and Count %d ask for the inner ports %d to %d, "+
			"want them within 1 to 65535", g.StartPort, g.Count, g.StartPort, last)
	}
	return nil
}

// checkSecret refuses an open door.
func (g *Gateway) checkSecret() error { return requireSecret(g.innerAddress(), g.SecretKey) }

// checkNumbers names a setting that has no meaning.
func (g *Gateway) checkNumbers() error {
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"PingInterval", int64(g.PingInterval)},
		{"PingNotResponseLimit", int64(g.PingNotResponseLimit)},
		{"BusinessWait", int64(g.BusinessWait)},
		{"HoldPerClient", int64(g.HoldPerClient)},
		{"HoldBytes", int64(g.HoldBytes)},
		{"SendToClientBuffer", int64(g.SendToClientBuffer)},
		{"SendToWorkerBuffer", int64(g.SendToWorkerBuffer)},
		{"AuthTimeout", int64(g.AuthTimeout)},
	} {
		if n.value < 0 {
			return fmt.Errorf("%s is below 0", n.name)
		}
	}
	return nil
}

// innerAddress is the IP address that the inner port is bound to (wire.md 2.1).
func (g *Gateway) innerAddress() string {
	if g.InnerListen != "" {
		return g.InnerListen
	}
	if lan, err := netip.ParseAddr(g.LanIP); err == nil && lan.Is4() && public(lan) {
		return "0.0.0.0"
	}
	return g.LanIP
}

// public is what PHP takes for an address of the internet; ip is IPv4.
func public(ip netip.Addr) bool {
	first := ip.As4()[0]
	return !ip.IsPrivate() && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() &&
		first != 0 && first < 240
}

// known are the Gateways by their Workers.
var known struct {
	mu       sync.Mutex // guards gateways
	gateways map[*worker.Worker]*Gateway
}

// remember keeps g for checkNeighbours of the others.
func remember(g *Gateway) {
	known.mu.Lock()
	defer known.mu.Unlock()
	kept := map[*worker.Worker]*Gateway{g.Worker: g}
	for _, w := range worker.Neighbours() {
		if other := known.gateways[w]; other != nil {
			kept[w] = other
		}
	}
	known.gateways = kept
}

// neighbours are all Gateways of the program.
func neighbours() (all []*Gateway) {
	known.mu.Lock()
	defer known.mu.Unlock()
	for _, w := range worker.Neighbours() {
		if g := known.gateways[w]; g != nil {
			all = append(all, g)
		}
	}
	return all
}

// checkNeighbours refuses inner ports that another Gateway of the program has.
func (g *Gateway) checkNeighbours() error {
	for _, other := range neighbours() {
		if other == g || other.innerAddress() != g.innerAddress() {
			continue
		}
		mine, theirs := g.StartPort+max(g.Count, 1), other.StartPort+max(other.Count, 1)
		if g.StartPort < theirs && other.StartPort < mine {
			return fmt.Errorf("inner ports %d to %d of Gateway %s (%s) overlap with %d to %d of "+
				"Gateway %s (%s): set another StartPort", g.StartPort, mine-1, g.Name, g.address,
				other.StartPort, theirs-1, other.Name, other.address)
		}
	}
	return nil
}
