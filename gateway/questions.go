package gateway

import (
	"fmt"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
)

// questionFunc appends the answer to what a packet asks. With an error the answer is
// that of a Gateway which knows nobody.
type questionFunc func(t *clients, pk wire.Packet, dst []byte) ([]byte, error)

// questions has all that have an answer (wire.md 2.4, 2.8).
var questions = [...]questionFunc{
	wire.IsOnline:                   isOnline,
	wire.GetSessionByClientID:       sessionByClientID,
	wire.GetAllClientSessions:       allClientSessions,
	wire.GetClientSessionsByGroup:   clientSessionsByGroup,
	wire.GetClientCountByGroup:      clientCountByGroup,
	wire.BatchGetClientCountByGroup: batchClientCountByGroup,
	wire.GetClientIDByUID:           clientIDByUID,
	wire.BatchGetClientIDByUID:      batchClientIDByUID,
	wire.GetGroupIDList:             groupIDList,
	wire.Select:                     selectClients,
}

// maxKeptAnswer is up to how many bytes the memory of an answer is kept for the
// next one.
const maxKeptAnswer = 64 << 10

// answer answers a question.
func (p *process) answer(pk wire.Packet, reply func(value []byte)) error {
	t := &p.clients
	memory := t.answers
	t.answers = nil // reply may be the way to another question
	value, err := questions[pk.Command](t, pk, memory[:0])
	reply(value)
	if cap(value) <= maxKeptAnswer {
		t.answers = value
	}
	if err != nil {
		return fmt.Errorf("question %d: %w", pk.Command, err)
	}
	return nil
}

func isOnline(t *clients, pk wire.Packet, dst []byte) ([]byte, error) {
	if t.byID(pk.ConnectionID) == nil {
		return appendInt(dst, 0), nil
	}
	return appendInt(dst, 1), nil
}

// sessionByClientID answers null for a client that is gone and an empty array for
// one without a session.
func sessionByClientID(t *clients, pk wire.Packet, dst []byte) ([]byte, error) {
	c := t.byID(pk.ConnectionID)
	switch {
	case c == nil:
		return phpserialize.AppendNull(dst), nil
	case c.sessionless():
		return appendNone(dst), nil
	}
	return append(dst, c.session...), nil
}

func allClientSessions(t *clients, _ wire.Packet, dst []byte) ([]byte, error) {
	dst = phpserialize.AppendArrayHead(dst, t.len())
	for c := range t.each() {
		dst = phpserialize.AppendString(appendInt(dst, int(c.id)), c.session)
	}
	return phpserialize.AppendArrayEnd(dst), nil
}

func clientSessionsByGroup(t *clients, pk wire.Packet, dst []byte) ([]byte, error) {
	group := named(t.groups, pk.Ext)
	dst = phpserialize.AppendArrayHead(dst, group.len())
	for c := range group.each() {
		dst = phpserialize.AppendString(appendInt(dst, int(c.id)), c.session)
	}
	return phpserialize.AppendArrayEnd(dst), nil
}

// clientCountByGroup counts everybody when no group is named.
func clientCountByGroup(t *clients, pk wire.Packet, dst []byte) ([]byte, error) {
	if len(pk.Ext) == 0 {
		return appendInt(dst, t.len()), nil
	}
	return appendInt(dst, named(t.groups, pk.Ext).len()), nil
}

func batchClientCountByGroup(t *clients, pk wire.Packet, dst []byte) ([]byte, error) {
	return appendForEach(dst, pk.Ext, func(dst []byte, group string) []byte {
		return appendInt(dst, t.groups[group].len())
	})
}

func clientIDByUID(t *clients, pk wire.Packet, dst []byte) ([]byte, error) {
	return appendNumbers(dst, named(t.uids, pk.Ext)), nil
}

func batchClientIDByUID(t *clients, pk wire.Packet, dst []byte) ([]byte, error) {
	return appendForEach(dst, pk.Ext, func(dst []byte, uid string) []byte {
		return appendNumbers(dst, t.uids[uid])
	})
}

// groupIDList has the names of groups that are numbers as numbers: PHP has them
// from the keys of an array.
func groupIDList(t *clients, _ wire.Packet, dst []byte) ([]byte, error) {
	dst = phpserialize.AppendArrayHead(dst, t.listed.n)
	i := 0
	for group := range t.listed.each((*members).inListed) {
		dst = appendKey(appendInt(dst, i), group.name)
		i++
	}
	return phpserialize.AppendArrayEnd(dst), nil
}

// appendNumbers appends the list of the numbers of clients.
func appendNumbers(dst []byte, s *members) []byte {
	dst = phpserialize.AppendArrayHead(dst, s.len())
	i := 0
	for c := range s.each() {
		dst = appendInt(appendInt(dst, i), int(c.id))
		i++
	}
	return phpserialize.AppendArrayEnd(dst)
}

// appendForEach appends an array with a value for each of the names in ext; one
// that comes twice is in it once.
func appendForEach(dst, ext []byte, value func(dst []byte, name string) []byte) ([]byte, error) {
	names, err := wire.ParseStrings(ext)
	if err != nil {
		return appendNone(dst), err
	}
	names = once(names)
	dst = phpserialize.AppendArrayHead(dst, len(names))
	for _, name := range names {
		dst = value(appendKey(dst, name), name)
	}
	return phpserialize.AppendArrayEnd(dst), nil
}

// appendNone appends the empty array.
func appendNone(dst []byte) []byte {
	return phpserialize.AppendArrayEnd(phpserialize.AppendArrayHead(dst, 0))
}

func appendInt(dst []byte, n int) []byte { return phpserialize.AppendInt(dst, int64(n)) }

// appendKey appends a name as PHP has it when it is the key of an array: one that is
// a number is an integer there.
func appendKey(dst []byte, name string) []byte {
	return phpserialize.AppendKey(dst, phpserialize.KeyOf(name))
}
