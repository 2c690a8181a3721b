package gateway_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/workerman-go/wm/gateway"
	"github.com/workerman-go/wm/timer"
	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

// startLobby is the app on the page, and nothing else.
func startLobby() {
	b := gateway.NewBusinessWorker()
	b.Name, b.Count = "Lobby", 3
	b.Concurrency = 8 // questions and a database may block
	b.OnWorkerStart = func(w *worker.Worker) error {
		if w.ID == 0 { // of one of the three processes
			timer.Add(time.Second, func() {
				gateway.SendToGroup("clock", time.Now().Format(time.TimeOnly))
			})
		}
		return nil
	}
	b.OnWebSocketConnect = func(e *gateway.Event, h gateway.Handshake) {
		token, _ := h.Get["token"].(string)
		uid, ok := strings.CutPrefix(token, "secret-") // ask your database instead
		if !ok {
			e.Close("who are you?")
			return
		}
		gateway.BindUID(e.ClientID, uid)
		clients, _ := gateway.ClientIDByUID(uid)
		for _, id := range clients {
			if id != e.ClientID { // the same player, elsewhere
				gateway.CloseClient(id, "you have come in by another door")
			}
		}
		e.Session.Set("uid", uid)
		e.Send("welcome " + uid)
	}
	b.OnMessage = func(e *gateway.Event, message []byte) {
		uid := e.Session.String("uid")
		what, room, _ := strings.Cut(string(message), " ")
		switch {
		case uid == "": // refused, and not gone yet
		case what == "rooms":
			counts, _ := gateway.AllGroupClientIDCount()
			e.Send(counts)
		case what == "join":
			if err := gateway.JoinGroup(e.ClientID, room); err != nil {
				e.Send(err.Error())
			}
		default:
			others := gateway.Target{Groups: []string{room}, Exclude: []string{e.ClientID}}
			gateway.SendTo(others, uid+": "+what)
		}
	}
}

// player is a visitor of the lobby.
type player struct {
	t    *testing.T
	conn *websocket.Conn
}

func enterLobby(t *testing.T, s *wmtest.Service, token string) *player {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), "ws://"+s.Addr("Gateway")+"/?token="+token, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	return &player{t, conn}
}

func (p *player) say(text string) {
	p.t.Helper()
	if err := p.conn.Write(p.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

// hears expects the next message; "" is the end.
func (p *player) hears(want string) {
	p.t.Helper()
	_, got, err := p.conn.Read(p.t.Context())
	if string(got) != want || (err != nil) != (want == "") {
		p.t.Fatalf("heard %q, %v, want %q", got, err, want)
	}
}

func TestTheLobbyOnThePage(t *testing.T) {
	s := wmtest.Run(t, func() {
		gateway.NewRegister("text://127.0.0.1:1236")
		gateway.New("websocket://127.0.0.1:7272")
		startLobby()
	})
	eve := enterLobby(t, s, "none")
	eve.hears("who are you?")
	eve.hears("")

	ann, bob := enterLobby(t, s, "secret-ann"), enterLobby(t, s, "secret-bob")
	ann.hears("welcome ann")
	bob.hears("welcome bob")
	ann.say("join chess")
	ann.say("rooms")
	ann.hears(`{"chess":1}`)
	bob.say("join chess")
	bob.say("hello chess")
	ann.hears("bob: hello")
	bob.say("join 0")
	bob.hears(`gateway: a group must be UTF-8, not empty and not "0": "0"`)

	again := enterLobby(t, s, "secret-bob")
	again.hears("welcome bob")
	bob.hears("you have come in by another door")
	bob.hears("")

	ann.say("join clock")
	ann.say("rooms")
	ann.hears(`{"chess":1,"clock":1}`)
	s.Advance(time.Second)
	if _, clock, err := ann.conn.Read(t.Context()); err != nil || strings.Count(string(clock), ":") != 2 {
		t.Errorf("the clock says %q, %v", clock, err)
	}
}

func TestTheLobbyIsTheOneOnThePage(t *testing.T) {
	page, err := os.ReadFile("../docs/gateway.md")
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.ReadFile("lobby_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, app, _ := strings.Cut(string(page), "\nfunc Start() {\n\tb := ")
	app, _, _ = strings.Cut(app, "\n}\n")
	if app == "" || !strings.Contains(string(here), app) {
		t.Errorf("startLobby differs from the page:\n%s", app)
	}
}
