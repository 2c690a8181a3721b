package wire

// Command says what a packet is (wire.md 2.4).
type Command uint8

// Events, from a Gateway to a BusinessWorker.
const (
	OnConnect          Command = 1
	OnMessage          Command = 3
	OnClose            Command = 4
	Ping               Command = 201
	OnWebSocketConnect Command = 205
)

// What a Gateway does without an answer.
const (
	SendToOne     Command = 5
	SendToAll     Command = 6
	Kick          Command = 7
	Destroy       Command = 8
	UpdateSession Command = 9
	BindUID       Command = 12
	UnbindUID     Command = 13
	SendToUID     Command = 14
	JoinGroup     Command = 20
	LeaveGroup    Command = 21
	SendToGroup   Command = 22
	Ungroup       Command = 27
	SetSession    Command = 204
)

// Questions to a Gateway. Each has one answer, see AppendReply.
const (
	GetAllClientSessions       Command = 10
	IsOnline                   Command = 11
	GetClientIDByUID           Command = 15
	BatchGetClientIDByUID      Command = 16
	GetClientSessionsByGroup   Command = 23
	GetClientCountByGroup      Command = 24
	Select                     Command = 25
	GetGroupIDList             Command = 26
	BatchGetClientCountByGroup Command = 28
	GetSessionByClientID       Command = 203
)

// Who connects says one of these first.
const (
	WorkerConnect        Command = 200
	GatewayClientConnect Command = 202
)

// Between wm and wm only: PHP ignores them. A Gateway sends Welcome to a
// BusinessWorker that said in its WorkerConnect that it is wm. A BusinessWorker
// that is about to leave sends Drain; the Gateway answers it with Drain, which is
// the last packet that it sends on this link, and holds what its clients send. The
// BusinessWorker sends Drained behind its last command; then the clients of the
// link are bound anew. In between it gives back, with Return, the events that it has
// not begun, those of each client in their order: the Gateway delivers them again,
// in front of what it holds, and answers Drained; or hands them back when nobody else
// is there by then, with Drain behind them. A Return is the packet of the event, but that its
// command is Return and that GatewayPort says which event it is; its ext is the
// session as the BusinessWorker knows it.
const (
	Welcome Command = 220
	Drain   Command = 221
	Drained Command = 222
	Return  Command = 223
)

// Flag has the bits of a packet's flag.
type Flag uint8

const (
	// Scalar says that the body is bytes; without it, it is a value of PHP
	// serialize (wire.md 2.3).
	Scalar Flag = 0x01
	// Raw says that the protocol of the client is not asked to encode.
	Raw Flag = 0x02
	// IPv6 says that the ext data begins with the 16 bytes of the address of the
	// client: Packet.ClientIPv6. Between wm and wm only.
	IPv6 Flag = 0x40
	// TakesBack is for the Drain of a Gateway: there is another BusinessWorker for
	// what is returned. Without it, who leaves had better handle what it has.
	TakesBack Flag = 0x80
)
