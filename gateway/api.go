package gateway

import "context"

// The package functions are PHP's Lib\Gateway line by line, on Default: the methods of
// Client without a context. Any goroutine may call them. In a BusinessWorker those
// that send never block. Those that ask wait for the Gateways, at most
// Default.Timeout, and on the loop nothing else runs meanwhile. While Default is nil
// they return ErrNoClient.

// SendToAll sends v to every client, see Client.SendTo.
func SendToAll(v any) error { return Default.SendToAll(context.Background(), v) }

// SendToClients sends v to some clients, to nobody for nil or an empty list, see
// Client.SendTo.
func SendToClients(clientIDs []string, v any) error {
	return Default.SendToClients(context.Background(), clientIDs, v)
}

// SendToClient sends v to one client, see Client.SendToClient.
func SendToClient(clientID string, v any) error {
	return Default.SendToClient(context.Background(), clientID, v)
}

// SendToUID sends v to all clients of a uid, see Client.SendTo.
func SendToUID(uid string, v any) error { return Default.SendToUID(context.Background(), uid, v) }

// SendToGroup sends v to the members of a group, see Client.SendTo.
func SendToGroup(group string, v any) error {
	return Default.SendToGroup(context.Background(), group, v)
}

// SendTo sends v to a Target: to lists, without some, or raw. See Client.SendTo.
func SendTo(t Target, v any) error { return Default.SendTo(context.Background(), t, v) }

// CloseClient sends the last messages, if given, and closes the connection of a
// client, see Client.CloseClient.
func CloseClient(clientID string, last ...any) error {
	return Default.CloseClient(context.Background(), clientID, last...)
}

// DestroyClient cuts the connection of a client at once.
func DestroyClient(clientID string) error {
	return Default.DestroyClient(context.Background(), clientID)
}

// BindUID makes a client one of those of a uid, see Client.BindUID.
func BindUID(clientID, uid string) error {
	return Default.BindUID(context.Background(), clientID, uid)
}

// UnbindUID takes the uid from a client, see Client.UnbindUID.
func UnbindUID(clientID, uid string) error {
	return Default.UnbindUID(context.Background(), clientID, uid)
}

// JoinGroup makes a client a member of a group, see Client.JoinGroup.
func JoinGroup(clientID, group string) error {
	return Default.JoinGroup(context.Background(), clientID, group)
}

// LeaveGroup takes a client out of a group.
func LeaveGroup(clientID, group string) error {
	return Default.LeaveGroup(context.Background(), clientID, group)
}

// Ungroup takes all members out of a group.
func Ungroup(group string) error { return Default.Ungroup(context.Background(), group) }

// SetSession replaces the session of a client, see Client.SetSession.
func SetSession(clientID string, s map[string]any) error {
	return Default.SetSession(context.Background(), clientID, s)
}

// UpdateSession merges s into the session of a client, see Client.UpdateSession.
func UpdateSession(clientID string, s map[string]any) error {
	return Default.UpdateSession(context.Background(), clientID, s)
}
