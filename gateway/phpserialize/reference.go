package phpserialize

// slot is where a value with a number lies; no Array for the outermost value and for
// those inside objects.
type slot struct {
	in    *Array
	place int
}

// unfinished is the value of an entry that is still being read: who refers to it
// lies in it.
type unfinished struct{}

// sameVariable reads R:<n>; which becomes a copy of the value.
func (d *decoder) sameVariable() (any, error) {
	v, err := d.target(d.number)
	if err != nil {
		return nil, err
	}
	if o, ok := v.(Opaque); ok && !o.isEnum() {
		return nil, d.fail(ErrReference)
	}
	return d.copy(v, d.depth)
}

// sameObject reads r:<n>; which has a number itself. Only an enum case, of which there
// is one in all of PHP, is the same when it is written twice.
func (d *decoder) sameObject() (any, error) {
	v, err := d.target(d.number - 1)
	if err != nil {
		return nil, err
	}
	if o, ok := v.(Opaque); ok && o.isEnum() {
		return o, nil
	}
	return nil, d.fail(ErrReference)
}

// target reads a reference and returns the value it names, one of the first last.
func (d *decoder) target(last int) (any, error) {
	n, err := d.referred(last)
	if err != nil {
		return nil, err
	}
	s := d.slots[n]
	if s.in == nil {
		return nil, d.fail(ErrReference)
	}
	v := s.in.vals[s.place]
	if v == (unfinished{}) {
		return nil, d.fail(ErrReference)
	}
	return v, nil
}

// referred reads <letter>:<n>; with n from 1 to last.
func (d *decoder) referred(last int) (int, error) {
	d.pos++
	if err := d.expect(":"); err != nil {
		return 0, err
	}
	n, err := d.length(";")
	if err != nil {
		return 0, err
	}
	if n < 1 || n > last || d.customs > 0 {
		return 0, d.fail(ErrReference)
	}
	return n, nil
}

// copy returns a copy of v for a place at some depth, within the limits.
func (d *decoder) copy(v any, depth int) (any, error) {
	if err := d.charge(v); err != nil {
		return nil, err
	}
	a, ok := v.(*Array)
	if !ok {
		return v, nil
	}
	if depth++; depth > d.limits.Depth {
		return nil, d.fail(ErrTooDeep)
	}
	c := &Array{}
	for k, v := range a.All() {
		d.copied += len(k.text)
		v, err := d.copy(v, depth)
		if err != nil {
			return nil, err
		}
		c.put(k, v)
	}
	return c, nil
}

// charge counts one copied value.
func (d *decoder) charge(v any) error {
	d.values++
	d.copied += 16
	switch v := v.(type) {
	case string:
		d.copied += len(v)
	case Opaque:
		d.copied += len(v.raw)
	case unfinished:
		return d.fail(ErrReference)
	}
	if d.values > d.limits.Values || d.copied > d.limits.CopiedBytes {
		return d.fail(ErrTooMany)
	}
	return nil
}
