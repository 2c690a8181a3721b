package chat

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/workerman-go/wm/gateway"
	"github.com/workerman-go/wm/worker"
)

// The session of a visitor, which the Gateway keeps; empty before the login.
const (
	sessionUID  = "uid"
	sessionName = "name"
	sessionRoom = "room_id"
)

// onMessage is called with what a visitor, or a script, has sent.
func onMessage(e *gateway.Event, message []byte) {
	q, err := read(message)
	if err != nil {
		e.Send(problem("this is no message: send an object of JSON with a type"))
		return
	}
	switch q.Type {
	case "login":
		login(e, q)
	case "say":
		say(e, q)
	case "user_list":
		users(e)
	case "logout":
		leave(e)
		e.Close()
	case "send":
		send(e, q)
	case "ping":
		e.Send(news{Type: "pong"})
	case "pong": // that the visitor lives has been noted by the Gateway
	default:
		e.Send(problem(fmt.Sprintf("there is no type %.20q", q.Type)))
	}
}

// onClose is called when a visitor has gone.
func onClose(e *gateway.Event) {
	uid, room := e.Session.String(sessionUID), e.Session.String(sessionRoom)
	if room == "" {
		return
	}
	if back, err := gateway.IsUIDOnline(uid); err == nil && back {
		return // with another connection, before this one was found dead
	}
	farewell(room, uid, e.Session.String(sessionName))
}

// login lets a visitor into a room, and out of the one before.
func login(e *gateway.Event, q question) {
	name, room := line(q.Name), line(q.RoomID)
	if room == "" {
		room = defaultRoom
	}
	switch {
	case !within(name, maxName):
		e.Send(problem(fmt.Sprintf("a name has 1 to %d characters", maxName)))
		return
	case !within(room, maxName) || room == "0": // no group is called 0
		e.Send(problem(fmt.Sprintf("a room has a name of 1 to %d characters", maxName)))
		return
	case len(q.Key) > maxKey:
		e.Send(problem(fmt.Sprintf("a key has no more than %d bytes", maxKey)))
		return
	}
	uid := uidOf(e, q.Key)
	if old := e.Session.String(sessionRoom); old != "" &&
		(old != room || e.Session.String(sessionUID) != uid) {
		leave(e)
	}
	enter(e, user{uid, name}, room)
}

// uidOf is who the visitor is: the same for the same key, which nobody can find
// from it; without a key somebody new.
func uidOf(e *gateway.Event, key string) string {
	if key != "" {
		sum := sha256.Sum256([]byte(key))
		return hex.EncodeToString(sum[:8])
	}
	if uid := e.Session.String(sessionUID); uid != "" {
		return uid
	}
	var fresh [8]byte
	rand.Read(fresh[:])
	return hex.EncodeToString(fresh[:])
}

// enter makes a visitor one of a room, and tells it and the others.
func enter(e *gateway.Event, u user, room string) {
	session := map[string]any{sessionUID: u.UID, sessionName: u.Name, sessionRoom: room}
	for _, key := range []string{sessionUID, sessionName, sessionRoom} {
		e.Session.Set(key, session[key])
	}
	// The session of the event goes to the Gateway when the handler has returned.
	// This one is there before the group is joined, so that whoever lists the
	// room from now on sees a name.
	err := gateway.SetSession(e.ClientID, session)
	if err == nil {
		err = gateway.BindUID(e.ClientID, u.UID)
	}
	if err == nil {
		err = gateway.JoinGroup(e.ClientID, room)
	}
	if err != nil {
		worker.Log("chat: login of %s: %v", e.ClientID, err)
		e.Send(problem("the room cannot be entered now, try again"))
		return
	}
	displace(e, u, room)
	users(e)
	gateway.SendToGroup(room, news{
		Type: "login", UID: u.UID, Name: u.Name, RoomID: room, Time: now(),
	})
}

// displace closes what the same visitor has open elsewhere: mostly connections
// that broke and do not know it yet.
func displace(e *gateway.Event, u user, room string) {
	others, err := gateway.ClientIDByUID(u.UID)
	if err != nil {
		worker.Log("chat: other clients of uid %s: %v", u.UID, err)
	}
	for _, id := range others {
		if id == e.ClientID {
			continue
		}
		s, err := gateway.SessionOf(id)
		if err == nil && s != nil && s.String(sessionRoom) != room {
			farewell(s.String(sessionRoom), u.UID, s.String(sessionName))
		}
		gateway.CloseClient(id, news{Type: "displaced"})
	}
}

// say passes on what a visitor says, to the room or to one of it.
func say(e *gateway.Event, q question) {
	room, uid := e.Session.String(sessionRoom), e.Session.String(sessionUID)
	said := news{
		Type: "say", FromUID: uid, FromName: e.Session.String(sessionName),
		ToUID: "all", RoomID: room, Content: content(q.Content), Time: now(),
	}
	switch {
	case room == "":
		e.Send(problem("log in first"))
	case !within(said.Content, maxContent):
		e.Send(problem(fmt.Sprintf("a message has 1 to %d characters", maxContent)))
	case q.ToUID == "" || q.ToUID == "all":
		gateway.SendToGroup(room, said)
	default:
		said.ToUID, said.RoomID = q.ToUID, ""
		whisper(e, said)
	}
}

// whisper passes on what only one may hear; the speaker sees it too.
func whisper(e *gateway.Event, said news) {
	online, err := gateway.IsUIDOnline(said.ToUID)
	if err == nil && !online {
		gone := problem("nobody has heard that: gone")
		gone.ToUID = said.ToUID
		e.Send(gone)
		return
	}
	gateway.SendToUID(said.ToUID, said)
	if said.ToUID != said.FromUID {
		e.Send(said)
	}
}

// users tells a visitor who is in its room.
func users(e *gateway.Event) {
	room := e.Session.String(sessionRoom)
	if room == "" {
		e.Send(problem("log in first"))
		return
	}
	all, err := gateway.ClientSessionsByGroup(room)
	if err != nil { // without those of the Gateways that do not answer
		worker.Log("chat: users of room %q: %v", room, err)
	}
	list := userList{
		Type: "user_list", UID: e.Session.String(sessionUID), RoomID: room,
		Count: len(all), UserList: []user{},
	}
	listed := make(map[string]bool)
	for _, c := range all {
		u := user{c.Session.String(sessionUID), c.Session.String(sessionName)}
		if u.UID != "" && !listed[u.UID] && len(listed) < maxUsers {
			listed[u.UID] = true
			list.UserList = append(list.UserList, u)
		}
	}
	e.Send(list)
}

// leave takes a visitor out of its room.
func leave(e *gateway.Event) {
	room := e.Session.String(sessionRoom)
	if room == "" {
		return
	}
	gateway.LeaveGroup(e.ClientID, room)
	farewell(room, e.Session.String(sessionUID), e.Session.String(sessionName))
	e.Session.Delete(sessionRoom)
}

// farewell tells a room that somebody has left it.
func farewell(room, uid, name string) {
	if room == "" {
		return
	}
	gateway.SendToGroup(room, news{
		Type: "logout", UID: uid, Name: name, RoomID: room, Time: now(),
	})
}
