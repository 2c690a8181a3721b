package gateway

import "iter"

// chain is a list whose elements carry their own places, one hook for each chain
// that they are in: it keeps the order in which they came, and takes any of them
// out at once. Every method is told where the hook for this chain is.
type chain[T any] struct {
	first, last *T
	n           int
}

// hook is the place of an element in one chain. An element that was cut stands
// before itself.
type hook[T any] struct{ before, after *T }

// push appends e, which must not be in the chain.
func (l *chain[T]) push(e *T, of func(*T) *hook[T]) {
	*of(e) = hook[T]{before: l.last}
	if l.last == nil {
		l.first = e
	} else {
		of(l.last).after = e
	}
	l.last = e
	l.n++
}

// cut takes out e, which must be in the chain. It still knows what is behind it,
// for those who stand at it in each.
func (l *chain[T]) cut(e *T, of func(*T) *hook[T]) {
	h := of(e)
	if h.before == nil {
		l.first = h.after
	} else {
		of(h.before).after = h.after
	}
	if h.after == nil {
		l.last = h.before
	} else {
		of(h.after).before = h.before
	}
	h.before = e
	l.n--
}

// each yields the elements in order. Any of them may be cut meanwhile, but not
// pushed again; what is pushed meanwhile may be seen.
func (l *chain[T]) each(of func(*T) *hook[T]) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for e := l.first; e != nil; e = of(e).after {
			if of(e).before != e && !yield(e) {
				return
			}
		}
	}
}
