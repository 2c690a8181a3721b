package worker

import "slices"

// Broadcast sends v to all connections of this Worker in this process but the
// given ones. It is encoded once for all receivers that a protocol.Sharer
// names, and of raw bytes. What a connection refuses is lost for that one alone, as
// with Send. Called on the loop goroutine.
func (w *Worker) Broadcast(v any, but ...*Connection) {
	if w.p == nil {
		return
	}
	w.p.own("Worker.Broadcast")
	var encoded []byte
	var by *codec
	for c := range w.conns.each {
		switch {
		case Status(c.status) != Established || slices.Contains(but, c):
		case !c.codec.shared(c):
			_ = c.Send(v)
		case by == c.codec:
			_ = c.SendRaw(encoded)
		default:
			encoded, by = c.encodeApart(v)
			_ = c.SendRaw(encoded)
		}
	}
}

// encodeApart encodes v outside the send buffer. The codec is nil when the
// result is for this connection alone.
func (c *Connection) encodeApart(v any) ([]byte, *codec) {
	k, o := c.codec, &c.p.output
	o.encoding = c
	out, err := k.encode(nil, v, c)
	o.encoding = nil
	if len(o.aside) > 0 {
		raw := o.aside
		o.aside = nil
		c.put(raw)
		return out, nil
	}
	if err != nil || len(out) == 0 || !k.shared(c) {
		return out, nil
	}
	return out, k
}
