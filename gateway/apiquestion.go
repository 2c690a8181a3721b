package gateway

import "context"

// IsOnline says whether a client is connected, see Client.IsOnline.
func IsOnline(clientID string) (bool, error) {
	return Default.IsOnline(context.Background(), clientID)
}

// SessionOf returns the session of a client for reading, nil when it is not online, see
// Client.SessionOf. (PHP's getSession.)
func SessionOf(clientID string) (*Session, error) {
	return Default.SessionOf(context.Background(), clientID)
}

// UIDByClientID returns the uid of a client, "" when it has none or is not online.
func UIDByClientID(clientID string) (string, error) {
	return Default.UIDByClientID(context.Background(), clientID)
}

// IsUIDOnline says whether a uid has a client.
func IsUIDOnline(uid string) (bool, error) {
	return Default.IsUIDOnline(context.Background(), uid)
}

// IsUIDsOnline says for each of some uids whether it has a client.
func IsUIDsOnline(uids []string) (map[string]bool, error) {
	return Default.IsUIDsOnline(context.Background(), uids)
}

// ClientIDByUID returns the clients of a uid, in the order of binding.
func ClientIDByUID(uid string) ([]string, error) {
	return Default.ClientIDByUID(context.Background(), uid)
}

// BatchClientIDByUID returns the clients of each of some uids.
func BatchClientIDByUID(uids []string) (map[string][]string, error) {
	return Default.BatchClientIDByUID(context.Background(), uids)
}

// AllClientCount returns how many clients there are.
func AllClientCount() (int, error) {
	return Default.AllClientCount(context.Background())
}

// ClientCountByGroup returns how many members a group has.
func ClientCountByGroup(group string) (int, error) {
	return Default.ClientCountByGroup(context.Background(), group)
}

// BatchClientCountByGroup returns how many members each of some groups has.
func BatchClientCountByGroup(groups []string) (map[string]int, error) {
	return Default.BatchClientCountByGroup(context.Background(), groups)
}

// AllClientIDList returns all clients, in the order of connecting.
func AllClientIDList() ([]string, error) {
	return Default.AllClientIDList(context.Background())
}

// ClientIDListByGroup returns the members of a group, in the order of joining.
func ClientIDListByGroup(group string) ([]string, error) {
	return Default.ClientIDListByGroup(context.Background(), group)
}

// AllClientSessions returns all clients with their sessions.
func AllClientSessions() ([]ClientSession, error) {
	return Default.AllClientSessions(context.Background())
}

// ClientSessionsByGroup returns the members of a group with their sessions, in the order
// of joining.
func ClientSessionsByGroup(group string) ([]ClientSession, error) {
	return Default.ClientSessionsByGroup(context.Background(), group)
}

// AllUIDList returns the uids that are online, each once.
func AllUIDList() ([]string, error) {
	return Default.AllUIDList(context.Background())
}

// UIDListByGroup returns the uids of the members of a group, each once.
func UIDListByGroup(group string) ([]string, error) {
	return Default.UIDListByGroup(context.Background(), group)
}

// AllUIDCount returns how many uids are online.
func AllUIDCount() (int, error) {
	return Default.AllUIDCount(context.Background())
}

// UIDCountByGroup returns how many uids the members of a group have.
func UIDCountByGroup(group string) (int, error) {
	return Default.UIDCountByGroup(context.Background(), group)
}

// AllGroupIDList returns the groups that have members.
func AllGroupIDList() ([]string, error) {
	return Default.AllGroupIDList(context.Background())
}

// AllGroupUIDList returns the uids of each group, see Client.AllGroupUIDList.
func AllGroupUIDList() (map[string][]string, error) {
	return Default.AllGroupUIDList(context.Background())
}

// AllGroupUIDCount returns how many uids each group has.
func AllGroupUIDCount() (map[string]int, error) {
	return Default.AllGroupUIDCount(context.Background())
}

// AllGroupClientIDList returns the members of each group.
func AllGroupClientIDList() (map[string][]string, error) {
	return Default.AllGroupClientIDList(context.Background())
}

// AllGroupClientIDCount returns how many members each group has.
func AllGroupClientIDCount() (map[string]int, error) {
	return Default.AllGroupClientIDCount(context.Background())
}

// Select returns the clients that where finds with some of their fields, see
// Client.Select.
func Select(fields []string, where Where) ([]Row, error) {
	return Default.Select(context.Background(), fields, where)
}
