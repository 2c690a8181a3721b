package phpserialize

// Get returns the value of a key, nil when there is none; Has tells null from none.
// "7" finds the int key 7.
func (a *Array) Get(key string) any { return a.GetKey(KeyOf(key)) }

// GetInt returns the value of an int key, nil when there is none.
func (a *Array) GetInt(n int64) any { return a.GetKey(IntKey(n)) }

// GetKey returns the value of a key, nil when there is none.
func (a *Array) GetKey(k Key) any {
	if i := a.find(k); i >= 0 {
		return a.vals[i]
	}
	return nil
}

// Has says that there is an entry, be its value null.
func (a *Array) Has(key string) bool { return a.find(KeyOf(key)) >= 0 }

// HasInt says that there is an entry with an int key.
func (a *Array) HasInt(n int64) bool { return a.find(IntKey(n)) >= 0 }

// Set sets the value of a key, "7" that of the int 7. A new entry comes last, others
// keep their place. It panics on a value that From refuses.
func (a *Array) Set(key string, v any) { a.SetKey(KeyOf(key), v) }

// SetInt sets the value of an int key, as Set does.
func (a *Array) SetInt(n int64, v any) { a.SetKey(IntKey(n), v) }

// Delete removes the entry of a key.
func (a *Array) Delete(key string) { a.DeleteKey(KeyOf(key)) }

// DeleteInt removes the entry of an int key.
func (a *Array) DeleteInt(n int64) { a.DeleteKey(IntKey(n)) }

// String returns the value of a key as ToString does.
func (a *Array) String(key string) string { return ToString(a.Get(key)) }

// Int returns the value of a key as ToInt does.
func (a *Array) Int(key string) int64 { return ToInt(a.Get(key)) }

// Float returns the value of a key as ToFloat does.
func (a *Array) Float(key string) float64 { return ToFloat(a.Get(key)) }

// Bool returns the value of a key as ToBool does.
func (a *Array) Bool(key string) bool { return ToBool(a.Get(key)) }

// Array returns the Array of a key, itself and not a copy; nil when there is none.
func (a *Array) Array(key string) *Array {
	nested, _ := a.Get(key).(*Array)
	return nested
}
