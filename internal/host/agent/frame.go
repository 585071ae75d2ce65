package agent

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Limits of what either side reads and sends, in bytes.
const (
	lineLimit    = 4 << 20   // of a line: a Hello has a whole environment
	pieceLimit   = 128 << 10 // a longer message goes in pieces, and heartbeats go between them
	messageLimit = 64 << 20  // of all messages whose pieces are still coming
	bodyLimit    = 60 << 20  // of a message
)

// Kinds of frames that are no calls.
const (
	kindAnswer = "answer"
	kindCancel = "cancel" // of a call; it also releases what the call holds
	kindBeat   = "beat"
	kindDone   = "done"   // the child of a start call has ended
	kindGone   = "gone"   // its tree has
	kindEnding = "ending" // the agent stops everything, for the reason in its fault
	kindPiece  = "piece"
)

// frame is a message, or a piece of the JSON of a longer one.
type frame struct {
	ID    uint64          `json:"id,omitempty"` // of the call
	Kind  string          `json:"kind"`
	Body  json.RawMessage `json:"body,omitempty"`
	Fault *fault          `json:"fault,omitempty"`
	Piece string          `json:"piece,omitempty"`
	Data  []byte          `json:"data,omitempty"`  // of a tunnelled connection
	Count int             `json:"count,omitempty"` // of its bytes
	Last  bool            `json:"last,omitempty"`  // the message is complete
}

// lines are the lines of a message: one, or those of its pieces.
func (f frame) lines() ([][]byte, error) {
	if len(f.Body) > bodyLimit {
		return nil, fmt.Errorf("cannot send %d MiB at once: %d MiB is the limit", len(f.Body)>>20, bodyLimit>>20)
	}
	whole, err := json.Marshal(f)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot encode a message: %w", err)
	case len(whole) <= pieceLimit:
		return [][]byte{append(whole, '\n')}, nil
	}
	var lines [][]byte
	for len(whole) > 0 {
		end := min(pieceLimit, len(whole))
		for end < len(whole) && !utf8.RuneStart(whole[end]) {
			end--
		}
		piece := frame{ID: f.ID, Kind: kindPiece, Piece: string(whole[:end]), Last: end == len(whole)}
		line, err := json.Marshal(piece)
		if err != nil {
			return nil, fmt.Errorf("cannot encode a message: %w", err)
		}
		lines, whole = append(lines, append(line, '\n')), whole[end:]
	}
	return lines, nil
}

// reader reads the lines of the other side.
type reader struct {
	in     *bufio.Reader
	pieces map[uint64]*strings.Builder
	held   int // bytes in pieces
	limit  int // of held
}

func newReader(in io.Reader) *reader {
	return &reader{in: bufio.NewReaderSize(in, 64<<10), pieces: map[uint64]*strings.Builder{}, limit: messageLimit}
}

// line reads one line without its end. Input that ends within a line is io.ErrUnexpectedEOF.
func (r *reader) line() ([]byte, error) {
	var line []byte
	for {
		part, err := r.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > lineLimit:
			return nil, fmt.Errorf("a line has more than %d MiB", lineLimit>>20)
		case err == nil:
			return bytes.TrimSpace(line), nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

// next reads the next message. A nil heard is allowed; it is called for each line.
func (r *reader) next(heard func()) (frame, error) {
	for {
		line, err := r.line()
		if err != nil {
			return frame{}, err
		}
		if heard != nil {
			heard()
		}
		if len(line) == 0 {
			continue
		}
		f, err := parse(line)
		if err != nil || f.Kind != kindPiece {
			return f, err
		}
		if whole, err := r.join(f); err != nil || whole != nil {
			return wholeFrame(whole, err)
		}
	}
}

func parse(line []byte) (f frame, err error) {
	if err := json.Unmarshal(line, &f); err != nil {
		return frame{}, fmt.Errorf("cannot read a message, %q: %w", line[:min(len(line), 80)], err)
	}
	return f, nil
}

// join adds a piece to its message, and returns the message when it is complete.
func (r *reader) join(f frame) (whole []byte, err error) {
	if r.held += len(f.Piece); r.held > r.limit {
		return nil, fmt.Errorf("messages have more than %d MiB", r.limit>>20)
	}
	if r.pieces[f.ID] == nil {
		r.pieces[f.ID] = &strings.Builder{}
		if r.held += 64; len(r.pieces) > 10_000 {
			return nil, errors.New("too many messages are incomplete")
		}
	}
	b := r.pieces[f.ID]
	b.WriteString(f.Piece)
	if !f.Last {
		return nil, nil
	}
	delete(r.pieces, f.ID)
	r.held -= b.Len() + 64
	return []byte(b.String()), nil
}

func wholeFrame(whole []byte, err error) (frame, error) {
	if err != nil {
		return frame{}, err
	}
	f, err := parse(whole)
	if err == nil && f.Kind == kindPiece {
		err = errors.New("a piece of a message is made of pieces")
	}
	return f, err
}
