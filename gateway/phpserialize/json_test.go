package phpserialize

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestJSONIsThatOfPHP(t *testing.T) {
	for _, c := range []struct {
		in   any
		want string
	}{
		{nil, `null`}, {true, `true`}, {false, `false`}, {int64(-5), `-5`}, {"", `""`},
		{1.0, `1`}, {0.1, `0.1`}, {1e17, `1.0e+17`}, {1e-5, `1.0e-5`}, {math.Copysign(0, -1), `-0`},
		{"a/b\"\\\b\f\n\r\t\x01\x1f\x7f", `"a\/b\"\\\b\f\n\r\t\u0001\u001f` + "\x7f\""},
		{"<é你😀>", `"<é你😀>"`}, {"a\u2028b\u2029", `"a\u2028b\u2029"`},
		{NewArray(), `[]`}, {List(1, List(), "x"), `[1,[],"x"]`}, {ArrayOf(1, 1), `{"1":1}`},
		{ArrayOf("a", 1, "", nil), `{"a":1,"":null}`}, {(*Array)(nil), `null`},
		{map[string]any{"b": 1, "a": 2}, `{"a":2,"b":1}`},
	} {
		got, err := AppendJSON(nil, c.in)
		if err != nil || string(got) != c.want {
			t.Errorf("%v: got %s, %v, want %s", c.in, got, err, c.want)
		}
	}
	got, err := json.Marshal(map[string]any{"a": ArrayOf("x", List(1.5))})
	if err != nil || string(got) != `{"a":{"x":[1.5]}}` {
		t.Errorf("inside a Go value: %s, %v", got, err)
	}
}

func TestWhatJSONCannotShowIsAnError(t *testing.T) {
	object, err := Unmarshal(`a:1:{i:0;O:3:"Foo":0:{}}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		in   any
		want error
	}{
		{"\xff", ErrUTF8}, {"\xed\xa0\x80", ErrUTF8}, {ArrayOf("a\xff", 1), ErrUTF8},
		{math.Inf(1), ErrType}, {List(math.NaN()), ErrType}, {object, ErrType},
		{make(chan int), ErrType},
	} {
		got, err := AppendJSON([]byte("kept"), c.in)
		if !errors.Is(err, c.want) || string(got) != "kept" {
			t.Errorf("%v: got %s, %v, want %v", c.in, got, err, c.want)
		}
	}
}

func TestJSONIsReadInItsOrder(t *testing.T) {
	for in, want := range map[string]string{
		`{"5":1,"05":2,"a":1.0,"b":12345678901234567890,"":3,"a":9}`: `a:5:{i:5;i:1;s:2:"05";i:2;` +
			`s:1:"a";i:9;s:1:"b";d:1.2345678901234567E+19;s:0:"";i:3;}`,
		" [ 1 , [ ] , { } ,\t\"x\"\r\n] ": `a:4:{i:0;i:1;i:1;a:0:{}i:2;a:0:{}i:3;s:1:"x";}`,
		`1e400`:                           `d:INF;`, `-0`: `i:0;`, `-0e1`: `d:-0;`, `1E2`: `d:100;`,
		`"\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\"`: "s:14:\"é😀/\b\f\n\r\t\"\\\";",
		`{"\u0000a":null}`:                     "a:1:{s:2:\"\x00a\";N;}",
		`true`:                                 `b:1;`, `false`: `b:0;`, `null`: `N;`,
	} {
		v, err := FromJSON(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := shown(t, v); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestWhatIsNotJSONIsRefused(t *testing.T) {
	for _, in := range []string{
		``, ` `, `tru`, `nul`, `x`, `'a'`, `"a`, `"\x"`, `"\u12"`, `"\ud800"`, `"\ud800\u0041"`,
		`"\udc00"`,
		"\"\n\"",
		`01`, `+1`, `1.`, `.5`, `-`, `1e`, `0x1`, `--1`, `1e+`, `[1`, `[1,]`, `[,1]`, `[1 2]`, `{`,
		`{"a"}`, `{"a":}`, `{"a":1,}`, `{1:1}`, `{a:1}`, `[1]]`, `[1}`, `1 2`, `"\`, `"\u00`, "[1]\x00",
		"\x00", `{"a":1`, `[`, `{"a" 1}`,
	} {
		if v, err := FromJSON(in); !errors.Is(err, ErrJSON) {
			t.Errorf("%q: got %v, %v", in, v, err)
		}
	}
	if _, err := FromJSON("\"\xff\""); !errors.Is(err, ErrUTF8) {
		t.Errorf("got %v", err)
	}
	deep := strings.Repeat("[", 128) + strings.Repeat("]", 128)
	if _, err := FromJSON(deep); err != nil {
		t.Errorf("128 lists in each other: %v", err)
	}
	if _, err := FromJSON("[" + deep + "]"); !errors.Is(err, ErrTooDeep) {
		t.Errorf("129 lists in each other: %v", err)
	}
	many := "[" + strings.Repeat("[],", Packets.Values) + "1]"
	if _, err := FromJSON(many); !errors.Is(err, ErrTooMany) {
		t.Errorf("%d values: %v", Packets.Values+2, err)
	}
}
