package chart

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
)

// shades between white and a colour of the scheme: antialiased edges need no more.
const shades = 24

// encode writes the image in the scheme's palette: a quarter of the bytes to compress, and none of the
// row filters of true colour, which would take most of the time.
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

// paletted lays the image on white and gives every pixel the nearest colour of the palette.
func paletted(img *image.RGBA) *image.Paletted {
	to := image.NewPaletted(img.Rect, palette())
	known := map[[4]uint8]uint8{}
	var last [4]uint8 // transparent, which is
	var index uint8   // white
	for i, from := 0, img.Pix; i < len(to.Pix); i, from = i+1, from[4:] {
		if pixel := [4]uint8(from[:4]); pixel != last { // most pixels equal their neighbour
			last = pixel
			var ok bool
			if index, ok = known[pixel]; !ok {
				bare := 255 - pixel[3] // the others are multiplied by their cover already
				index = uint8(to.Palette.Index(color.RGBA{pixel[0] + bare, pixel[1] + bare, pixel[2] + bare, 255}))
				known[pixel] = index
			}
		}
		to.Pix[i] = index
	}
	return to
}

// palette has white, at 0, and every colour that is drawn in all shades towards it.
func palette() color.Palette {
	colours := color.Palette{rgb(white), rgb(gridGrey), rgb(frameGrey)}
	for _, c := range append(scheme(), black) {
		full := rgb(c)
		for n := 1; n <= shades; n++ {
			mix := func(channel uint8) uint8 { return uint8(255 - (255-int(channel))*n/shades) }
			colours = append(colours, color.RGBA{mix(full.R), mix(full.G), mix(full.B), 255})
		}
	}
	return colours
}
