package setting_test

import (
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/internal/setting"
)

func TestOrDefault(t *testing.T) {
	for _, tt := range []struct{ value, want time.Duration }{
		{0, time.Minute}, {-1, 0}, {time.Second, time.Second},
	} {
		if got := setting.OrDefault(tt.value, time.Minute); got != tt.want {
			t.Errorf("OrDefault(%v, 1m) = %v, want %v", tt.value, got, tt.want)
		}
	}
}
