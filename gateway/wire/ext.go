package wire

// ToAll is the ext data of SendToAll (wire.md 2.5). Its zero value is everybody.
type ToAll struct {
	Only        bool     // Connections alone, also when there are none
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
	Values []string
}
