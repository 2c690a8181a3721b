package chat

import (
	"fmt"

	"github.com/workerman-go/wm/gateway"
)

// send passes on what a script says to everybody, to a room or to one visitor.
// Scripts are whoever reaches the text port, which is open to this machine only:
// one line of JSON each, and one in return.
func send(e *gateway.Event, q question) {
	if e.Server.GatewayPort != port(where().text) {
		e.Send(problem(`there is no type "send"`))
		return
	}
	notice := news{
		Type: "notice", Name: line(q.Name), RoomID: q.RoomID, ToUID: q.ToUID,
		Content: content(q.Content), Time: now(),
	}
	if !within(notice.Content, maxContent) || notice.Name != "" && !within(notice.Name, maxName) {
		e.Send(problem(fmt.Sprintf("content has 1 to %d characters, and name no more than %d",
			maxContent, maxName)))
		return
	}
	if err := deliver(e.ClientID, notice); err != nil {
		e.Send(problem(err.Error()))
		return
	}
	e.Send(news{Type: "sent", Time: notice.Time})
}

// deliver sends a notice to whom it names. A script does not hear itself.
func deliver(script string, notice news) error {
	switch {
	case notice.ToUID != "":
		return gateway.SendToUID(notice.ToUID, notice)
	case notice.RoomID != "":
		return gateway.SendToGroup(notice.RoomID, notice)
	}
	return gateway.SendTo(gateway.Target{All: true, Exclude: []string{script}}, notice)
}
