package phpserialize

// Equal says what === says of two values in PHP: the same type and value, and Arrays
// with the same keys in the same order. So 1 is not 1.0, 0.0 is -0.0, and NAN is
// nothing. Objects are equal that were written the same.
func Equal(a, b any) bool {
	x, ok := a.(*Array)
	if !ok {
		_, array := b.(*Array)
		return !array && a == b
	}
	y, ok := b.(*Array)
	if !ok || x.Len() != y.Len() || (x == nil) != (y == nil) {
		return false
	}
	return x == y || sameEntries(x, y)
}

func sameEntries(x, y *Array) bool {
	i, j := 0, 0
	for range x.Len() {
		var k, l Key
		var v, w any
		k, v, i = x.entry(i)
		l, w, j = y.entry(j)
		if k != l || !Equal(v, w) {
			return false
		}
	}
	return true
}

// entry returns the first entry at or behind place i, and the place behind it.
func (a *Array) entry(i int) (Key, any, int) {
	for a.vals[i] == (hole{}) {
		i++
	}
	return a.keyAt(i), a.vals[i], i + 1
}
