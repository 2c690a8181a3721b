package phpserialize

import (
	"strconv"
	"strings"
)

// Opaque is an object of PHP, which Go can carry but neither make nor look into:
// written again it is what was read. References inside it are numbered anew for where
// it is written; an object with references to what lies outside, or into which others
// refer, is refused when it is read (ErrReference), because a copy would not be the
// same. Opaque values can be compared with ==. They come from Unmarshal only.
type Opaque struct {
	raw    string // as if it stood alone: it is value 1
	values int32  // numbers it takes
	refs   bool   // has references inside
	custom bool   // has a C item inside
}

// ref is a reference inside an object.
type ref struct{ from, to, target int }

// Class is the name of the class, that of an enum case with its name: "Suit:Hearts".
func (o Opaque) Class() string {
	name := strings.SplitN(o.raw, `"`, 3)
	if len(name) < 3 {
		return ""
	}
	return name[1]
}

// Serialized is the object as PHP's serialize() writes it.
func (o Opaque) Serialized() string { return o.raw }

func (o Opaque) isEnum() bool { return strings.HasPrefix(o.raw, "E") }

// opaque reads an object that lies in an Array or alone.
func (d *decoder) opaque() (any, error) {
	start, number, customs := d.pos, d.number, d.customs
	d.object, d.refs = number, nil
	if err := d.skipObject(); err != nil {
		return nil, err
	}
	o := Opaque{raw: d.data[start:d.pos], values: int32(d.number - number + 1)}
	o.custom = d.customs > customs
	if o.refs = len(d.refs) > 0; o.refs {
		o.raw = string(shift(nil, o.raw, d.refs, start, 1-number))
	}
	d.object = 0
	return o, nil
}

// shift appends raw, which began at start, with the targets of its references moved
// by delta.
func shift(dst []byte, raw string, refs []ref, start, delta int) []byte {
	done := 0
	for _, r := range refs {
		dst = append(dst, raw[done:r.from-start]...)
		dst = strconv.AppendInt(dst, int64(r.target+delta), 10)
		done = r.to - start
	}
	return append(dst, raw[done:]...)
}

// appendTo appends the object as one whose number is number.
func (o Opaque) appendTo(dst []byte, number int) []byte {
	if !o.refs || number == 1 {
		return append(dst, o.raw...)
	}
	whole := Limits{Depth: len(o.raw), Values: len(o.raw)}.orDefaults()
	d := decoder{data: o.raw, limits: whole, object: 1, number: 1}
	if err := d.skipObject(); err != nil {
		return append(dst, o.raw...) // was read before: cannot be
	}
	return shift(dst, o.raw, d.refs, 0, number-1)
}

// skipObject reads over O:…, C:… or E:…
func (d *decoder) skipObject() error {
	kind := d.data[d.pos]
	d.pos++
	if err := d.expect(":"); err != nil {
		return err
	}
	name, err := d.quoted()
	if err != nil || name == "" {
		return d.fail(ErrSyntax)
	}
	if kind == 'E' && !strings.Contains(name, ":") {
		return d.fail(ErrSyntax)
	}
	if kind == 'E' {
		return d.expect(";")
	}
	if err := d.expect(":"); err != nil {
		return err
	}
	if kind == 'C' {
		return d.skipCustom()
	}
	return d.skipPairs()
}

// skipCustom reads over <n>:{n bytes}. They are the secret of a class, but what looks
// like a reference in them would be wrong elsewhere.
func (d *decoder) skipCustom() error {
	n, err := d.length(":{")
	if err != nil {
		return err
	}
	if n > len(d.data)-d.pos {
		return d.fail(ErrSyntax)
	}
	raw := d.data[d.pos : d.pos+n]
	if strings.Contains(raw, "R:") || strings.Contains(raw, "r:") {
		return d.fail(ErrReference)
	}
	d.pos += n
	d.customs++
	return d.expect("}")
}

// skipPairs reads over <n>:{key value …}.
func (d *decoder) skipPairs() error {
	n, err := d.open()
	if err != nil {
		return err
	}
	for range n {
		if _, err := d.key(); err != nil {
			return err
		}
		if err := d.skip(); err != nil {
			return err
		}
	}
	return d.close()
}

// skip reads over a value inside an object.
func (d *decoder) skip() error {
	if d.pos+2 > len(d.data) {
		return d.fail(ErrSyntax)
	}
	kind := d.data[d.pos]
	if kind == 'R' {
		return d.skipReference(d.number)
	}
	if err := d.begin(nil, 0); err != nil {
		return err
	}
	switch kind {
	case 'a':
		d.pos++
		if err := d.expect(":"); err != nil {
			return err
		}
		return d.skipPairs()
	case 'O', 'C', 'E':
		return d.skipObject()
	case 'r':
		return d.skipReference(d.number - 1)
	}
	_, err := d.scalar(kind)
	return err
}

// skipReference notes a reference, which must stay inside the object.
func (d *decoder) skipReference(last int) error {
	from := d.pos + len("r:")
	n, err := d.referred(last)
	if err != nil {
		return err
	}
	if n < d.object {
		return d.fail(ErrReference)
	}
	d.refs = append(d.refs, ref{from: from, to: d.pos - 1, target: n})
	return nil
}
