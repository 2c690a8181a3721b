package supervisor

import (
	"os"
	"time"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/listen"
)

// listener is a socket of the master, which worker processes inherit. address
// is the host as the Spec has it.
type listener struct {
	*listen.Socket
	address string

	// Of a socket that belongs to a slot, see reuseport.go.
	lentTo  *process  // who accepts while the slot has nobody who does
	closeAt time.Time // zero: it stays
}

// open makes a listener that nobody has yet.
func (s *Supervisor) open(a listen.Address) (*listener, error) {
	socket, err := s.sys.open(a)
	if err != nil {
		return nil, err
	}
	return &listener{Socket: socket, address: a.Host}, nil
}

// addressOf is what a Spec wants to be opened, under the name that its author
// gave it.
func addressOf(spec ipc.Spec) listen.Address {
	return listen.Address{
		Name: spec.Listen, Network: spec.Network, Host: spec.Host, Backlog: spec.Backlog,
		ReusePort: spec.ReusePort,
	}
}

// ownerOf is whom the socket files of a user's Workers belong to; nil for the
// master's own.
func ownerOf(id *identity) *listen.Owner {
	if id == nil {
		return nil
	}
	return &listen.Owner{UID: id.uid, GID: id.gid}
}

// giveSockets makes the files of Unix sockets belong to the users that the
// Workers have now.
func (s *Supervisor) giveSockets() {
	for _, u := range s.units {
		if u.lis == nil || u.lis.File == nil {
			continue
		}
		owner := ownerOf(u.ident)
		if owner == nil { // it may have had one before
			owner = &listen.Owner{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}
		}
		if err := u.lis.File.Give(owner); err != nil {
			s.logf("socket %s stays with its owner: %v", u.lis.address, err)
		}
	}
}
