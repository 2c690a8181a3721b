package chat

import (
	"bufio"
	"encoding/json"
	"net"
	"testing"
	"time"

	"github.com/workerman-go/wm/wmtest"
)

// limit is how long a message may take that should come at once.
const limit = 20 * time.Second

// start is the whole chat.
func start() {
	StartRegister()
	StartGateway()
	StartBusinessWorker()
	StartWebServer()
}

// serve runs the chat. Whoever comes through the text port is a script, as long as
// the port is where the chat says.
func serve(t *testing.T) *wmtest.Service {
	t.Helper()
	s := wmtest.Run(t, start)
	t.Setenv("WM_CHAT_TEXT", s.Addr("ChatText"))
	t.Setenv("WM_CHAT_WEBSOCKET", s.Addr("ChatGateway"))
	return s
}

// person is a visitor on the text port, where the messages are those of browsers.
type person struct {
	t     *testing.T
	conn  net.Conn
	lines *bufio.Scanner
	name  string
	uid   string
}

// message is any that comes.
type message struct {
	news
	Count    int    `json:"count"`
	UserList []user `json:"user_list"`
}

func connect(t *testing.T, s *wmtest.Service) *person {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr("ChatText"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &person{t: t, conn: conn, lines: bufio.NewScanner(conn)}
}

// enter logs a new person in, and takes what it and nobody else is told.
func enterAs(t *testing.T, s *wmtest.Service, name, room string) *person {
	t.Helper()
	p := connect(t, s)
	p.send(question{Type: "login", Name: name, RoomID: room})
	list := p.next("user_list")
	p.name, p.uid = name, list.UID
	if m := p.next("login"); m.UID != p.uid || m.Name != name || m.RoomID != list.RoomID {
		t.Fatalf("%s is told of the login %+v", name, m)
	}
	return p
}

func (p *person) send(q question) {
	p.t.Helper()
	line, err := json.Marshal(q)
	if err != nil {
		p.t.Fatal(err)
	}
	p.sendLine(string(line))
}

func (p *person) sendLine(line string) {
	p.t.Helper()
	if _, err := p.conn.Write([]byte(line + "\n")); err != nil {
		p.t.Fatal(err)
	}
}

// next is the next message, which has to be of a type.
func (p *person) next(kind string) message {
	p.t.Helper()
	p.conn.SetReadDeadline(time.Now().Add(limit))
	if !p.lines.Scan() {
		p.t.Fatalf("%s waits for %s: %v", p.name, kind, p.lines.Err())
	}
	var m message
	if err := json.Unmarshal(p.lines.Bytes(), &m); err != nil || m.Type != kind {
		p.t.Fatalf("%s waits for %s and gets %s (%v)", p.name, kind, p.lines.Text(), err)
	}
	return m
}

// hears checks that the next message is what somebody says.
func (p *person) hears(from *person, to, text string) {
	p.t.Helper()
	m := p.next("say")
	if m.FromUID != from.uid || m.FromName != from.name || m.ToUID != to || m.Content != text {
		p.t.Errorf("%s hears %+v, want %q of %s to %s", p.name, m.news, text, from.name, to)
	}
	if _, err := time.ParseInLocation(time.DateTime, m.Time, time.Local); err != nil {
		p.t.Error(err)
	}
}

// gone reads to the end of the connection.
func (p *person) gone() {
	p.t.Helper()
	p.conn.SetReadDeadline(time.Now().Add(limit))
	if p.lines.Scan() {
		p.t.Errorf("%s gets %s instead of the end", p.name, p.lines.Text())
	} else if err := p.lines.Err(); err != nil {
		p.t.Error(err)
	}
}
