package supervisor

import (
	"fmt"
	"strings"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/listen"
)

// listenFor gives a plan the listener of its address: the one there is, or a
// new one.
func (s *Supervisor) listenFor(pl *plan) (err error) {
	spec := pl.spec
	if spec.Network == "" {
		return nil
	}
	if err := s.findListener(pl); err != nil {
		return err
	}
	key := addressKey(spec)
	if spec.ReusePort {
		pl.group, err = s.groupFor(key, spec)
		return err
	}
	if pl.lis == nil {
		a := addressOf(spec)
		a.Owner = ownerOf(pl.ident)
		pl.lis, err = s.open(a)
		if err != nil {
			return err
		}
		s.listeners[key] = pl.lis
	}
	return nil
}

// findListener gives a plan what is open at its address already, if anything.
func (s *Supervisor) findListener(pl *plan) error {
	key := addressKey(pl.spec)
	pl.lis, pl.group = s.listeners[key], s.groups[key]
	if pl.lis != nil && pl.spec.ReusePort || pl.group != nil && !pl.spec.ReusePort {
		// The kernel does not mix the two on one port.
		return fmt.Errorf("ReusePort of %s has changed, which needs a restart", pl.spec.Listen)
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
	if address, err := listen.ParseHost(spec.Host); err == nil {
		return spec.Network + " " + address.String()
	}
	return spec.Network + " " + spec.Host
}

// anyPort tells whether the kernel chooses the port, so that two Workers may
// say the same.
func anyPort(host string) bool { return strings.HasSuffix(host, ":0") }

// dropUnused closes the listeners and executables that no slot can need any
// more.
func (s *Supervisor) dropUnused() {
	used := s.inUse()
	for key, lis := range s.listeners {
		if !used.listeners[lis] {
			lis.Close()
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

// addRoll adds what the reload under way starts, and what it may put back.
func (in *inUse) addRoll(r *reload) {
	in.generations[r.gen] = true
	for _, u := range r.units {
		in.add(u.plan, u.spec.Count)
	}
	for _, st := range r.steps {
		if st.from.gen != nil {
			in.add(st.from, st.slot.number+1)
		}
		if st.to.gen != nil {
			in.add(st.to, st.slot.number+1)
		}
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
	for _, p := range s.byPID {
		// Who holds on to a socket keeps others from binding its address. The
		// next reload may want that back.
		if !p.yielded && p.ended == nil {
			in.listeners[p.plan.lis] = true
		}
	}
	if s.roll != nil {
		in.addRoll(s.roll)
	}
	if s.queued != nil {
		in.generations[s.queued.gen] = true
	}
	if s.upgrade != nil {
		in.generations[s.upgrade.gen] = true
	}
	for _, u := range s.upgrades {
		in.generations[u.gen] = true
	}
	return in
}
