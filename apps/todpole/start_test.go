package todpole

import (
	"bufio"
	"fmt"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/wmtest"
)

const limit = 20 * time.Second

// start is the whole pond.
func start() {
	StartRegister()
	StartGateway()
	StartBusinessWorker()
	StartWebServer()
}

// swimmer is a client of the text port.
type swimmer struct {
	t     *testing.T
	conn  net.Conn
	lines *bufio.Scanner
	id    string
}

func swim(t *testing.T, s *wmtest.Service) *swimmer {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr("TodpoleText"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	p := &swimmer{t: t, conn: conn, lines: bufio.NewScanner(conn)}
	welcome := p.line()
	if _, err := fmt.Sscanf(welcome, `{"type":"welcome","id":"%20s"}`, &p.id); err != nil {
		t.Fatalf("the first line is %s: %v", welcome, err)
	}
	return p
}

func (p *swimmer) send(line string) {
	p.t.Helper()
	if _, err := p.conn.Write([]byte(line + "\n")); err != nil {
		p.t.Fatal(err)
	}
}

func (p *swimmer) line() string {
	p.t.Helper()
	p.conn.SetReadDeadline(time.Now().Add(limit))
	if !p.lines.Scan() {
		p.t.Fatalf("no line: %v", p.lines.Err())
	}
	return p.lines.Text()
}

func (p *swimmer) expect(want string) {
	p.t.Helper()
	if got := p.line(); got != want {
		p.t.Fatalf("got  %s\nwant %s", got, want)
	}
}

// at is an update as the others get it.
func at(id string, x, y float64, name string) string {
	return fmt.Sprintf(`{"type":"update","id":%q,"angle":1.5,"momentum":2,"x":%v,"y":%v,"name":%q}`,
		id, x, y, name)
}

func TestEverybodySeesEverybodySwim(t *testing.T) {
	s := wmtest.Run(t, start)
	tom, ann := swim(t, s), swim(t, s)
	browser := s.Dial("TodpoleGateway")

	browser.Send(at("", 10, -20.5, "browser"))
	seen := tom.line()
	ann.expect(seen)
	var id string
	if _, err := fmt.Sscanf(seen, `{"type":"update","id":"%20s"`, &id); err != nil {
		t.Fatalf("%s: %v", seen, err)
	}
	if want := at(id, 10, -20.5, "browser"); seen != want {
		t.Errorf("got  %s\nwant %s", seen, want)
	}
	browser.Expect(`{"type":"welcome","id":"` + id + `"}`)

	tom.send(at("not mine", 1, 2, "tom"))
	browser.Expect(at(tom.id, 1, 2, "tom"))
	ann.expect(at(tom.id, 1, 2, "tom"))

	ann.send(`{"type":"message","message":" <b>hi</b>\u0007 "}`)
	hi := `{"type":"message","id":"` + ann.id + `","message":"<b>hi</b>"}`
	tom.expect(hi)
	browser.Expect(hi)

	browser.Close()
	tom.expect(`{"type":"closed","id":"` + id + `"}`)
	ann.expect(`{"type":"closed","id":"` + id + `"}`)
}

func TestBadInputIsAnswered(t *testing.T) {
	s := wmtest.Run(t, start)
	tom, ann := swim(t, s), swim(t, s)
	for _, bad := range []string{
		`{`, `7`, `{"type":"fly"}`, `{"type":"update","x":"1"}`, `{"type":"update","x":1e999}`,
	} {
		tom.send(bad)
		if got := tom.line(); !strings.HasPrefix(got, `{"type":"error"`) {
			t.Errorf("%s is answered with %s", bad, got)
		}
	}
	tom.send(`{"type":"message","message":"  "}`)
	tom.send(`{"type":"pong"}`)
	tom.send(`{"type":"ping"}`)
	tom.expect(`{"type":"pong"}`)
	tom.send(at("", 1e6, 0, strings.Repeat("n", 50)))
	ann.expect(at(tom.id, pondRadius, 0, strings.Repeat("n", maxName)))
}

func TestNumbersStayInThePond(t *testing.T) {
	for _, c := range []struct{ in, want update }{
		{update{X: 12.345, Y: -0.05}, update{X: 12.3, Y: -0.1}},
		{update{X: 3000, Y: 4000}, update{X: 900, Y: 1200}},
		{update{X: math.MaxFloat64, Y: -math.MaxFloat64}, update{}},
		{update{Angle: 20, Momentum: 99}, update{Angle: 1.15, Momentum: maxMomentum}},
		{update{Angle: -7, Momentum: -1}, update{Angle: -0.717}},
		{update{Name: "a\nb\u202ec"}, update{Name: "a bc"}},
	} {
		got := c.in
		got.bound()
		if got != c.want {
			t.Errorf("%+v becomes %+v, want %+v", c.in, got, c.want)
		}
	}
}

func TestAFloodIsThinnedOut(t *testing.T) {
	now := time.Unix(0, 0)
	p := pond{paces: make(map[string]*pace), now: func() time.Time { return now }}
	passed := func(n int) (count int) {
		for range n {
			if !p.tooFast("a") {
				count++
			}
		}
		return count
	}
	if got := passed(1000); got != burst {
		t.Errorf("%d of a flood pass, want %d", got, burst)
	}
	now = now.Add(time.Second)
	if got := passed(1000); got != perSecond {
		t.Errorf("%d pass a second later, want %d", got, perSecond)
	}
	if p.tooFast("b") {
		t.Error("another one has to wait too")
	}
	for range 100 { // the page is never too fast
		now = now.Add(time.Second / 15)
		if p.tooFast("a") {
			t.Fatal("15 in a second are too many")
		}
	}
}

func TestThePondForgetsWhoIsGoneWithoutAWord(t *testing.T) {
	now := time.Now()
	p := pond{paces: make(map[string]*pace), now: func() time.Time { return now }}
	for i := range 1000 {
		p.tooFast(fmt.Sprint("client ", i))
		now = now.Add(time.Second)
	}
	if n := len(p.paces); n > 121 {
		t.Errorf("%d clients are known, of whom 60 have sent something within a minute", n)
	}
}

func TestThePageKnowsWhereTheGatewayIs(t *testing.T) {
	s := wmtest.Run(t, start)
	t.Setenv("WM_TODPOLE_WEBSOCKET", s.Addr("TodpoleGateway"))
	page := s.Dial("TodpoleWeb")
	page.Send("/socket.json")
	page.Expect(fmt.Sprintf(`{"port":%d}`, port(s.Addr("TodpoleGateway"))))
	page.Send("/nowhere")
	page.Expect("/nowhere is not here\n")
}
