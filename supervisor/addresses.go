package supervisor

import (
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/workerman-go/wm/ipc"
)

// listenFor gives a plan the listener of its address: the one there is, or a
// new one.
func (s *Supervisor) listenFor(pl *plan) (err error) {
	spec := pl.spec
	if spec.Network == "" {
		return nil
	}
	key := addressKey(spec)
	lis, group := s.listeners[key], s.groups[key]
	if lis != nil && spec.ReusePort || group != nil && !spec.ReusePort {
		// The kernel does not mix the two on one port.
		return fmt.Errorf("ReusePort of %s has changed, which needs a restart", spec.Listen)
	}
	if spec.ReusePort {
		pl.group, err = s.groupFor(key, spec)
		return err
	}
	if lis == nil {
		b := bindingOf(spec)
		b.owner = pl.ident
		lis, err = s.sys.bind(b)
		if err != nil {
			return err
		}
		s.listeners[key] = lis
	}
	pl.lis = lis
	return nil
}

// bindingOf is what a Spec wants to be opened, under the name that its author
// gave it.
func bindingOf(spec ipc.Spec) binding {
	return binding{
		name: spec.Listen, network: spec.Network, host: spec.Host, backlog: spec.Backlog,
		reusePort: spec.ReusePort,
	}
}

// checkAddress finds what binding would find, as far as it can be seen without
// taking the address: the service may be running there.
func checkAddress(spec ipc.Spec) (err error) {
	switch spec.Network {
	case "tcp", "udp":
		var address netip.AddrPort
		if address, err = parseHost(spec.Host); err == nil {
			_, _, err = socketAddress(address)
		}
	case "unix":
		err = checkUnix(spec.Host)
	}
	if err != nil {
		return bindingOf(spec).failed(err)
	}
	return nil
}

// addressKey is the same for two spellings of one address. A port that the
// kernel chooses belongs to its Worker alone.
func addressKey(spec ipc.Spec) string {
	if spec.Network == "unix" {
		return spec.Network + " " + spec.Host
	}
	if anyPort(spec.Host) {
		return spec.Network + " " + spec.Host + " " + spec.Key
	}
	if address, err := parseHost(spec.Host); err == nil {
		return spec.Network + " " + address.String()
	}
	return spec.Network + " " + spec.Host
}

// anyPort tells whether the kernel chooses the port, so that two Workers may
// say the same.
func anyPort(host string) bool { return strings.HasSuffix(host, ":0") }

// giveSockets makes the files of Unix sockets belong to the users that the
// Workers have now.
func (s *Supervisor) giveSockets() {
	for _, u := range s.units {
		if u.lis == nil || u.lis.file == nil {
			continue
		}
		owner := u.ident
		if owner == nil { // it may have had one before
			owner = &identity{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
		}
		if err := u.lis.file.give(owner); err != nil {
			s.logf("socket %s stays with its owner: %v", u.lis.address, err)
		}
	}
}

// dropUnused closes the listeners and executables that no slot can need any
// more.
func (s *Supervisor) dropUnused() {
	used := s.inUse()
	for key, lis := range s.listeners {
		if !used.listeners[lis] {
			lis.close()
			delete(s.listeners, key)
		}
	}
	for key, g := range s.groups {
		slots, needed := used.groups[g]
		if !needed {
			g.close()
			delete(s.groups, key)
			continue
		}
		g.trim(slots, s.sys.now())
	}
	for key, files := range s.certs {
		if !used.certs[files] {
			delete(s.certs, key)
		}
	}
	for gen := range s.generations {
		if !used.generations[gen] {
			gen.close()
			delete(s.generations, gen)
		}
	}
}

// inUse is what some slot, process or reload refers to.
type inUse struct {
	listeners   map[*listener]bool
	groups      map[*portGroup]int // how many slots
	certs       map[*certificateFiles]bool
	generations map[*generation]bool
}

func (in *inUse) add(pl plan, slots int) {
	in.listeners[pl.lis], in.generations[pl.gen], in.certs[pl.certs] = true, true, true
	if pl.group != nil {
		in.groups[pl.group] = max(in.groups[pl.group], slots)
	}
}

func (s *Supervisor) inUse() *inUse {
	in := &inUse{
		listeners: map[*listener]bool{}, groups: map[*portGroup]int{},
		certs:       map[*certificateFiles]bool{},
		generations: map[*generation]bool{s.gen: true},
	}
	for _, u := range s.units {
		in.add(u.plan, u.spec.Count)
		for _, sl := range u.slots {
			in.add(sl.plan, sl.number+1)
		}
	}
	if s.roll != nil {
		in.generations[s.roll.gen] = true
		for _, u := range s.roll.units {
			in.add(u.plan, u.spec.Count)
		}
	}
	if s.queued != nil {
		in.generations[s.queued.gen] = true
	}
	for _, u := range []*upgrade{s.upgrade, s.nextUpgrade} {
		if u != nil {
			in.generations[u.gen] = true
		}
	}
	return in
}
