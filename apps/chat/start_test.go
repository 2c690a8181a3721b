package chat

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestWhoComesSeesWhoIsThere(t *testing.T) {
	s := serve(t)
	tom := enterAs(t, s, "tom", "")
	ann := enterAs(t, s, "ann", "lobby")
	if m := tom.next("login"); m.Name != "ann" || m.UID != ann.uid || m.RoomID != "lobby" {
		t.Errorf("tom is told %+v", m.news)
	}
	tom.send(question{Type: "user_list"})
	m := tom.next("user_list")
	want := []user{{tom.uid, "tom"}, {ann.uid, "ann"}}
	if !slices.Equal(m.UserList, want) || m.Count != 2 || m.UID != tom.uid || m.RoomID != "lobby" {
		t.Errorf("the list is %+v, want %v", m, want)
	}
}

func TestSayToAllAndToOne(t *testing.T) {
	s := serve(t)
	tom := enterAs(t, s, "tom", "tea")
	ann := enterAs(t, s, "ann", "tea")
	tom.next("login")
	bob := enterAs(t, s, "bob", "tea")
	tom.next("login")
	ann.next("login")
	eve := enterAs(t, s, "eve", "coffee")

	tom.send(question{Type: "say", ToUID: "all", Content: "hi, <b>all</b> !"})
	for _, p := range []*person{tom, ann, bob} {
		p.hears(tom, "all", "hi, <b>all</b> !")
	}
	ann.send(question{Type: "say", ToUID: tom.uid, Content: "only for you"})
	tom.hears(ann, tom.uid, "only for you")
	ann.hears(ann, tom.uid, "only for you")

	// The next that bob and eve get is this: nothing came before it.
	bob.send(question{Type: "say", Content: "the last word"})
	bob.hears(bob, "all", "the last word")
	eve.send(question{Type: "say", Content: "nobody here"})
	eve.hears(eve, "all", "nobody here")
}

func TestWhoLeavesIsMissed(t *testing.T) {
	s := serve(t)
	tom := enterAs(t, s, "tom", "")
	ann := enterAs(t, s, "ann", "")
	tom.next("login")
	bob := enterAs(t, s, "bob", "")
	tom.next("login")
	ann.send(question{Type: "logout"})
	if m := tom.next("logout"); m.Name != "ann" || m.UID != ann.uid {
		t.Errorf("tom is told %+v", m.news)
	}
	bob.conn.Close()
	if m := tom.next("logout"); m.Name != "bob" || m.UID != bob.uid {
		t.Errorf("tom is told %+v", m.news)
	}
	tom.send(question{Type: "say", ToUID: bob.uid, Content: "still there?"})
	if m := tom.next("error"); m.ToUID != bob.uid {
		t.Errorf("a word to somebody who left: %+v", m.news)
	}
}

func TestAnotherRoomIsLeftForTheNextOne(t *testing.T) {
	s := serve(t)
	tom := enterAs(t, s, "tom", "tea")
	ann := enterAs(t, s, "ann", "tea")
	tom.next("login")
	ann.send(question{Type: "login", Name: "anna", RoomID: "coffee"})
	if m := tom.next("logout"); m.Name != "ann" || m.UID != ann.uid || m.RoomID != "tea" {
		t.Errorf("tom is told %+v", m.news)
	}
	if m := ann.next("user_list"); m.UID != ann.uid || m.Count != 1 || m.RoomID != "coffee" {
		t.Errorf("ann sees %+v", m)
	}
	if m := ann.next("login"); m.Name != "anna" {
		t.Errorf("ann is told %+v", m.news)
	}
}

// A key makes somebody who comes back the same person, and ends what was left of
// the connection before; the room does not notice.
func TestWhoComesBackWithTheKeyIsTheSame(t *testing.T) {
	s := serve(t)
	tom := enterAs(t, s, "tom", "")
	again := question{Type: "login", Name: "ann", Key: "a secret of ann"}
	first, second := connect(t, s), connect(t, s)
	first.send(again)
	uid := first.next("user_list").UID
	first.next("login")
	tom.next("login")
	second.send(again)
	if m := second.next("user_list"); m.UID != uid || m.Count < 1 {
		t.Errorf("the same key is %+v, was %s", m, uid)
	}
	first.next("displaced")
	first.gone()
	if m := tom.next("login"); m.UID != uid {
		t.Errorf("tom is told %+v", m.news)
	}
	second.next("login")
	second.send(question{Type: "say", Content: "back"})
	if m := tom.next("say"); m.FromUID != uid || m.Content != "back" {
		t.Errorf("tom hears %+v", m.news)
	}
	if strings.Contains(uid, "secret") || uid == tom.uid {
		t.Errorf("uid %q", uid)
	}
}

func TestBadInputIsAnsweredAndLosesNothing(t *testing.T) {
	s := serve(t)
	tom := enterAs(t, s, "tom", "")
	for _, bad := range []string{
		`{`, `[]`, `"login"`, `{"type":7}`, `{"type":"dance"}`, `{"type":"say"}`,
		`{"type":"say","content":"   \u0000 "}`, `{"type":"say","content":7}`,
		fmt.Sprintf(`{"type":"say","content":%q}`, strings.Repeat("é", maxContent+1)),
		`{"type":"login"}`, `{"type":"login","name":" \t\u202e"}`,
		fmt.Sprintf(`{"type":"login","name":%q}`, strings.Repeat("n", maxName+1)),
		`{"type":"login","name":"tom","room_id":"0"}`,
		fmt.Sprintf(`{"type":"login","name":"tom","room_id":%q}`, strings.Repeat("r", maxName+1)),
		fmt.Sprintf(`{"type":"login","name":"tom","key":%q}`, strings.Repeat("k", maxKey+1)),
	} {
		tom.sendLine(bad)
		if m := tom.next("error"); m.Content == "" {
			t.Errorf("%.60s: an error without a word", bad)
		}
	}
	most := strings.Repeat("é", maxContent)
	tom.send(question{Type: "say", Content: most})
	tom.hears(tom, "all", most)

	stranger := connect(t, s)
	stranger.send(question{Type: "say", Content: "let me in"})
	stranger.next("error")
	stranger.send(question{Type: "user_list"})
	stranger.next("error")
	stranger.send(question{Type: "ping"})
	stranger.next("pong")
}

func TestNamesAreOneLineOfWhatCanBeSeen(t *testing.T) {
	for in, want := range map[string]string{
		" tom ": "tom", "a\n\tb": "a b", "\u202eevil": "evil", "\x00\x07": "",
		"Ærøskøbing ☕": "Ærøskøbing ☕", "bad \xff utf": "bad utf",
	} {
		if got := line(in); got != want {
			t.Errorf("line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestBrowsersSpeakTheSame(t *testing.T) {
	s := serve(t)
	c := s.Dial("ChatGateway")
	c.Send(`{"type":"ping"}`)
	c.Expect(`{"type":"pong"}`)
	c.Send(`{"type":"send","content":"I am a script"}`)
	c.Expect(`{"type":"error","content":"there is no type \"send\""}`)
}

func TestScriptsPush(t *testing.T) {
	s := serve(t)
	tom, ann := enterAs(t, s, "tom", "tea"), enterAs(t, s, "ann", "coffee")
	script := connect(t, s)
	push := func(q question, heard ...*person) {
		t.Helper()
		q.Type = "send"
		script.send(q)
		script.next("sent")
		for _, p := range heard {
			if m := p.next("notice"); m.Content != q.Content || m.Name != q.Name {
				t.Errorf("%s gets %+v", p.name, m.news)
			}
		}
	}
	push(question{Content: "hello all", Name: "admin"}, tom, ann)
	push(question{Content: "tea is ready", RoomID: "tea"}, tom)
	push(question{Content: "for ann", ToUID: ann.uid}, ann)
	push(question{Content: "the end"}, tom, ann)
	script.send(question{Type: "send"})
	script.next("error")
	script.send(question{Type: "send", Content: "to nobody", RoomID: "0"})
	script.next("error")
}

func TestThePageKnowsWhereTheGatewayIs(t *testing.T) {
	s := serve(t)
	page := s.Dial("ChatWeb")
	page.Send("/socket.json")
	page.Expect(fmt.Sprintf(`{"port":%d}`, port(s.Addr("ChatGateway"))))
	page.Send("/nowhere")
	page.Expect("/nowhere is not here\n")
}
