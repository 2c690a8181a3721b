package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/workerman-go/wm/gateway/phpserialize"
)

// sessionExt is a session as PHP writes it, with an object in it.
const sessionExt = `a:5:{s:4:"name";s:2:"Al";i:7;i:5;s:5:"rooms";a:2:{i:0;s:1:"a";i:1;s:1:"b";}` +
	`s:3:"obj";O:3:"Foo":1:{s:1:"x";r:7;}s:2:"ok";b:1;}`

// sessionState is what goes back to a Gateway.
func sessionState(t testing.TB, s *Session) (ext string, changed bool) {
	t.Helper()
	changed = s.changed()
	ext, err := s.encode()
	if err != nil {
		t.Fatal(err)
	}
	return ext, changed
}

func TestSessionIsNullUntilSomethingIsStored(t *testing.T) {
	for _, ext := range []string{"", "N;"} {
		s := decodeSession(ext)
		if !s.IsNull() || s.Len() != 0 || s.Has("x") || s.Get("x") != nil || s.Err() != nil {
			t.Errorf("%q is not null", ext)
		}
		s.Delete("x")
		if got, changed := sessionState(t, s); changed || got != ext {
			t.Errorf("%q became %q, changed %v", ext, got, changed)
		}
		s.Set("x", 1)
		if got, changed := sessionState(t, s); !changed || got != `a:1:{s:1:"x";i:1;}` {
			t.Errorf("%q became %q, changed %v", ext, got, changed)
		}
		s.Delete("x")
		if got, changed := sessionState(t, s); !changed || got != `a:0:{}` || s.IsNull() {
			t.Errorf("%q became %q, changed %v", ext, got, changed)
		}
	}
	s := decodeSession("")
	s.Clear()
	if got, changed := sessionState(t, s); !changed || got != "a:0:{}" {
		t.Errorf("a cleared session is %q, changed %v", got, changed)
	}
}

func TestSessionValuesAreReadByType(t *testing.T) {
	s := decodeSession(sessionExt)
	s.Set("half", 1.5)
	if s.String("name") != "Al" || s.Int("7") != 5 || s.String("7") != "5" || !s.Bool("ok") {
		t.Error("scalars are not what they are")
	}
	if s.Float("half") != 1.5 || s.Int("half") != 1 || s.Float("7") != 5 || s.Bool("none") {
		t.Error("scalars are not cast")
	}
	if rooms := s.Array("rooms"); rooms.Len() != 2 || rooms.GetInt(1) != "b" {
		t.Error("the nested array is not there")
	}
	if s.Array("name") != nil || s.String("rooms") != "" || s.Int("name") != 0 {
		t.Error("a value has a type that it has not")
	}
	if o, ok := s.Get("obj").(phpserialize.Opaque); !ok || o.Class() != "Foo" {
		t.Errorf("the object is %v", s.Get("obj"))
	}
	var keys []string
	for k := range s.All() {
		keys = append(keys, k)
	}
	if want := []string{"name", "7", "rooms", "obj", "ok", "half"}; !reflect.DeepEqual(keys, want) {
		t.Errorf("keys are %v", keys)
	}
	for range s.All() {
		break
	}
}

func TestSessionIsChangedByValueOnly(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(s *Session)
		want bool
	}{
		"nothing":           {func(s *Session) {}, false},
		"reading":           {func(s *Session) { s.Array("rooms"); s.Values() }, false},
		"the same value":    {func(s *Session) { s.Set("name", "Al"); s.Set("7", 5) }, false},
		"there and back":    {func(s *Session) { s.Set("ok", 1); s.Set("ok", true) }, false},
		"a deletion of air": {func(s *Session) { s.Delete("none") }, false},
		"another value":     {func(s *Session) { s.Set("name", "Bo") }, true},
		"another type":      {func(s *Session) { s.Set("7", "5") }, true},
		"another order":     {func(s *Session) { s.Delete("7"); s.Set("7", 5) }, true},
		"a new value":       {func(s *Session) { s.Set("new", nil) }, true},
		"a deletion":        {func(s *Session) { s.Delete("ok") }, true},
		"a clear":           {func(s *Session) { s.Clear() }, true},
		"inside":            {func(s *Session) { s.Array("rooms").Append("c") }, true},
		"inside, by walk": {func(s *Session) {
			for _, v := range s.All() {
				if a, ok := v.(*Array); ok {
					a.Clear()
				}
			}
		}, true},
		"inside, by values": {func(s *Session) { s.Values().Set("new", 1) }, true},
	} {
		s := decodeSession(sessionExt)
		c.do(s)
		ext, changed := sessionState(t, s)
		if changed != c.want || changed == (ext == sessionExt) {
			t.Errorf("%s: changed %v, %s", name, changed, ext)
		}
	}
}

func TestSessionThatPHPWroteOtherwiseIsUnchanged(t *testing.T) {
	s := decodeSession(`a:2:{s:1:"f";d:0.10000000000000001;s:1:"r";R:2;}`)
	if s.Set("f", 0.1); s.changed() {
		t.Error("the digits of a float make a change")
	}
	if s.Set("r", 0.2); !s.changed() {
		t.Error("a reference is not a copy")
	}
	if got, _ := sessionState(t, s); got != `a:2:{s:1:"f";d:0.1;s:1:"r";d:0.2;}` {
		t.Errorf("got %s", got)
	}
}

func TestObjectsOfPHPStayInASession(t *testing.T) {
	s := decodeSession(sessionExt)
	s.Delete("rooms")
	want := `a:4:{s:4:"name";s:2:"Al";i:7;i:5;s:3:"obj";O:3:"Foo":1:{s:1:"x";r:4;}s:2:"ok";b:1;}`
	if got, changed := sessionState(t, s); !changed || got != want {
		t.Errorf("changed %v\n got %s\nwant %s", changed, got, want)
	}
}

func TestSessionThatCannotBeReadIsNeverWritten(t *testing.T) {
	for _, ext := range []string{"garbage", "i:5;", "b:0;", "0", sessionExt + "x", `a:1:{i:0;R:1;}`} {
		s := decodeSession(ext)
		if s.Err() == nil || !s.IsNull() || s.Get("x") != nil {
			t.Errorf("%q: %v, null %v", ext, s.Err(), s.IsNull())
		}
		s.Set("x", 1)
		s.Clear()
		if got, changed := sessionState(t, s); changed || got != ext {
			t.Errorf("%q became %q, changed %v", ext, got, changed)
		}
	}
}

func TestSessionThatCannotBeWrittenSaysSo(t *testing.T) {
	s := decodeSession("")
	s.Set("x", map[string]any{})
	for a := s.Array("x"); s.changed() && !errors.Is(sessionError(s), phpserialize.ErrTooDeep); {
		a.Set("x", phpserialize.NewArray())
		a = a.Array("x")
	}
	if !s.changed() {
		t.Error("it is unchanged")
	}
}

func sessionError(s *Session) error {
	_, err := s.encode()
	return err
}

func TestSessionSetPanicsOnWhatPHPCannotHave(t *testing.T) {
	s := decodeSession("")
	for name, v := range map[string]any{
		"channel": make(chan int), "func": func() {}, "error": errors.New("x"),
	} {
		if msg := sessionPanic(func() { s.Set(name, v) }); !strings.Contains(msg, name) ||
			!strings.HasPrefix(msg, "gateway: session value") {
			t.Errorf("%s: the sentence is %q", name, msg)
		}
	}
	if !s.IsNull() {
		t.Error("a value that is refused makes the session an array")
	}
}

func sessionPanic(f func()) (sentence string) {
	defer func() { sentence = fmt.Sprint(recover()) }()
	f()
	return ""
}

func TestNewSessionHasItsValues(t *testing.T) {
	s := NewSession(map[string]any{"b": 1, "a": []string{"x"}})
	want := `a:2:{s:1:"a";a:1:{i:0;s:1:"x";}s:1:"b";i:1;}`
	if got, changed := sessionState(t, s); !changed || got != want {
		t.Errorf("got %s, changed %v", got, changed)
	}
	if got, changed := sessionState(t, NewSession(nil)); changed || got != "" {
		t.Errorf("got %q, changed %v", got, changed)
	}
	if NewSession(map[string]any{}).IsNull() {
		t.Error("an empty session is null")
	}
}

func TestSessionIsShownAsJSON(t *testing.T) {
	for ext, want := range map[string]string{
		"":       `null`,
		"a:0:{}": `[]`,
		`a:2:{s:1:"b";i:1;s:1:"a";a:1:{i:0;d:0.5;}}`: `{"b":1,"a":[0.5]}`,
	} {
		if got, err := json.Marshal(decodeSession(ext)); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v", ext, got, err)
		}
	}
	if _, err := json.Marshal(decodeSession(sessionExt)); !errors.Is(err, phpserialize.ErrType) {
		t.Errorf("an object is shown: %v", err)
	}
}

func BenchmarkSession(b *testing.B) {
	for name, do := range map[string]func(s *Session){
		"unread": func(s *Session) {},
		"read":   func(s *Session) { s.String("name") },
		"set":    func(s *Session) { s.Set("name", "Bo") },
		"same":   func(s *Session) { s.Set("name", "Al") },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s := decodeSession(sessionExt)
				do(s)
				if s.changed() {
					if _, err := s.encode(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
