package wire

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// ToAll is the ext data of SendToAll (wire.md 2.5). Its zero value is everybody.
type ToAll struct {
	Only        bool     // Connections alone, also when there are none; Exclude is not looked at
	Connections []uint32 // in this order
	Exclude     []uint32
}

// ToGroup is the ext data of SendToGroup.
type ToGroup struct {
	Groups  []string
	Exclude []uint32
}

// Selection is the ext data of Select (wire.md 2.7): the fields of every client
// that at least one of the Where finds; of all clients without any.
type Selection struct {
	Fields []string
	Where  []Where
}

// Where is one key of a Selection: "groups", "uid" or "connection_id".
type Where struct {
	Key    string
	Values []string // of "connection_id" the digits of each
}

// Append appends the ext data: none for everybody.
func (t ToAll) Append(dst []byte) []byte {
	switch {
	case t.Only:
		return append(appendIDs(append(dst, `{"connections":`...), t.Connections), '}')
	case len(t.Exclude) > 0:
		return append(appendIDs(append(dst, `{"exclude":`...), t.Exclude), '}')
	}
	return dst
}

// ParseToAll reads what Append has appended, and lists as well as objects of
// connections. What it cannot read, or does not know, is an error and not
// everybody, which is what PHP makes of it: a message for a few must not go to all.
func ParseToAll(ext []byte) (ToAll, error) {
	var t ToAll
	if len(ext) == 0 {
		return t, nil
	}
	r := reader{b: ext}
	err := r.object(func(key string) (err error) {
		switch key {
		case "connections":
			t.Only = true
			t.Connections, err = r.connections()
		case "exclude":
			t.Exclude, err = r.excluded()
		default:
			err = unknown(key)
		}
		return err
	})
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return ToAll{}, err
	}
	return t, nil
}

// Append appends the ext data. The error is that of a group, see AppendStrings.
func (t ToGroup) Append(dst []byte) ([]byte, error) {
	dst, err := AppendStrings(append(dst, `{"group":`...), t.Groups)
	if err != nil {
		return dst, err
	}
	dst = append(dst, `,"exclude":`...)
	if len(t.Exclude) == 0 {
		return append(dst, "null}"...), nil
	}
	return append(appendIDs(dst, t.Exclude), '}'), nil
}

// ParseToGroup reads what Append has appended, and groups that are integers, as PHP
// writes them where the author has.
func ParseToGroup(ext []byte) (ToGroup, error) {
	var t ToGroup
	r, named := reader{b: ext}, false
	err := r.object(func(key string) (err error) {
		switch key {
		case "group":
			named = true
			t.Groups, err = r.strings()
		case "exclude":
			t.Exclude, err = r.excluded()
		default:
			err = unknown(key)
		}
		return err
	})
	if err == nil {
		err = r.end()
	}
	if err == nil && !named {
		err = fmt.Errorf("%w: no group", ErrJSON)
	}
	if err != nil {
		return ToGroup{}, err
	}
	return t, nil
}

// Append appends the ext data. The errors are those of AppendStrings, and of a
// connection id that is none.
func (s Selection) Append(dst []byte) ([]byte, error) {
	dst, err := AppendStrings(append(dst, `{"fields":`...), s.Fields)
	if err != nil {
		return dst, err
	}
	dst = append(dst, `,"where":`...)
	if len(s.Where) == 0 {
		return append(dst, "[]}"...), nil
	}
	for i, w := range s.Where {
		dst = append(dst, "{,"[min(i, 1)])
		if !utf8.ValidString(w.Key) {
			return dst, fmt.Errorf("%w: %q", ErrUTF8, w.Key)
		}
		dst = append(appendText(dst, w.Key), ':')
		if dst, err = w.appendValues(dst); err != nil {
			return dst, err
		}
	}
	return append(dst, "}}"...), nil
}

func (w Where) appendValues(dst []byte) ([]byte, error) {
	if w.Key != "connection_id" {
		return AppendStrings(dst, w.Values)
	}
	ids := make([]uint32, len(w.Values))
	for i, value := range w.Values {
		id, err := connectionID(value)
		if err != nil {
			return dst, err
		}
		ids[i] = id
	}
	return appendIDs(dst, ids), nil
}

// ParseSelection reads what Append has appended. A Gateway answers what is an error
// here as if nobody was found: a question always has its answer.
func ParseSelection(ext []byte) (Selection, error) {
	var s Selection
	r, named := reader{b: ext}, false
	err := r.object(func(key string) (err error) {
		switch key {
		case "fields":
			named = true
			s.Fields, err = r.strings()
		case "where":
			s.Where, err = r.wheres()
		default:
			err = unknown(key)
		}
		return err
	})
	if err == nil {
		err = r.end()
	}
	if err == nil && !named {
		err = fmt.Errorf("%w: no fields", ErrJSON)
	}
	if err != nil {
		return Selection{}, err
	}
	return s, nil
}

// AppendStrings appends uids or groups as a list: the ext data of SendToUID,
// BatchGetClientIDByUID and BatchGetClientCountByGroup. ErrUTF8 says which one
// cannot be sent that way; PHP would send none of them, and say nothing.
func AppendStrings(dst []byte, list []string) ([]byte, error) {
	dst = append(dst, '[')
	for i, s := range list {
		if !utf8.ValidString(s) {
			return dst, fmt.Errorf("%w: %q", ErrUTF8, s)
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, s)
	}
	return append(dst, ']'), nil
}

// ParseStrings reads a list of strings and integers, or the values of an object:
// PHP writes a list with holes as one. Floats, bools, null and lists in it are an
// error.
func ParseStrings(ext []byte) ([]string, error) {
	r := reader{b: ext}
	list, err := r.strings()
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return nil, err
	}
	return list, nil
}

func (r *reader) strings() ([]string, error) {
	var list []string
	err := r.container(func(string) error {
		s, err := r.scalar()
		list = append(list, s)
		return err
	})
	return list, err
}

// wheres reads an object. A key that comes twice counts as it comes last.
func (r *reader) wheres() ([]Where, error) {
	if r.null() {
		return nil, nil
	}
	var list []Where
	err := r.object(func(key string) error {
		values, err := r.strings()
		for i := range list {
			if list[i].Key == key {
				list[i].Values = values
				return err
			}
		}
		if len(list) == maxWheres {
			return fmt.Errorf("%w: more than %d conditions", ErrJSON, maxWheres)
		}
		list = append(list, Where{Key: key, Values: values})
		return err
	})
	return list, err
}

// maxWheres is more than there are keys that mean something.
const maxWheres = 16

// connections reads the values of an object or a list. An id that comes twice
// counts once, as in PHP's arrays.
func (r *reader) connections() ([]uint32, error) {
	var list []uint32
	seen := make(map[uint32]bool)
	err := r.container(func(string) error {
		value, err := r.scalar()
		if err != nil {
			return err
		}
		id, err := connectionID(value)
		if err == nil && !seen[id] {
			seen[id] = true
			list = append(list, id)
		}
		return err
	})
	return list, err
}

// excluded reads the keys of an object; those of a list are its positions.
func (r *reader) excluded() ([]uint32, error) {
	if r.null() {
		return nil, nil
	}
	var list []uint32
	err := r.container(func(key string) error {
		id, err := connectionID(key)
		if err != nil {
			return err
		}
		list = append(list, id)
		_, err = r.scalar()
		return err
	})
	return list, err
}

// connectionID reads the digits of an id.
func connectionID(s string) (uint32, error) {
	id, err := strconv.ParseUint(s, 10, 32)
	if err != nil || strconv.FormatUint(id, 10) != s {
		return 0, fmt.Errorf("%w: %q is no connection id", ErrJSON, s)
	}
	return uint32(id), nil
}

// appendIDs appends {"1":1,"5":5}: who looks up keys and who reads values finds
// the same.
func appendIDs(dst []byte, ids []uint32) []byte {
	dst = append(dst, '{')
	for i, id := range ids {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = strconv.AppendUint(dst, uint64(id), 10)
		dst = append(dst, '"', ':')
		dst = strconv.AppendUint(dst, uint64(id), 10)
	}
	return append(dst, '}')
}

func unknown(key string) error { return fmt.Errorf("%w: unknown key %q", ErrJSON, key) }
