package http1

// method is one of the methods of features.md 25.5; 0 is none of them.
type method uint8

const (
	methodGet method = iota + 1
	methodPost
	methodOptions
	methodHead
	methodDelete
	methodPut
	methodPatch
)

var methodNames = [...]string{
	methodGet:     "GET",
	methodPost:    "POST",
	methodOptions: "OPTIONS",
	methodHead:    "HEAD",
	methodDelete:  "DELETE",
	methodPut:     "PUT",
	methodPatch:   "PATCH",
}

// methodOf knows upper case only.
func methodOf(name []byte) method {
	for m := methodGet; m <= methodPatch; m++ {
		if string(name) == methodNames[m] {
			return m
		}
	}
	return 0
}
