package result

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"

	"github.com/go-json-experiment/json/jsontext"
)

// document reads one JSON document strictly: UTF-8, no key twice (in skipped
// values neither), nothing behind it.
type document struct {
	path string
	data []byte
	dec  *jsontext.Decoder
}

// buffer holds one file at a time: a new one for each of a thousand exports
// would cost more than reading it.
type buffer struct{ bytes []byte }

// load reads a regular file of at most MaxBytes. The data is good until the
// next load. The error is a *FileError or the file system's.
func (b *buffer) load(path string) (data []byte, err error) {
	file, size, err := open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if size > MaxBytes {
		return nil, &FileError{Path: path, Err: ErrTooLarge}
	}
	b.bytes = slices.Grow(b.bytes[:0], int(size))
	n, err := io.ReadFull(file, b.bytes[:size])
	if err != nil && err != io.EOF { // which says that it is empty by now
		return nil, fmt.Errorf("cannot read a result: %s: %w", path, err)
	}
	return b.bytes[:n], nil // what lies behind is of another file
}

// open opens a regular file. Without O_NONBLOCK, opening a FIFO would wait for its writer.
func open(path string) (file *os.File, size int64, err error) {
	file, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read a result: %w", err)
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		err = fmt.Errorf("cannot read a result: %w", err)
	case !info.Mode().IsRegular():
		err = &FileError{Path: path, Err: ErrNotFile}
	default:
		return file, info.Size(), nil
	}
	return nil, 0, errors.Join(err, file.Close())
}

// parse lets read read the one value that data holds.
func parse(path string, data []byte, read func(d *document) error) error {
	if err := unfit(data); err != nil {
		return &FileError{Path: path, Err: err}
	}
	// Half of the tokenizer's work is to look for keys that stand twice. It need
	// not where the names alone, which is quicker, show that there are none.
	twice := jsontext.AllowDuplicateNames(distinct(data))
	d := &document{path: path, data: data, dec: jsontext.NewDecoder(bytes.NewBuffer(data), twice)}
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

// unfit says why data need not be read at all.
func unfit(data []byte) error {
	switch {
	case len(data) > MaxBytes:
		return ErrTooLarge
	case len(bytes.TrimSpace(data)) == 0:
		return ErrEmpty
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return ErrBOM
	}
	return nil
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
