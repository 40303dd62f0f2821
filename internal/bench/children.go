package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// child is another process of this same program. It ends by itself when its
// standard input does, so also when this process is killed.
type child struct {
	name   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *json.Decoder
	errors bytes.Buffer
}

// startChild runs "riskstream bench-load" and the like.
func startChild(ctx context.Context, command string) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{name: command, cmd: exec.CommandContext(ctx, program, command)}
	c.cmd.Stderr = &c.errors
	c.cmd.WaitDelay = time.Second
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(out)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", command, err)
	}
	return c, nil
}

// tell writes a line.
func (c *child) tell(what any) error {
	if err := json.NewEncoder(c.in).Encode(what); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", c.name, err), c.end())
	}
	return nil
}

// hear reads the next answer.
func (c *child) hear(answer any) error {
	if err := c.out.Decode(answer); err != nil {
		if ended := c.end(); ended != nil {
			return ended // says why there is no answer
		}
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return nil
}

// end lets the process end and waits for it.
func (c *child) end() error {
	c.in.Close()
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %.2000s", c.name, err, c.errors.Bytes())
	}
	return nil
}

// kill ends the process at once.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may have ended
	_ = c.cmd.Wait()
}
