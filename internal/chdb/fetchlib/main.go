// Command fetchlib installs libchdb, the embedded ClickHouse, into the user's
// cache directory and prints its path.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/term"

	"github.com/riskstream/riskstream/internal/chdb"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	path, err := chdb.Fetch(ctx, progress())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(path)
}

// progress shows how far the download is, on a terminal only.
func progress() func(done, total int64) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	shown := int64(-1)
	return func(done, total int64) {
		if mb := done >> 20; mb != shown || done == total {
			shown = mb
			fmt.Fprintf(os.Stderr, "\rlibchdb: %d of %d MB", mb, max(total, 0)>>20)
		}
		if done == total {
			fmt.Fprintln(os.Stderr)
		}
	}
}
