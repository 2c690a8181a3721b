package gateway

import (
	"errors"
	"fmt"

	"github.com/workerman-go/wm/gateway/phpserialize"
	"github.com/workerman-go/wm/gateway/wire"
)

// What execute refuses beside ext data and bodies that cannot be read.
var (
	errCommand = errors.New("gateway: unknown command")
	errName    = errors.New(`gateway: uid or group is empty or "0"`)
	errSession = errors.New("gateway: a session that does not fit into the packets of its client")
)

// commandFunc does what a packet asks for.
type commandFunc func(p *process, pk wire.Packet) error

// commands has all that have no answer (wire.md 2.4); questions has the others.
var commands = [...]commandFunc{
	wire.SendToOne:     sendToOne,
	wire.SendToAll:     sendToAll,
	wire.SendToUID:     sendToUID,
	wire.SendToGroup:   sendToGroup,
	wire.Kick:          kick,
	wire.Destroy:       ofClient(destroy),
	wire.UpdateSession: ofClient(updateSession),
	wire.SetSession:    ofClient(setSession),
	wire.BindUID:       ofClient(bindUID),
	wire.UnbindUID:     ofClient(unbindUID),
	wire.JoinGroup:     ofClient(joinGroup),
	wire.LeaveGroup:    ofClient(leaveGroup),
	wire.Ungroup:       ungroup,
}

// execute does what an authorised peer asks for. reply sends the serialised value
// that answers a question: it is called once for each question, before execute
// returns, also when there is an error, because PHP peers wait for an answer; and
// never for what has none. value is valid during the call only, and pk during that
// of execute. An error is about this packet alone: it did nothing, or not for all,
// and is worth a line in the log, while the link is sound and goes on, as the
// packet was as long as it said (wire.md 5.5).
func (p *process) execute(pk wire.Packet, reply func(value []byte)) error {
	if int(pk.Command) < len(questions) && questions[pk.Command] != nil {
		return p.answer(pk, reply)
	}
	if int(pk.Command) < len(commands) && commands[pk.Command] != nil {
		if err := commands[pk.Command](p, pk); err != nil {
			return fmt.Errorf("command %d: %w", pk.Command, err)
		}
		return nil
	}
	return fmt.Errorf("%w %d", errCommand, pk.Command)
}

// ofClient is a command for the client that the packet names; of one that is gone
// nobody hears.
func ofClient(do func(t *clients, c *client, ext []byte) error) commandFunc {
	return func(p *process, pk wire.Packet) error {
		if c := p.clients.byID(pk.ConnectionID); c != nil {
			return do(&p.clients, c, pk.Ext)
		}
		return nil
	}
}

func sendToOne(p *process, pk wire.Packet) error {
	c := p.clients.byID(pk.ConnectionID)
	if c == nil {
		return nil
	}
	m, err := outgoingOf(pk)
	if err != nil {
		return err
	}
	m.send(&p.clients, c)
	return m.err
}

// sendToAll never takes ext data that it cannot read for everybody, as PHP does.
func sendToAll(p *process, pk wire.Packet) error {
	to, err := wire.ParseToAll(pk.Ext)
	if err != nil {
		return err
	}
	m, err := outgoingOf(pk)
	if err != nil {
		return err
	}
	if to.Only {
		for _, id := range to.Connections {
			if c := p.clients.byID(id); c != nil {
				m.send(&p.clients, c)
			}
		}
		return m.err
	}
	but := exclusion(to.Exclude)
	for c := range p.clients.each() {
		if !but[c.id] {
			m.send(&p.clients, c)
		}
	}
	return m.err
}

// sendToUID sends once for each time that a client is named.
func sendToUID(p *process, pk wire.Packet) error {
	uids, err := wire.ParseStrings(pk.Ext)
	if err != nil {
		return err
	}
	m, err := outgoingOf(pk)
	if err != nil {
		return err
	}
	for _, uid := range uids {
		for c := range p.clients.uids[uid].each() {
			m.send(&p.clients, c)
		}
	}
	return m.err
}

// sendToGroup sends twice to a client in two of the groups.
func sendToGroup(p *process, pk wire.Packet) error {
	to, err := wire.ParseToGroup(pk.Ext)
	if err != nil {
		return err
	}
	m, err := outgoingOf(pk)
	if err != nil {
		return err
	}
	but := exclusion(to.Exclude)
	for _, group := range to.Groups {
		for c := range p.clients.groups[group].each() {
			if !but[c.id] {
				m.send(&p.clients, c)
			}
		}
	}
	return m.err
}

// exclusion is a set of connection ids; nil is empty.
func exclusion(ids []uint32) map[uint32]bool {
	if len(ids) == 0 {
		return nil
	}
	set := make(map[uint32]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// kick closes a client when everything was sent, its farewell last. null is no
// farewell, an empty message is one.
func kick(p *process, pk wire.Packet) error {
	c := p.clients.byID(pk.ConnectionID)
	if c == nil {
		return nil
	}
	m, err := outgoingOf(pk)
	if err != nil {
		return err
	}
	if !m.null() {
		m.send(&p.clients, c)
	}
	c.conn.Close()
	return m.err
}

func destroy(_ *clients, c *client, _ []byte) error {
	c.conn.Destroy()
	return nil
}

// maxSession leaves room for the header of an event: that a client has gone can always
// be told.
const maxSession = wire.MaxPacketBytes - innerOverhead

func setSession(_ *clients, c *client, ext []byte) error {
	if c.session == string(ext) {
		return nil
	}
	return c.store(string(ext))
}

// store makes session that of c, unless it is too large.
func (c *client) store(session string) error {
	if len(session) > maxSession {
		return fmt.Errorf("%w: %d bytes, at most %d", errSession, len(session), maxSession)
	}
	c.session = session
	return nil
}

// updateSession merges ext into the session; where there is none it is ext. With an
// error the session stays as it was.
func updateSession(_ *clients, c *client, ext []byte) error {
	merged, err := phpserialize.MergeSession(c.session, string(ext))
	if err != nil {
		return err
	}
	return c.store(merged)
}

// sessionless says that PHP would call the session empty.
func (c *client) sessionless() bool { return c.session == "" || c.session == "0" }

// nameless says that PHP would call a uid or a group empty.
func nameless(name []byte) bool { return len(name) == 0 || len(name) == 1 && name[0] == '0' }

func bindUID(t *clients, c *client, uid []byte) error {
	if nameless(uid) {
		return errName
	}
	t.bind(c, uid)
	return nil
}

// unbindUID takes away whatever uid there is.
func unbindUID(t *clients, c *client, _ []byte) error {
	t.unbind(c)
	return nil
}

func joinGroup(t *clients, c *client, group []byte) error {
	if nameless(group) {
		return errName
	}
	t.join(c, group)
	return nil
}

func leaveGroup(t *clients, c *client, group []byte) error {
	if nameless(group) {
		return errName
	}
	t.leave(c, group)
	return nil
}

func ungroup(p *process, pk wire.Packet) error {
	if nameless(pk.Ext) {
		return errName
	}
	p.clients.ungroup(pk.Ext)
	return nil
}
