package todpole

import (
	"encoding/json"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/workerman-go/wm/gateway"
)

// Bounds of what a tadpole may send.
const (
	maxMessageBytes = 4 << 10
	maxName         = 20   // characters
	maxMessage      = 120  // characters
	pondRadius      = 1500 // the pond is round
	maxMomentum     = 3    // of the speed; the page goes 60 times as far in a second
)

// update is where a tadpole is, in and out. Who comes new knows the others from
// their next update; those that rest send one every few seconds.
type update struct {
	Type     string  `json:"type"`
	ID       string  `json:"id"` // the client id; what comes in here is not looked at
	Angle    float64 `json:"angle"`
	Momentum float64 `json:"momentum"`
	X        float64 `json:"x"`
	Y        float64 `json:"y"`
	Name     string  `json:"name"`
}

// news is all else: welcome (the ID is the tadpole's own), message, closed, error,
// pong.
type news struct {
	Type    string `json:"type"`
	ID      string `json:"id,omitempty"`
	Message string `json:"message,omitempty"`
}

// pond passes on what tadpoles do. Owned by the loop of its BusinessWorker: the
// events of one client come to one of them.
type pond struct {
	paces  map[string]*pace // by client id
	looked time.Time        // when those who rest were forgotten last
	now    func() time.Time
}

// onConnect tells a new tadpole who it is.
func (p *pond) onConnect(e *gateway.Event) { e.Send(news{Type: "welcome", ID: e.ClientID}) }

// onClose tells the others that a tadpole has gone.
func (p *pond) onClose(e *gateway.Event) {
	delete(p.paces, e.ClientID)
	gateway.SendToAll(news{Type: "closed", ID: e.ClientID})
}

// onMessage is called with what a tadpole does.
func (p *pond) onMessage(e *gateway.Event, data []byte) {
	var in struct {
		update
		Message string `json:"message"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		e.Send(news{Type: "error", Message: "this is no message: send an object of JSON with a type"})
		return
	}
	switch in.Type {
	case "update":
		if p.tooFast(e.ClientID) {
			return // the next one says where it is, too
		}
		u := in.update
		u.ID = e.ClientID
		u.bound()
		toOthers(e, u)
	case "message":
		text := short(in.Message, maxMessage)
		if text != "" && !p.tooFast(e.ClientID) {
			toOthers(e, news{Type: "message", ID: e.ClientID, Message: text})
		}
	case "ping":
		e.Send(news{Type: "pong"})
	case "pong": // that the client lives has been noted by the Gateway
	default:
		e.Send(news{Type: "error", Message: "the types are update, message and ping"})
	}
}

// toOthers sends to everybody but the client of e, which knows.
func toOthers(e *gateway.Event, v any) {
	gateway.SendTo(gateway.Target{All: true, Exclude: []string{e.ClientID}}, v)
}

// bound puts a tadpole into the pond. JSON has no numbers that are not finite.
func (u *update) bound() {
	if far := math.Hypot(u.X, u.Y); far > pondRadius {
		u.X, u.Y = u.X/far*pondRadius, u.Y/far*pondRadius
	}
	u.X, u.Y = tenth(u.X), tenth(u.Y)
	u.Angle = math.Round(math.Mod(u.Angle, 2*math.Pi)*1000) / 1000
	u.Momentum = tenth(min(max(u.Momentum, 0), maxMomentum))
	u.Name = short(u.Name, maxName)
}

// tenth keeps one digit behind the point: what more a number has is only traffic.
func tenth(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) { // a sum that left the numbers
		return 0
	}
	return math.Round(f*10) / 10
}

// short makes one line of no more than most characters that can be seen.
func short(text string, most int) string {
	seen := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	line := []rune(strings.Join(strings.Fields(seen), " "))
	return string(line[:min(len(line), most)])
}
