package gateway

import (
	"hash/crc32"
	"unsafe"
)

// sessionVersion is what tells a BusinessWorker that a session was changed elsewhere
// while an event was on its way (wire.md 3.4 step 3): crc32 of PHP.
func sessionVersion(ext string) uint32 {
	return crc32.ChecksumIEEE(unsafe.Slice(unsafe.StringData(ext), len(ext)))
}
