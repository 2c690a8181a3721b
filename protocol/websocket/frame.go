package websocket

import (
	"encoding/binary"
	"math"
)

// opcode says what a frame is, RFC 6455 section 5.2.
type opcode byte

const (
	opContinuation opcode = 0
	opText         opcode = 1
	opBinary       opcode = 2
	opClose        opcode = 8
	opPing         opcode = 9
	opPong         opcode = 10
)

// The bits and sizes of a frame header, RFC 6455 section 5.2.
const (
	bitFin      = 0x80
	bitsRSV     = 0x70
	bitRSV1     = 0x40 // the message is compressed, RFC 7692
	bitsOpcode  = 0x0f
	bitMask     = 0x80
	bitsLength  = 0x7f
	bitControl  = 0x08 // of an opcode
	length16    = 126
	length64    = 127
	maxControl  = 125
	maskBytes   = 4
	headerBytes = 2
)

// input returns the length of the frame at the beginning of buf.
func (s *session) input(buf []byte, limit int) (int, error) {
	if s.ended {
		return min(len(buf), limit), nil
	}
	if len(buf) < headerBytes {
		return 0, nil
	}
	if !s.mayCome(buf[0], buf[1]) {
		return 0, s.refuse(protocolError)
	}
	header, length := headerBytes, uint64(buf[1]&bitsLength)
	switch length {
	case length16:
		if len(buf) < headerBytes+2 {
			return 0, nil
		}
		header, length = header+2, uint64(binary.BigEndian.Uint16(buf[headerBytes:]))
	case length64:
		if len(buf) < headerBytes+8 {
			return 0, nil
		}
		header, length = header+8, binary.BigEndian.Uint64(buf[headerBytes:])
	}
	if !s.dialled {
		header += maskBytes
	}
	if length > math.MaxInt64 || !minimal(buf[1]&bitsLength, length) {
		return 0, s.refuse(protocolError)
	}
	// Control frames are bounded by themselves and may stand between the
	// fragments of a message that is as large as allowed.
	isData := buf[0]&bitControl == 0
	if isData && int64(length) > int64(limit-header-s.fragments.size()) {
		return 0, s.refuse(messageTooBig)
	}
	return header + int(length), nil
}

// minimal says that a length could not have been written shorter, as it must be
// (RFC 6455 section 5.2).
func minimal(form byte, length uint64) bool {
	switch form {
	case length16:
		return length > maxControl
	case length64:
		return length > math.MaxUint16
	}
	return true
}

// mayCome refuses the first two bytes of a frame that may not come now: masked
// by the wrong side, extended, of an unknown kind, or out of the sequence of
// fragments.
func (s *session) mayCome(first, second byte) bool {
	fin, op := first&bitFin != 0, opcode(first&bitsOpcode)
	ok := (second&bitMask != 0) != s.dialled
	switch op {
	case opText, opBinary:
		return ok && s.kind == opContinuation && s.mayExtend(first&bitsRSV)
	case opContinuation:
		return ok && s.kind != opContinuation && first&bitsRSV == 0
	case opClose, opPing, opPong:
		return ok && fin && second&bitsLength <= maxControl && first&bitsRSV == 0
	}
	return false
}

// mayExtend accepts RSV1 on the first frame of a message where compression was
// agreed, RFC 7692 section 6.
func (s *session) mayExtend(rsv byte) bool {
	return rsv == 0 || rsv == bitRSV1 && s.extension != nil
}

// unmask returns the payload of a whole frame, decoded where it lies.
func unmask(frame []byte) []byte {
	header := headerBytes
	switch frame[1] & bitsLength {
	case length16:
		header += 2
	case length64:
		header += 8
	}
	if frame[1]&bitMask == 0 {
		return frame[header:]
	}
	key := binary.LittleEndian.Uint32(frame[header:])
	payload := frame[header+maskBytes:]
	if key != 0 {
		xor(payload, key)
	}
	return payload
}

// xor works in words of eight bytes while it can, RFC 6455 section 5.3.
func xor(p []byte, key uint32) {
	word := uint64(key)<<32 | uint64(key)
	for len(p) >= 32 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^word)
		binary.LittleEndian.PutUint64(p[8:], binary.LittleEndian.Uint64(p[8:])^word)
		binary.LittleEndian.PutUint64(p[16:], binary.LittleEndian.Uint64(p[16:])^word)
		binary.LittleEndian.PutUint64(p[24:], binary.LittleEndian.Uint64(p[24:])^word)
		p = p[32:]
	}
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^word)
		p = p[8:]
	}
	for i := range p {
		p[i] ^= byte(key >> (i % maskBytes * 8))
	}
}
