package phpserialize

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/workerman-go/wm/protocol"
)

// Text returns a string, int, float or bool as PHP prints it, which is how a Gateway
// gets it as a message (wire.md 2.3): 5 is "5", 1.5 is "1.5" (14 digits), true is "1" and
// false "". For everything else it returns false: that travels serialised. Go ints,
// []byte and their like count as what From makes of them.
func Text(v any) (text string, scalar bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case []byte:
		return string(v), true
	case nil, *Array, Opaque:
		return "", false
	}
	v, _ = From(v) // an error leaves nil, no scalar
	switch v := v.(type) {
	case string:
		return v, true
	case bool, int64, float64:
		printed, err := protocol.AppendText(nil, v)
		return string(printed), err == nil
	}
	return "", false
}

// ToString is a scalar as Text returns it, and "" for all else.
func ToString(v any) string {
	text, _ := Text(v)
	return text
}

// ToInt is an int, a float without its fraction, 1 for true, and the number that a string
// begins with, as a cast of PHP; 0 for all else, floats beyond the ints among it.
func ToInt(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		if math.Abs(v) < 1<<63 {
			return int64(v)
		}
	case bool:
		if v {
			return 1
		}
	case string:
		n, err := strconv.ParseInt(strings.Trim(v, blanks), 10, 64)
		if !errors.Is(err, strconv.ErrSyntax) {
			return n // the highest or lowest int for what is beyond
		}
		return ToInt(leadingFloat(v))
	}
	return 0
}

// ToFloat is a float, an int, 1 for true, and the number that a string begins with, as
// a cast of PHP; 0 for all else.
func ToFloat(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int64:
		return float64(v)
	case bool:
		if v {
			return 1
		}
	case string:
		return leadingFloat(v)
	}
	return 0
}

// ToBool is false for what PHP takes for it: null, false, 0, 0.0, "", "0" and an Array
// without entries.
func ToBool(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != "" && v != "0"
	case *Array:
		return v.Len() > 0
	}
	return true
}

// blanks may stand in front of a number.
const blanks = " \t\n\r\v\f"

// leadingFloat is the number that text begins with.
func leadingFloat(text string) float64 {
	text = strings.TrimLeft(text, blanks)
	end := 0
	for i := 1; i <= len(text) && strings.IndexByte("+-.0123456789eE", text[i-1]) >= 0; i++ {
		if plainFloat(text[:i]) {
			end = i
		}
	}
	f, _ := strconv.ParseFloat(text[:end], 64)
	return f
}
