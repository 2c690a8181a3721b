package worker

// Prepared is a message that is encoded once for each protocol, and each class
// of its connections, however often it is sent. It may be kept as long as the
// value it was made of does not change. Owned by the loop.
type Prepared struct {
	v       any
	encoded []encoding // few: one for each kind of receiver
}

// encoding is a Prepared as one class of a protocol's connections gets it.
type encoding struct {
	codec *codec
	class int
	bytes []byte
}

// Prepare makes a message for many receivers: c.Send(p) sends it as c.Send(v)
// would. Nothing is encoded before the first Send. Called by any goroutine; to
// be sent on the loop goroutine.
func Prepare(v any) *Prepared {
	if p, ok := v.(*Prepared); ok {
		return p
	}
	return &Prepared{v: v}
}

// sendPrepared sends m as Send would send its value.
func (c *Connection) sendPrepared(m *Prepared) error {
	k := c.codec
	class := k.class(c)
	if class == 0 {
		return c.Send(m.v)
	}
	for i := range m.encoded {
		if e := &m.encoded[i]; e.codec == k && e.class == class {
			return c.SendRaw(e.bytes)
		}
	}
	out, shared, err := c.encodeApart(m.v)
	if err != nil {
		return err
	}
	if shared {
		m.encoded = append(m.encoded, encoding{k, class, out})
	}
	return c.SendRaw(out)
}

// encodeApart encodes v outside the send buffer; shared says that others of
// the same class may get the bytes.
func (c *Connection) encodeApart(v any) (out []byte, shared bool, err error) {
	k, o := c.codec, &c.p.output
	class := k.class(c)
	o.encoding = c
	out, err = k.encode(nil, v, c)
	o.encoding = nil
	if Status(c.status) == Closed { // by the protocol
		o.aside = o.aside[:0]
		return nil, false, ErrClosed
	}
	if len(o.aside) > 0 { // sent raw from inside Encode, so it goes first
		raw := o.aside
		o.aside = nil
		_ = c.put(raw)
		return out, false, err
	}
	return out, len(out) > 0 && k.class(c) == class, err
}
