package phpserialize

import (
	"errors"
	"testing"
)

// phpObjects is what PHP 8.2 writes of objects; ~ is a zero byte there.
var phpObjects = []string{
	`O:8:"stdClass":0:{}`,
	`O:8:"stdClass":2:{i:0;i:1;s:1:"5";a:1:{i:0;d:0.5;}}`,
	"O:1:\"F\":3:{s:1:\"x\";i:1;s:4:\"\x00F\x00y\";a:1:{i:0;i:1;}s:4:\"\x00*\x00z\";N;}",
	`O:11:"ArrayObject":4:{i:0;i:0;i:1;a:2:{i:0;i:1;i:1;i:2;}i:2;a:0:{}i:3;N;}`,
	`E:4:"Su:H";`,
	`C:2:"CU":22:{a:2:{i:0;i:1;i:1;i:2;}}`,
	`O:1:"Q":1:{s:4:"self";r:1;}`,
	`O:1:"Q":3:{s:1:"a";O:1:"P":1:{s:2:"up";r:1;}s:1:"b";r:2;s:1:"c";R:2;}`,
}

func TestObjectsAreWrittenAsTheyWereRead(t *testing.T) {
	for _, in := range phpObjects {
		v, err := Unmarshal(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		o, ok := v.(Opaque)
		if !ok || o.Class() == "" || o.Serialized() != in {
			t.Errorf("%s is %#v", in, v)
		}
		if got := shown(t, v); got != in {
			t.Errorf("got %s\nwant %s", got, in)
		}
	}
}

func TestReferencesInsideAnObjectMoveWithIt(t *testing.T) {
	self := `O:1:"Q":1:{s:4:"self";r:3;}`
	in := `a:4:{s:1:"a";i:5;s:1:"q";` + self + `s:1:"n";i:7;` +
		`s:1:"o";O:1:"Q":2:{s:1:"x";i:1;s:1:"y";R:7;}}`
	v, err := Unmarshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(t, v); got != in {
		t.Errorf("got %s\nwant %s", got, in)
	}
	a := v.(*Array)
	a.Delete("a")
	want := `a:3:{s:1:"q";O:1:"Q":1:{s:4:"self";r:2;}s:1:"n";i:7;` +
		`s:1:"o";O:1:"Q":2:{s:1:"x";i:1;s:1:"y";R:6;}}`
	if got := shown(t, a); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	a.Set("n", List(1, 2))
	want = `a:3:{s:1:"q";O:1:"Q":1:{s:4:"self";r:2;}s:1:"n";a:2:{i:0;i:1;i:1;i:2;}s:1:"o";` +
		`O:1:"Q":2:{s:1:"x";i:1;s:1:"y";R:8;}}`
	if got := shown(t, a); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if b, err := Unmarshal(want); err != nil || !Equal(a, b) {
		t.Errorf("read again it is %v, %v", b, err)
	}
}

func TestObjectsWithReferencesAreNotWrittenBehindUnknownNumbers(t *testing.T) {
	custom, err := Unmarshal(`C:2:"CU":2:{ab}`)
	if err != nil {
		t.Fatal(err)
	}
	self, err := Unmarshal(`O:1:"Q":1:{s:4:"self";r:1;}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(t, List(self, custom)); got == "" {
		t.Error("in front of one it is refused")
	}
	if got, err := Marshal(List(custom, self)); !errors.Is(err, ErrReference) {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := Marshal(Opaque{}); !errors.Is(err, ErrType) {
		t.Errorf("an object of nothing: %v", err)
	}
}

func TestObjectsSurviveAMerge(t *testing.T) {
	stored := `a:2:{s:1:"o";O:1:"Q":1:{s:4:"self";r:2;}s:1:"n";i:1;}`
	got, err := MergeSession(stored, `a:1:{s:1:"n";i:2;}`)
	want := `a:2:{s:1:"o";O:1:"Q":1:{s:4:"self";r:2;}s:1:"n";i:2;}`
	if err != nil || got != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
	if got, err := MergeSession(stored, `a:1:{s:1:"o";i:2;}`); err != nil ||
		got != `a:2:{s:1:"o";i:2;s:1:"n";i:1;}` {
		t.Errorf("got %s, %v", got, err)
	}
}
