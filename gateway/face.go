package gateway

import (
	"net/netip"

	"github.com/workerman-go/wm/gateway/wire"
)

// faces are the clients that events came of lately: those who talk do it again, and
// what the author gets to know of them need not be made anew. The zero
// value knows nobody. Owned by the loop.
type faces struct{ known []face }

// face is what an event says of its client.
type face struct {
	id      wire.ClientID
	ip      netip.Addr
	name    string // id, as authors have it
	remote  string // ip
	session string
}

const (
	// maxFaces is how many clients are remembered.
	maxFaces = 1024
	// maxFaceSession is the longest session that is remembered with one.
	maxFaceSession = 1 << 10
)

// look fills in what a says of its client, and returns the session that has come with
// it.
func (t *faces) look(a *arrival, ext []byte) (session string) {
	if t.known == nil {
		t.known = make([]face, maxFaces)
	}
	f := &t.known[a.client%maxFaces] // they are numbered one after another
	if id := a.id(); f.id != id {
		*f = face{id: id, name: id.String()}
	}
	if f.ip != a.ip {
		f.ip, f.remote = a.ip, a.ip.String()
	}
	a.name, a.remote = f.name, f.remote
	if session = f.session; session != string(ext) {
		session = string(ext)
		f.session = ""
		if len(session) <= maxFaceSession {
			f.session = session
		}
	}
	return session
}
