package phpserialize

import (
	"fmt"
	"strings"
)

// Unmarshal reads one serialised value, all of data, within Packets.
func Unmarshal[T ~string | ~[]byte](data T) (any, error) {
	v, rest, err := Packets.read(string(data))
	if err == nil && rest != 0 {
		return nil, fmt.Errorf("%w: %d", ErrTrailing, rest)
	}
	return v, err
}

// UnmarshalReply reads the value of an answer, within Replies. As PHP does, it
// overlooks bytes after the value.
func UnmarshalReply[T ~string | ~[]byte](data T) (any, error) {
	v, _, err := Replies.read(string(data))
	return v, err
}

// Unmarshal reads one serialised value, all of data, within l.
func (l Limits) Unmarshal(data string) (any, error) {
	v, rest, err := l.read(data)
	if err == nil && rest != 0 {
		return nil, fmt.Errorf("%w: %d", ErrTrailing, rest)
	}
	return v, err
}

// read returns the value that data begins with and the number of bytes behind it.
func (l Limits) read(data string) (v any, rest int, err error) {
	d := decoder{data: data, limits: l.orDefaults()}
	d.places = strings.Contains(data, "R:") || strings.Contains(data, "r:")
	v, err = d.value(nil, 0)
	if err != nil {
		return nil, 0, err
	}
	return v, len(data) - d.pos, nil
}

// decoder reads a value from data. It counts values as PHP does for references: the
// outermost is 1, keys and R items have no number (wire.md 5.4).
type decoder struct {
	data   string
	pos    int
	limits Limits

	depth  int
	values int // that are taken, those of references included
	copied int // bytes that references took

	number int // of the value that began last
	places bool
	slots  []slot // by number, from 1 on, when there may be references

	object  int // number of the outermost object that is being read
	refs    []ref
	customs int // C items: values after one have numbers that only its class knows
}

// fail is an error about where the decoder is.
func (d *decoder) fail(err error) error { return fmt.Errorf("%w, at byte %d", err, d.pos) }

// value reads a value that will lie in an Array at some place.
func (d *decoder) value(in *Array, place int) (any, error) {
	if d.pos+2 > len(d.data) {
		return nil, d.fail(ErrSyntax)
	}
	kind := d.data[d.pos]
	if kind == 'R' {
		return d.sameVariable()
	}
	if err := d.begin(in, place); err != nil {
		return nil, err
	}
	switch kind {
	case 'a':
		return d.array()
	case 'O', 'C', 'E':
		return d.opaque()
	case 'r':
		return d.sameObject()
	}
	return d.scalar(kind)
}

// begin counts a value.
func (d *decoder) begin(in *Array, place int) error {
	if d.values++; d.values > d.limits.Values {
		return d.fail(ErrTooMany)
	}
	d.number++
	if d.places {
		if d.slots == nil {
			d.slots = make([]slot, 1, 8)
		}
		d.slots = append(d.slots, slot{in, place})
	}
	return nil
}

// array reads a:<n>:{…}.
func (d *decoder) array() (any, error) {
	if err := d.expect("a:"); err != nil {
		return nil, err
	}
	n, err := d.open()
	if err != nil {
		return nil, err
	}
	a := &Array{}
	for i := range n {
		k, err := d.key()
		if err != nil {
			return nil, err
		}
		if i == 0 {
			a.grow(k, min(n, 32)) // never what a peer only says
		}
		place := a.put(k, unfinished{})
		v, err := d.value(a, place)
		if err != nil {
			return nil, err
		}
		a.vals[place] = v
	}
	return a, d.close()
}

// open reads the number of pairs and the brace, close the other brace.
func (d *decoder) open() (int, error) {
	n, err := d.length(":{")
	if err != nil {
		return 0, err
	}
	if n > (len(d.data)-d.pos)/len("i:0;N;") {
		return 0, d.fail(ErrSyntax)
	}
	if d.depth++; d.depth > d.limits.Depth {
		return 0, d.fail(ErrTooDeep)
	}
	return n, nil
}

func (d *decoder) close() error {
	d.depth--
	return d.expect("}")
}

// key reads the key of a pair.
func (d *decoder) key() (Key, error) {
	if d.pos+2 > len(d.data) {
		return Key{}, d.fail(ErrSyntax)
	}
	switch kind := d.data[d.pos]; kind {
	case 'i':
		n, err := d.integer()
		return IntKey(n), err
	case 's', 'S':
		text, err := d.text(kind)
		return KeyOf(text), err
	}
	return Key{}, d.fail(ErrSyntax)
}

// grow makes room for n entries, the first of which has the key k.
func (a *Array) grow(k Key, n int) {
	a.vals = make([]any, 0, n)
	if k != IntKey(0) {
		a.keys, a.rising = make([]Key, 0, n), true
	}
}
