// Package ipc is the border between the processes of wm: what the master and
// its worker processes, the master and its probe, and the command line and the
// master say to each other, and nothing about how either side acts on it.
//
//	command line --control socket--> master --link--> worker process
//	                                   \-----link--> probe
//
// Links and control connections are SOCK_SEQPACKET sockets that carry the
// records of spec.md: an eight-byte header and a JSON body. Descriptors travel
// beside a record as ancillary data. Spec is what the master knows of a
// Worker, Handover what a started process is told before its first record,
// and Snapshot what the status command shows.
package ipc
