package phpserialize

import "fmt"

// Merge returns old with the entries of new put over it, as array_replace_recursive
// does (wire.md 2.9): where both have an Array under a key, those are merged, else the
// new value counts, null too. Keys keep their old place, new ones come last. So an empty
// Array never clears one. Neither argument is changed nor part of the result.
func Merge(old, new *Array) *Array {
	merged := old.Clone()
	if merged == nil {
		merged = &Array{}
	}
	merged.merge(new.Clone())
	return merged
}

// merge puts the entries of b over a; a takes what is nested in b.
func (a *Array) merge(b *Array) {
	for k, v := range b.All() {
		if nested, ok := v.(*Array); ok {
			if mine, ok := a.GetKey(k).(*Array); ok {
				mine.merge(nested)
				continue
			}
		}
		a.put(k, v)
	}
}

// MergeSession is what a Gateway does on UPDATE_SESSION (wire.md 2.9): update as it
// is when nothing is stored, else both read, merged and written again. An error says
// that one of them is not an array that can be read; what is stored then stays.
func MergeSession(stored, update string) (string, error) {
	if stored == "" || stored == "0" {
		return update, nil
	}
	old, err := sessionArray(stored)
	if err != nil {
		return "", fmt.Errorf("stored session: %w", err)
	}
	over, err := sessionArray(update)
	if err != nil {
		return "", fmt.Errorf("update of a session: %w", err)
	}
	old.merge(over)
	merged, err := Append(make([]byte, 0, len(stored)+len(update)), old)
	return string(merged), err
}

func sessionArray(ext string) (*Array, error) {
	v, err := Unmarshal(ext)
	if err != nil {
		return nil, err
	}
	a, ok := v.(*Array)
	if !ok {
		return nil, fmt.Errorf("%w: not an array", ErrType)
	}
	return a, nil
}
