package train

import "math"

// schedule returns the factor, 0 to 1, on the highest learning rates at an update.
func (c Config) schedule(update, total int) float64 {
	warm := c.Warmup * float64(total)
	if u := float64(update) + 1; u < warm {
		return u / warm
	}
	left := 1.0
	if span := float64(total) - warm; span > 0 {
		left = min((float64(total)-float64(update))/span, 1)
	}
	switch c.Schedule {
	case "linear":
		return left
	case "cosine":
		return (1 - math.Cos(math.Pi*left)) / 2
	}
	return 1
}

// horizon returns the number of epochs in which the learning rates rise and fall.
func (c Config) horizon() int {
	if c.Horizon > 0 {
		return c.Horizon
	}
	return c.Epochs
}

// continuable tells whether a training with more epochs would have the same first epochs, so that it can continue from this one.
func (c Config) continuable() bool { return c.Horizon > 0 || c.Schedule == "constant" && c.Warmup == 0 }
