package chart

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"sync"
)

// shades is the number of steps from white to a colour of the scheme, enough for antialiased edges. A palette has 256
// colours at most.
const shades = 18

// encode writes the image with the palette of the scheme. A quarter of the bytes is left to compress, without the
// row filters of true colour: 11 ms instead of 68 for a chart, which is most of the time of plot.
func encode(w io.Writer, img image.Image) error {
	rgba, ok := img.(*image.RGBA)
	if !ok {
		return errors.New("cannot encode the PNG: the renderer gave no RGBA image")
	}
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(w, paletted(rgba)); err != nil {
		return fmt.Errorf("cannot write the PNG: %w", err)
	}
	return nil
}

// paletted puts the image on white and gives every pixel the nearest colour of the palette, two halves at once.
func paletted(img *image.RGBA) *image.Paletted {
	to := image.NewPaletted(img.Rect, palette())
	middle := len(to.Pix) / 2
	var lower sync.WaitGroup
	lower.Go(func() { shade(to.Pix[middle:], img.Pix[4*middle:], to.Palette) })
	shade(to.Pix[:middle], img.Pix[:4*middle], to.Palette)
	lower.Wait()
	return to
}

// shade gives every pixel of 4 bytes the nearest colour.
func shade(to, from []uint8, palette color.Palette) {
	const block = 64 // pixels
	known := map[[4]uint8]uint8{}
	var blank [4 * block]uint8 // transparent, which is white, which is 0 already
	var last [4]uint8
	var index uint8
	for i := 0; i < len(to); i += block {
		from := from[4*i : min(4*(i+block), len(from))]
		if bytes.HasPrefix(blank[:], from) { // most of a chart is blank
			continue
		}
		for n := range len(from) / 4 {
			if pixel := [4]uint8(from[4*n:]); pixel != last { // neighbours are often equal
				last, index = pixel, nearest(pixel, palette, known)
			}
			to[i+n] = index
		}
	}
}

// nearest is the index of the palette's colour that is nearest to the pixel on white.
func nearest(pixel [4]uint8, palette color.Palette, known map[[4]uint8]uint8) uint8 {
	index, ok := known[pixel]
	if !ok {
		bare := 255 - pixel[3] // the colours are premultiplied
		least := 1 << 30
		for i, colour := range palette { // color.Palette's own search takes ten times as long
			c := colour.(color.RGBA) // as palette makes them
			away := squared(c.R, pixel[0]+bare) + squared(c.G, pixel[1]+bare) + squared(c.B, pixel[2]+bare)
			if away < least {
				least, index = away, uint8(i)
			}
		}
		known[pixel] = index
	}
	return index
}

func squared(a, b uint8) int { return (int(a) - int(b)) * (int(a) - int(b)) }

// palette has white at 0, and all shades from white to each colour that is drawn.
func palette() color.Palette {
	colours := color.Palette{color.RGBA{255, 255, 255, 255}}
	ramp := func(c uint32, shades int) {
		full := rgb(c)
		for n := 1; n <= shades; n++ {
			mix := func(channel uint8) uint8 { return uint8(255 - (255-int(channel))*n/shades) }
			colours = append(colours, color.RGBA{mix(full.R), mix(full.G), mix(full.B), 255})
		}
	}
	ramp(gridGrey, 6)
	ramp(frameGrey, 10)
	for _, c := range append(append(scheme(), darks()...), black) {
		ramp(c, shades)
	}
	return colours
}
