package supervisor

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/workerman-go/wm/ipc"
)

// masked is a state without the numbers of its descriptors.
func masked(st *ipc.State) []string {
	var lines []string
	walk(reflect.ValueOf(st).Elem(), func(owner reflect.Type, field string, v reflect.Value) {
		switch field {
		case "FD", "Dir", "Own", "Lock", "Inherited", "Mono", "Comm":
		default:
			nested := v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct ||
				strings.HasSuffix(v.Type().Name(), "State")
			if !nested && v.Kind() != reflect.Pointer {
				lines = append(lines, fmt.Sprintf("%s.%s %v", owner.Name(), field, v))
			}
		}
	})
	return lines
}

// zeros lists the fields that are empty wherever their struct is.
func zeros(v reflect.Value) []string {
	filled := map[string]bool{}
	walk(v, func(owner reflect.Type, field string, v reflect.Value) {
		path := owner.Name() + "." + field
		filled[path] = filled[path] || !v.IsZero()
	})
	var empty []string
	for _, path := range slices.Sorted(maps.Keys(filled)) {
		if !filled[path] {
			empty = append(empty, path)
		}
	}
	return empty
}

// walk visits every field of the structs of a state, below structs, pointers
// and slices.
func walk(v reflect.Value, visit func(owner reflect.Type, field string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), visit)
		}
	case reflect.Struct:
		if name := v.Type().Name(); !strings.HasSuffix(name, "State") && name != "FileAt" &&
			name != "Partial" {
			return
		}
		for i := range v.NumField() {
			visit(v.Type(), v.Type().Field(i).Name, v.Field(i))
			walk(v.Field(i), visit)
		}
	}
}
