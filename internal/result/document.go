package result

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/go-json-experiment/json/jsontext"
)

// document reads one JSON document strictly: UTF-8, no key twice (the
// tokenizer sees to both, in skipped values too), nothing behind it.
type document struct {
	path string
	data []byte
	dec  *jsontext.Decoder
}

// load reads a regular file of at most MaxBytes. The error is a *FileError or
// the file system's.
func load(path string) (data []byte, err error) {
	// Without O_NONBLOCK, opening a FIFO would wait for its writer.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot read a result: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read a result: %w", err)
	case !info.Mode().IsRegular():
		return nil, &FileError{Path: path, Err: ErrNotFile}
	case info.Size() > MaxBytes:
		return nil, &FileError{Path: path, Err: ErrTooLarge}
	}
	data = make([]byte, info.Size())
	if _, err := io.ReadFull(file, data); err != nil && err != io.EOF {
		return nil, fmt.Errorf("cannot read a result: %s: %w", path, err)
	}
	return data, nil
}

// parse lets read read the one value that data holds.
func parse(path string, data []byte, read func(d *document) error) error {
	d := &document{path: path, data: data, dec: jsontext.NewDecoder(bytes.NewBuffer(data))}
	switch {
	case len(data) > MaxBytes:
		return d.fault(ErrTooLarge)
	case len(bytes.TrimSpace(data)) == 0:
		return d.fault(ErrEmpty)
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return d.fault(ErrBOM)
	}
	if err := read(d); err != nil {
		return err
	}
	switch rest := bytes.TrimLeft(data[d.dec.InputOffset():], " \t\r\n"); {
	case len(rest) == 0:
		return nil
	case rest[0] == 0:
		return d.fault(ErrNUL)
	default:
		return d.fault(ErrTrailing)
	}
}

// fault is an error at the value read last.
func (d *document) fault(err error) error {
	return &FileError{Path: d.path, Offset: d.dec.InputOffset(), Key: string(d.dec.StackPointer()), Err: err}
}

// syntax is an error of the tokenizer.
func (d *document) syntax(err error) error {
	fault := &FileError{Path: d.path, Offset: d.dec.InputOffset(), Key: string(d.dec.StackPointer())}
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		fault.Offset, fault.Key = s.ByteOffset, string(s.JSONPointer)
	}
	fault.Err = diagnose(d.data, fault.Offset, err)
	return fault
}
