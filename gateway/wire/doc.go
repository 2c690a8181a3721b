// Package wire is the bytes between Gateways, BusinessWorkers and clients of the
// API: packets with a header of 28 bytes (wire.md section 2), client ids, and what
// stands in the ext data of commands. It knows nothing of sockets, and the PHP
// GatewayWorker reads and writes the same.
package wire
