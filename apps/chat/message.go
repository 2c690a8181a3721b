package chat

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of what a visitor may send.
const (
	maxMessageBytes = 16 << 10 // of JSON; it may have twelve bytes for a character
	maxName         = 20       // characters of a name, and of a room
	maxContent      = 1000     // characters
	maxKey          = 64       // bytes
	maxUsers        = 500      // of a list; a room may have more
)

// defaultRoom is where those go who name none.
const defaultRoom = "lobby"

// question is what comes in. Of the types
//
//	login      name, room_id, key   come in, go to another room, change the name
//	say        to_uid, content      "all" or empty is everybody in the room
//	user_list                       who is here
//	logout                          leave
//	send       content, and one of room_id and to_uid: only for scripts
//
// and of ping and pong each takes what is named. Whoever logs in with a key, a
// secret of its own, has the same uid again: after a break, and in other rooms.
type question struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	RoomID  string `json:"room_id"`
	Key     string `json:"key"`
	ToUID   string `json:"to_uid"`
	Content string `json:"content"`
}

// user is an entry of the list.
type user struct {
	UID  string `json:"uid"`
	Name string `json:"name"`
}

// userList answers a login, and user_list; UID is the asker's own.
type userList struct {
	Type     string `json:"type"`
	UID      string `json:"uid"`
	RoomID   string `json:"room_id"`
	Count    int    `json:"count"` // of the room, which may be more than the list has
	UserList []user `json:"user_list"`
}

// news is all else that goes out: of a login and a logout, what somebody said
// (From), a notice from outside the rooms, an error in what came in.
type news struct {
	Type     string `json:"type"`
	UID      string `json:"uid,omitempty"`
	Name     string `json:"name,omitempty"`
	FromUID  string `json:"from_uid,omitempty"`
	FromName string `json:"from_name,omitempty"`
	ToUID    string `json:"to_uid,omitempty"`
	RoomID   string `json:"room_id,omitempty"`
	Content  string `json:"content,omitempty"`
	Time     string `json:"time,omitempty"`
}

// problem is an answer to something that cannot be done.
func problem(text string) news { return news{Type: "error", Content: text} }

// now is the time as the messages have it.
func now() string { return time.Now().Format(time.DateTime) }

// read is strict about the form and not about unknown fields.
func read(message []byte) (q question, err error) {
	err = json.Unmarshal(message, &q)
	return q, err
}

// line makes a name of what was typed: one line of what can be seen.
func line(text string) string {
	seen := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r): // among them those that turn the direction
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.Join(strings.Fields(seen), " ")
}

// content drops control characters but for new lines and tabs.
func content(text string) string {
	seen := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(seen)
}

// within says that a text is not empty and not too long.
func within(text string, most int) bool {
	return text != "" && utf8.RuneCountInString(text) <= most
}
