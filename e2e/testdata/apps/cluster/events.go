package cluster

import (
	"encoding/json"
	"os"
	"slices"

	"github.com/workerman-go/wm/gateway"
)

// request is what a client sends: a command, a number that the answer repeats,
// and what the command needs.
type request struct {
	Command string `json:"c"`
	Number  int    `json:"n"`
	Text    string `json:"m"`
	ID      string `json:"id"`
	UID     string `json:"uid"`
	Group   string `json:"group"`
	Key     string `json:"key"`
	Value   any    `json:"value"`
}

type answer map[string]any

// commands answer a request; what they put into the answer goes out with it.
var commands = map[string]func(e *gateway.Event, r request, a answer) error{
	"count": count, "join": join, "leave": leave, "bind": bind, "unbind": unbind,
	"toall": toAll, "toclient": toClient, "touid": toUID, "togroup": toGroup,
	"set": set, "get": get, "update": update, "session": session,
	"echo": echo, "whoami": whoami, "isonline": isOnline, "online": online,
}

func onWebSocketConnect(e *gateway.Event, h gateway.Handshake) {
	e.Session.Set("ua", h.Get["t"])
}

// onMessage answers under the number that the message has.
func onMessage(e *gateway.Event, message []byte) {
	var r request
	if err := json.Unmarshal(message, &r); err != nil {
		e.Send(answer{"c": "bad", "error": err.Error()})
		return
	}
	if r.Command == "close" {
		if r.Text == "" {
			e.Close()
		} else {
			e.Close(r.Text)
		}
		return
	}
	do, known := commands[r.Command]
	if !known {
		e.Send(answer{"c": "bad"})
		return
	}
	a := answer{"c": r.Command}
	if r.Number != 0 {
		a["n"] = r.Number
	}
	if err := do(e, r, a); err != nil {
		a["error"] = err.Error()
	}
	say(e, a)
}

// say sends JSON that is text for every protocol.
func say(e *gateway.Event, a answer) {
	text, err := json.Marshal(a)
	if err == nil {
		e.Send(string(text))
	}
}

// onClose tells the group that the client had asked to watch.
func onClose(e *gateway.Event) {
	if group := e.Session.String("watch"); group != "" {
		left := answer{"c": "left", "id": e.ClientID, "count": e.Session.Int("count")}
		text, _ := json.Marshal(left)
		gateway.SendToGroup(group, string(text))
	}
}

func push(e *gateway.Event, r request) string {
	text, _ := json.Marshal(answer{"c": "push", "m": r.Text, "from": e.ClientID})
	return string(text)
}

// count has a number in the session, and says in which process.
func count(e *gateway.Event, _ request, a answer) error {
	e.Session.Set("count", e.Session.Int("count")+1)
	a["count"], a["pid"] = e.Session.Int("count"), os.Getpid()
	return nil
}

func join(e *gateway.Event, r request, a answer) error {
	if err := gateway.JoinGroup(e.ClientID, r.Group); err != nil {
		return err
	}
	return members(e, r, a)
}

func leave(e *gateway.Event, r request, a answer) error {
	if err := gateway.LeaveGroup(e.ClientID, r.Group); err != nil {
		return err
	}
	return members(e, r, a)
}

func members(e *gateway.Event, r request, a answer) error {
	list, err := gateway.ClientSessionsByGroup(r.Group)
	a["sees"] = slices.ContainsFunc(list, func(s gateway.ClientSession) bool {
		return s.ClientID == e.ClientID
	})
	a["size"] = len(list)
	return err
}

func bind(e *gateway.Event, r request, a answer) error {
	if err := gateway.BindUID(e.ClientID, r.UID); err != nil {
		return err
	}
	list, err := gateway.ClientIDByUID(r.UID)
	a["sees"], a["size"] = slices.Contains(list, e.ClientID), len(list)
	return err
}

func unbind(e *gateway.Event, r request, a answer) error {
	if err := gateway.UnbindUID(e.ClientID, r.UID); err != nil {
		return err
	}
	list, err := gateway.ClientIDByUID(r.UID)
	a["size"] = len(list)
	return err
}

func echo(_ *gateway.Event, r request, a answer) error {
	a["m"], a["pid"] = r.Text, os.Getpid()
	return nil
}

func toAll(e *gateway.Event, r request, _ answer) error {
	return gateway.SendToAll(push(e, r))
}

func toClient(e *gateway.Event, r request, _ answer) error {
	return gateway.SendToClient(r.ID, push(e, r))
}

func toUID(e *gateway.Event, r request, _ answer) error {
	return gateway.SendToUID(r.UID, push(e, r))
}

func toGroup(e *gateway.Event, r request, _ answer) error {
	return gateway.SendToGroup(r.Group, push(e, r))
}

func set(e *gateway.Event, r request, _ answer) error {
	e.Session.Set(r.Key, r.Value)
	return nil
}

func get(e *gateway.Event, r request, a answer) error {
	a["value"] = e.Session.Get(r.Key)
	return nil
}

func session(e *gateway.Event, _ request, a answer) error {
	a["value"] = e.Session
	return nil
}

func update(_ *gateway.Event, r request, _ answer) error {
	return gateway.UpdateSession(r.ID, map[string]any{r.Key: r.Value})
}

func whoami(e *gateway.Event, _ request, a answer) error {
	a["id"], a["addr"], a["port"] = e.ClientID, e.Server.RemoteAddr, e.Server.RemotePort
	a["gaddr"], a["gport"] = e.Server.GatewayAddr, e.Server.GatewayPort
	return nil
}

func isOnline(_ *gateway.Event, r request, a answer) (err error) {
	a["online"], err = gateway.IsOnline(r.ID)
	return err
}

func online(_ *gateway.Event, _ request, a answer) (err error) {
	if a["count"], err = gateway.AllClientCount(); err != nil {
		return err
	}
	a["ids"], err = gateway.AllClientIDList()
	return err
}
