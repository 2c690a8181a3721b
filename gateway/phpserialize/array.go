package phpserialize

import (
	"fmt"
	"iter"
	"math"
	"sort"
)

// Array is an array of PHP: entries in the order in which their keys came. Values are
// those of the package comment; what else is given to it goes through From, and an
// Array that is put into another one is copied, as in PHP. Get and All, though, return
// the nested Array itself: changing that changes this one.
//
// Methods that only read take a nil *Array for an empty one, and may run in several
// goroutines while none changes it. No locking.
type Array struct {
	keys   []Key         // nil while they are 0, 1, 2 …
	vals   []any         // a hole where one was deleted
	index  map[Key]int32 // of many keys that are not rising
	next   int64         // the key of the next Append
	holes  int32
	epoch  int32 // counts the times when entries have moved
	rising bool  // keys are ints, each above the one before, and there are no holes
}

// indexAbove is the number of entries up to which a search looks at each key. Above it
// there is an index, but for rising keys, such as the ids of clients: they are sorted.
const indexAbove = 16

// hole is the value of a deleted entry, vacant its key: the entry stays until the
// next growth, so that a walk can delete.
type hole struct{}

var vacant = Key{text: "vacant"} // an int key with a text: nobody else can make it

// NewArray returns an empty Array.
func NewArray() *Array { return &Array{} }

// ArrayOf returns an Array of keys (strings or ints) and values in turn:
// ArrayOf("name", "Al", "age", 7). It panics on an odd number of arguments, on other
// keys, and on a value that From refuses.
func ArrayOf(pairs ...any) *Array {
	if len(pairs)%2 != 0 {
		panic("phpserialize: ArrayOf needs a value for each key")
	}
	a := &Array{}
	for i := 0; i < len(pairs); i += 2 {
		switch k := pairs[i].(type) {
		case string:
			a.Set(k, pairs[i+1])
		case int:
			a.SetInt(int64(k), pairs[i+1])
		case int64:
			a.SetInt(k, pairs[i+1])
		case Key:
			a.SetKey(k, pairs[i+1])
		default:
			panic(fmt.Sprintf("phpserialize: a %T cannot be a key of an array", pairs[i]))
		}
	}
	return a
}

// List returns an Array of values with the keys 0, 1, 2 … It panics on a value that
// From refuses.
func List(values ...any) *Array {
	a := &Array{vals: make([]any, 0, len(values))}
	for _, v := range values {
		a.Append(v)
	}
	return a
}

// Len is the number of entries.
func (a *Array) Len() int {
	if a == nil {
		return 0
	}
	return len(a.vals) - int(a.holes)
}

// All walks over the entries in their order. Entries may be changed and deleted
// meanwhile; whether the walk comes to added ones is not said.
func (a *Array) All() iter.Seq2[Key, any] {
	return func(yield func(Key, any) bool) {
		if a == nil {
			return
		}
		keys, n, epoch := a.keys, len(a.vals), a.epoch
		for i := range n {
			k, at := a.step(i, keys, epoch)
			if at >= 0 && !yield(k, a.vals[at]) {
				return
			}
		}
	}
}

// step returns the entry at step i of a walk, its place -1 when it was deleted. Once
// entries have moved, the walk goes on by the keys that there were at its beginning.
func (a *Array) step(i int, keys []Key, epoch int32) (Key, int) {
	if a.epoch == epoch {
		if i >= len(a.vals) || a.vals[i] == (hole{}) {
			return Key{}, -1
		}
		return a.keyAt(i), i
	}
	k := IntKey(int64(i))
	if keys != nil {
		k = keys[i]
	}
	if k == vacant {
		return k, -1
	}
	return k, a.find(k)
}

// keyAt is the key at a place.
func (a *Array) keyAt(i int) Key {
	if a.keys == nil {
		return IntKey(int64(i))
	}
	return a.keys[i]
}

// IsList says that the keys are 0, 1, 2 … in this order: JSON shows such an Array,
// the empty one too, as [].
func (a *Array) IsList() bool {
	want := int64(0)
	for k := range a.All() {
		if k != IntKey(want) {
			return false
		}
		want++
	}
	return true
}

// SetKey sets an entry. A new one comes last, others keep their place. It panics on a
// value that From refuses.
func (a *Array) SetKey(k Key, v any) { a.put(k, must(v)) }

// Adopt sets an entry to a value that From has made, or an Array of such, without a
// copy. The caller gives it away: an Array that lies in two places, or in itself, is a
// mistake that nothing finds.
func (a *Array) Adopt(k Key, v any) { a.put(k, v) }

// Append adds a value under the int that follows the highest one so far, from 0 on. It
// panics on a value that From refuses, and when there is no such int any more.
func (a *Array) Append(v any) {
	v = must(v)
	if a.next == math.MaxInt64 && a.find(IntKey(a.next)) >= 0 {
		panic("phpserialize: no int is left for the key of another value")
	}
	a.put(IntKey(a.next), v)
}

// DeleteKey removes an entry.
func (a *Array) DeleteKey(k Key) {
	i := a.find(k)
	if i < 0 {
		return
	}
	if i < len(a.vals)-1 {
		a.nameKeys()
	}
	delete(a.index, k)
	a.vals[i] = hole{}
	if a.keys != nil {
		a.keys[i] = vacant
	}
	a.holes++
	if i < len(a.vals)-1 {
		a.rising = false
		a.buildIndex()
	}
	for n := len(a.vals); n > 0 && a.vals[n-1] == (hole{}); n-- {
		a.vals = a.vals[:n-1]
		if a.keys != nil {
			a.keys = a.keys[:n-1]
		}
		a.holes--
	}
}

// Clear removes all entries; Append begins at 0 again.
func (a *Array) Clear() { *a = Array{epoch: a.epoch + 1} }

// Clone returns a copy that shares nothing that can be changed.
func (a *Array) Clone() *Array {
	if a == nil {
		return nil
	}
	c := &Array{next: a.next, rising: a.rising, vals: make([]any, 0, a.Len())}
	if a.keys != nil {
		c.keys = make([]Key, 0, a.Len())
	}
	for k, v := range a.All() {
		if nested, ok := v.(*Array); ok {
			v = nested.Clone()
		}
		c.vals = append(c.vals, v)
		if c.keys != nil {
			c.keys = append(c.keys, k)
		}
	}
	c.buildIndex()
	return c
}

// find returns the place of k, -1 when it has none.
func (a *Array) find(k Key) int {
	if a == nil || len(a.vals) == 0 {
		return -1
	}
	if a.keys == nil {
		if k.isText || k.num < 0 || k.num >= int64(len(a.vals)) {
			return -1
		}
		return int(k.num)
	}
	if a.index != nil {
		if i, ok := a.index[k]; ok {
			return int(i)
		}
		return -1
	}
	if a.rising {
		i := sort.Search(len(a.keys), func(i int) bool { return a.keys[i].num >= k.num })
		if i < len(a.keys) && a.keys[i] == k {
			return i
		}
		return -1
	}
	for i := range a.keys {
		if a.keys[i] == k {
			return i
		}
	}
	return -1
}

// put sets an entry to a value of the package comment and returns its place.
func (a *Array) put(k Key, v any) int {
	highest := !k.isText && k.num >= a.next && k.num < math.MaxInt64 // so it is new
	if !highest {
		if i := a.find(k); i >= 0 {
			a.vals[i] = v
			return i
		}
	}
	if a.holes > indexAbove && int(a.holes) > len(a.vals)/2 {
		a.compact()
	}
	if a.keys == nil && k != IntKey(int64(len(a.vals))) {
		a.nameKeys()
	}
	if a.keys != nil {
		a.keys = append(a.keys, k)
		a.rising = a.rising && highest
	}
	a.vals = append(a.vals, v)
	if a.index != nil {
		a.index[k] = int32(len(a.vals) - 1)
	} else {
		a.buildIndex()
	}
	if !k.isText && k.num >= a.next {
		a.next = k.num
		if k.num < math.MaxInt64 {
			a.next++
		}
	}
	return len(a.vals) - 1
}

// nameKeys gives the entries of a list keys of their own.
func (a *Array) nameKeys() {
	if a.keys != nil {
		return
	}
	a.rising = true
	a.keys = make([]Key, len(a.vals), len(a.vals)+1)
	for i := range a.keys {
		a.keys[i] = Key{num: int64(i)}
	}
}

// buildIndex makes an index when there are so many keys that a search needs one.
func (a *Array) buildIndex() {
	if len(a.keys) <= indexAbove || a.rising || a.index != nil {
		return
	}
	a.index = make(map[Key]int32, len(a.keys))
	for i, k := range a.keys {
		if k != vacant {
			a.index[k] = int32(i)
		}
	}
}

// compact drops the holes. The old keys stay as they are, for walks.
func (a *Array) compact() {
	keys, vals := make([]Key, 0, a.Len()+1), make([]any, 0, a.Len()+1)
	for k, v := range a.All() {
		keys, vals = append(keys, k), append(vals, v)
	}
	a.keys, a.vals, a.index, a.holes = keys, vals, nil, 0
	a.epoch++
	a.buildIndex()
}

// must is From for values that an author gives.
func must(v any) any {
	v, err := From(v)
	if err != nil {
		panic(err.Error())
	}
	return v
}
