package journal

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"
)

// Every event has a decoder, and a name of its own.
func TestEveryEventIsDecoded(t *testing.T) {
	source, err := os.ReadFile("kinds.go")
	if err != nil {
		t.Fatal(err)
	}
	var written, decoded []string
	methods := regexp.MustCompile(`(?m)^func \(\w+\) Kind\(\) string +\{ return "([^"]+)" \}$`)
	for _, m := range methods.FindAllSubmatch(source, -1) {
		written = append(written, string(m[1]))
	}
	for _, d := range decoders() {
		decoded = append(decoded, d.kind)
	}
	slices.Sort(written)
	slices.Sort(decoded)
	if !slices.Equal(written, decoded) || len(written) < 30 || len(slices.Compact(written)) != len(decoded) {
		t.Errorf("events\n%v\ndecoders\n%v", written, decoded)
	}
}

// Every event reads back as it was written, with each of its fields set, and empty.
func TestEventsRoundTrip(t *testing.T) {
	for _, d := range decoders() {
		zero, err := d.decode([]byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		full := reflect.New(reflect.TypeOf(zero)).Elem()
		fill(t, full)
		for _, want := range []Event{zero, full.Interface().(Event)} {
			line, err := journalLine(head{Seq: 1, Event: want.Kind()}, want)
			if err != nil {
				t.Errorf("%s: %v", d.kind, err)
				continue
			}
			r, err := parseLine(line, 1)
			if err != nil || !reflect.DeepEqual(r.Event, want) {
				t.Errorf("%s: %v, read back\n%+v\nwant\n%+v\nline %s", d.kind, err, r.Event, want, line)
			}
		}
	}
}

// fill sets every field that JSON carries to a value other than zero.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint64:
		v.SetUint(1 << 60)
	case reflect.Float64:
		v.SetFloat(0.25)
	case reflect.String:
		v.SetString("a<b> \"ü\n")
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key)
		fill(t, value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 11, 24, 9, 48, 5, 0, time.UTC)))
			return
		}
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && field.Tag.Get("json") != "-" {
				fill(t, v.Field(i))
			}
		}
	default:
		t.Fatalf("an event has a %v: fill it here", v.Type())
	}
}

// An event of a later version reads back by its name alone.
func TestUnknownEvent(t *testing.T) {
	r, err := parseLine([]byte(`{"seq":1,"event":"of-a-later-version","x":1}`), 1)
	if err != nil || r.Event != (Unknown{"of-a-later-version"}) {
		t.Errorf("got %+v (%v)", r, err)
	}
}
